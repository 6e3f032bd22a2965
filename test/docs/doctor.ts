import { diagnose } from "@pillion/core/admin";

// What docs/doctor.md shows.

export async function everyMorning() {
  const { findings } = await diagnose({
    database: process.env.DATABASE_URL!,
    applicationDatabase: process.env.SHOP_DATABASE_URL!,
    oldestMs: 10 * 60_000,
  });
  for (const { severity, code, what, mend } of findings) console.log(severity, code, what, mend);
}

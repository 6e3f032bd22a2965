import type { Admin } from "@pillion/core/admin";
import type { DoctorAnswer } from "./api.ts";

/** What the doctor finds now. */
export async function doctorAnswer(admin: Admin): Promise<DoctorAnswer> {
  const { findings, severity, looked, omitted } = await admin.diagnose();
  return {
    at: new Date().toISOString(),
    severity,
    findings: findings.map(({ code, severity, what, why, mend }) => ({ code, severity, what, why, mend })),
    looked,
    omitted,
  };
}

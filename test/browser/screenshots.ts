// `npm run screenshots`: the pictures of the board in docs/dashboard, from a shop at work.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { handle } from "@pillion/core/worker";
import { startPostgres } from "@pillion/dev-postgres";
import { chromiumCommand } from "./chromium.ts";
import { sendMail, slowly } from "./jobs.ts";
import { boardPlace } from "./place.ts";
import { openShop } from "./shop.ts";
import { startBrowser, type Tab } from "./tab.ts";

const folder = fileURLToPath(new URL("../../docs/dashboard/", import.meta.url));
mkdirSync(folder, { recursive: true });
const looks = [
  ["light", { width: 1280, height: 860, dark: false }],
  ["dark", { width: 1280, height: 860, dark: true }],
  ["phone", { width: 390, height: 844, dark: false }],
] as const;

const server = await startPostgres({ durable: false });
const place = await boardPlace(server.url, "screenshots");
const browser = await startBrowser(chromiumCommand().command);
try {
  const shop = await openShop(place, { mails: 300, invoices: 12, harm: false });
  await place.work({
    pollMs: 200,
    handlers: [handle(slowly, () => new Promise((done) => setTimeout(done, 400)))],
    concurrency: 4,
  });
  const producing = setInterval(() => {
    void place.admin.enqueue(slowly({ at: 0 })).catch(() => {});
    for (let at = 0; at < 3; at++)
      void place.admin.enqueue(sendMail({ to: "ada@example.com" })).catch(() => {});
  }, 80);
  // The page keeps the depth that it sees: it is open all the time. So that the curves have something to show.
  const overviews = await Promise.all(
    looks.map(([, options]) => browser.open(`${place.board}/?minutes=5`, options)),
  );
  const seconds = Number(process.argv[2] ?? 300);
  process.stdout.write(`A shop at work for ${seconds} s …\n`);
  await new Promise((done) => setTimeout(done, seconds * 1_000));
  const pages = {
    queues: "/queues",
    jobs: "/jobs",
    job: `/jobs/${shop.ids.order}`,
    "dead-job": `/jobs/${shop.ids.deadInvoice}`,
    dead: "/dead",
    schedules: "/schedules",
    workers: "/workers",
    doctor: "/doctor",
  };
  const draw = ({ page }: Tab, name: string) => page.screenshot({ path: `${folder}${name}.png` });
  for (const [at, [look]] of looks.entries()) await draw(overviews[at]!, `overview-${look}`);
  const onlyInLight = ["schedules", "workers", "doctor"];
  for (const [look, options] of looks)
    for (const [name, path] of Object.entries(pages)) {
      if (look !== "light" && onlyInLight.includes(name)) continue;
      const tab = await browser.open(place.board + path, options);
      await tab.page.locator("main .panel, main table, main .notice").first().waitFor();
      await draw(tab, `${name}-${look}`);
      await tab.close();
    }
  clearInterval(producing);
} finally {
  await browser.close();
  await place.close();
  await server.stop();
}

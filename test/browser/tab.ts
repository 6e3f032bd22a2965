import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

export interface Tab {
  readonly page: Page;
  /** What the page has complained about since it was last asked: the console's errors, exceptions, breaches of the CSP. */
  faults(): string[];
  /** Hides the tab, or shows it again. */
  hide(hidden: boolean): Promise<void>;
  close(): Promise<void>;
}
interface TabOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}
export interface Browser {
  open(address: string, options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
}

const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium with a profile of its own, that is thrown away. */
export async function startBrowser(command: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "pillion-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: command,
    headless: true,
    args: quiet,
    timezoneId: "UTC",
    viewport: null,
  });
  return {
    open: (address, options) => open(context, address, options),
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function open(
  context: BrowserContext,
  address: string,
  { width = 1280, height = 900, dark = false }: TabOptions = {},
): Promise<Tab> {
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
  page.setDefaultTimeout(60_000);
  let faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`${message.text()} (${message.location().url})`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`CSP: ${violatedDirective} refused ${blockedURI}`),
    );
  });
  await page.goto(address);
  return {
    page,
    faults() {
      const seen = faults;
      faults = [];
      return seen;
    },
    // Driven, Chromium takes every tab for seen: the page is told what it asks for, and what it then hears.
    hide: (hidden) =>
      page.evaluate((state) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => state });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden),
    close: () => page.close(),
  };
}

import { defineConfig } from "vite";

// One script and one sheet of style, by relative paths: the page stands below any base path, and a strict
// Content-Security-Policy lets nothing inline through.
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    write: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
  },
});

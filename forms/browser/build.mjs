// Bundles the entry points into forms/static/built; run by build.py. A new entry point is one line here.
import { rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const pages = [
  "forms.js", // every page
  "finding.js", // the finding form
  "tool.js", // the test of a tool
  "quantity.js", // work done in bulk
  "act.js", // what whoever fixes does
  "lineup.js", // the photo after a fix
  "field.js", // what waits on this phone
  "work_queue.js", // the work queue
  "compare.js", // photos before and after
  "board.js", // the status of a campaign; its charts are a chunk of their own
  "walk.js", // a checklist being answered
];
const into = "forms/static/built";

const common = {
  absWorkingDir: new URL("../..", import.meta.url).pathname,
  outdir: into,
  bundle: true,
  minify: true,
  sourcemap: true,
  target: ["chrome92", "firefox95", "safari15.4"],
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "linked",
  logLevel: "warning",
};

rmSync(new URL(`../../${into}`, import.meta.url), { recursive: true, force: true });
// Pages share what they have in common: a chunk is loaded once and its name changes with its content.
await build({
  ...common,
  entryPoints: pages.map((name) => `forms/browser/${name}`),
  format: "esm",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});
// The worker is one classic script: not every browser takes modules there.
await build({ ...common, entryPoints: ["forms/browser/service-worker.js"], format: "iife" });
writeFileSync(new URL(`../../${into}/.made`, import.meta.url), "");

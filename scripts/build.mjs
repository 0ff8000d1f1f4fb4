// `npm run build`: what the package is made of, into dist/. Compiled by tsc; beside it what is read at run time, and what runs in a browser, bundled.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { licencesOf } from "./licences.ts";
import { root, run } from "./setup.mjs";

/** Files and folders that compiled code reads; package.test.ts looks whether one is missing. */
const assets = [
  "conformance/baselines",
  "conformance/clients/aiortc/client.py",
  "conformance/clients/aiortc/driver.py",
  "conformance/clients/aiortc/strips.py",
  "fixtures/clips",
  "fixtures/images",
  "fixtures/messages.invalid.json",
  "fixtures/messages.valid.json",
  "fixtures/sounds",
  "load/plans",
  "mock-server/playground/index.html",
  "mock-server/playground/page.css",
];

/** What runs in a page: bundled, each into one file beside itself. */
const pages = [
  "conformance/clients/sdk/page.ts",
  "load/generators/browser/page.ts",
  "mock-server/playground/page.ts",
];

const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
const status = run("tsc", ["--project", "tsconfig.build.json"], { shell: process.platform === "win32" });
if (status !== 0) process.exit(status);
for (const path of assets) cpSync(join(root, path), join(dist, path), { recursive: true });

// By what was just compiled, which finds nothing ready made yet.
const { bundle, bundledFiles, sdkFiles } = await import(
  pathToFileURL(join(dist, "fixtures/browser/bundle.js")).href
);
const ready = new Map();
for (const page of pages) {
  ready.set(page.replace(/[.]ts$/, ".bundle.js"), await bundle(pathToFileURL(join(root, page))));
}
for (const [name, make] of sdkFiles) {
  const text = await make();
  if (!bundledFiles.get(text)?.some((file) => file.includes("node_modules"))) {
    throw new Error(`${name} names no package that it is made of, so its licences cannot be passed on.`);
  }
  ready.set(`fixtures/browser/sdks/${name}`, text);
}
for (const [path, text] of ready) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  writeFileSync(join(dist, path), text);
}
const files = [...ready.values()].flatMap((text) => bundledFiles.get(text) ?? []);
writeFileSync(join(dist, "fixtures/browser/sdks/LICENSES.txt"), licencesOf(new Set(files)));

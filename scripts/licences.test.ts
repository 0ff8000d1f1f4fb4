import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { licencesOf } from "./licences.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-licences-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: unknown): string {
  const at = join(folder, path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, typeof content === "string" ? content : JSON.stringify(content));
  return at;
}

/** A package of one file. @returns its path */
function writePackage(name: string, { licence = "MIT", words = "", code = "" } = {}) {
  const [, own] = /^(?:.*\/node_modules\/)?(.+)$/.exec(name)!;
  write(`node_modules/${name}/package.json`, { name: own, version: "1.0.0", license: licence });
  if (words) write(`node_modules/${name}/LICENSE`, words);
  return write(`node_modules/${name}/index.js`, code);
}

/** A package whose one file has others' code in it. @returns its path */
function writeBundle(sources: Record<string, string>, { dependencies = {}, map = "bundle.js.map" } = {}) {
  writePackage("bundler", { words: "Bundler's own." });
  const about = { name: "bundler", version: "2.0.0", license: "Apache-2.0", dependencies };
  write("node_modules/bundler/package.json", about);
  const content = { sources: Object.keys(sources), sourcesContent: Object.values(sources) };
  write("node_modules/bundler/dist/bundle.js.map", content);
  return write("node_modules/bundler/dist/bundle.js", `code();//# sourceMappingURL=${map}\n`);
}

const headsIn = (text: string) => text.match(/^\S+ \d[\d.]*, .+$/gm);
const pinned = (name: string, version: string) =>
  `../node_modules/.pnpm/${name.replace("/", "+")}@${version}/node_modules/${name}/index.js`;

test("a package is listed once, with its words, and our own files are not", () => {
  const file = writePackage("@some/one", { words: "Do as you like." });
  expect(licencesOf([file, file, write("page.ts", "")])).toBe("@some/one 1.0.0, MIT\n\nDo as you like.\n");
});

test("so is it where node_modules is a link to another folder's", () => {
  writePackage("one", { words: "Do as you like." });
  mkdirSync(join(folder, "elsewhere"));
  symlinkSync(join(folder, "node_modules"), join(folder, "elsewhere/node_modules"), "junction");
  expect(headsIn(licencesOf([join(folder, "elsewhere/node_modules/one/index.js")]))).toEqual([
    "one 1.0.0, MIT",
  ]);
});

test("a bundle has those of its map, in their versions, and what it needs besides", () => {
  writePackage("@some/one", { words: "One's words." });
  writePackage("two", { words: "Two's words." });
  writePackage("three", { words: "Three's words.", licence: "0BSD" });
  const bundle = writeBundle(
    { "../src/own.ts": "", [pinned("@some/one", "1.0.0")]: "", [pinned("two", "0.9.1")]: "" },
    { dependencies: { two: "*", three: "*" } },
  );
  // Another one of that package, which has less inside.
  write("node_modules/bundler/dist/worker.js.map", { sources: [pinned("@some/one", "1.0.0")] });
  const worker = write("node_modules/bundler/dist/worker.js", "code();//# sourceMappingURL=worker.js.map");
  const text = licencesOf([worker, bundle]);
  expect(headsIn(text)).toEqual([
    "@some/one 1.0.0, MIT",
    "bundler 2.0.0, Apache-2.0",
    "three 1.0.0, 0BSD",
    "two 0.9.1, MIT",
  ]);
  expect(text).toContain("two 0.9.1, MIT\n\nAs it comes with 1.0.0:\n\nTwo's words.");
});

test("where a package has no file of its licence, its code is asked", () => {
  writePackage("one", { licence: "Apache-2.0" });
  const notice = "// Copyright 2021 Somebody.\n// Licensed under the Apache License.\n";
  const source = pinned("one", "1.0.0");
  const bundle = writeBundle({ [source]: `${notice}\ncode(); // Copyright is no more.\n` });
  const said = "Copyright 2021 Somebody.\nLicensed under the Apache License.\n";
  expect(licencesOf([bundle])).toContain(
    `one 1.0.0, Apache-2.0\n\nThe package has no file of it. Its code says:\n\n${said}`,
  );
});

test("what is not installed is said as package-lock.json has it", () => {
  const bundle = writeBundle({ [pinned("mitt", "1.2.3")]: "" });
  expect(licencesOf([bundle])).toContain("mitt 1.2.3, MIT\n\nThe package has no file of it.");
});

test("a bundle that was copied into another package has its map in the one it is of", () => {
  writePackage("one", { words: "One's words." });
  writeBundle({ [pinned("one", "1.0.0")]: "" });
  writePackage("copier", { words: "Copier's words." });
  const about = { name: "copier", version: "3.0.0", license: "MIT", dependencies: { bundler: "*" } };
  write("node_modules/copier/package.json", about);
  const copy = write("node_modules/copier/worker.js", "code();\n//# sourceMappingURL=bundle.js.map\n");
  expect(headsIn(licencesOf([copy]))).toContain("one 1.0.0, MIT");
});

test.each<[string, () => string, RegExp]>([
  [
    "is under no licence",
    () => writePackage("one", { licence: "" }),
    /^one 1\.0\.0 is bundled with \S+one, and nothing here says its licence: install it, or leave it out\.$/,
  ],
  [
    "nothing here knows",
    () => writeBundle({ [pinned("no-such-package", "1.0.0")]: "" }),
    /^no-such-package 1\.0\.0 is bundled with \S+bundler, and nothing here says its licence/,
  ],
  [
    "is minified, and has no map",
    () => writePackage("one", { words: "x", code: "x".repeat(5000) }),
    /one\/index\.js is a bundle, and has no map: nothing says whose code is in it, .* Leave it out, or find its map\.$/,
  ],
  [
    "is minified, and whose map did not come along",
    () =>
      writePackage("one", { words: "x", code: `${"x".repeat(5000)}\n//# sourceMappingURL=lost.js.map\n` }),
    /one\/index\.js is a bundle, and its map lost\.js\.map is not here/,
  ],
])("what %s cannot be passed on", (_what, file, sentence) => {
  expect(() => licencesOf([file()])).toThrow(sentence);
});

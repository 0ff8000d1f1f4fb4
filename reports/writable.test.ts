/** What cannot be written is told before it is wanted, and asking leaves nothing behind. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkRunsFolder, checkWritable } from "./writable.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-writable-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

test("what can be written stays as it is", () => {
  writeFileSync(file("old.json"), "old");
  checkWritable({ "--json": file("old.json"), "--junit": file("new.xml"), "--markdown": undefined });
  expect(readFileSync(file("old.json"), "utf8")).toBe("old");
  expect(readdirSync(folder)).toEqual(["old.json"]);
});

test("a sentence for each that cannot", () => {
  const isNone = () =>
    checkWritable({ "--json": file("none/a.json"), "--junit": folder, "--frames": file("ok.ndjson") });
  expect(isNone).toThrow(
    /^--json cannot be written: ENOENT.*none\/a\.json.*\n--junit cannot be written: EISDIR.*$/,
  );
});

test("the folder of runs is made, and a file in its place refused", () => {
  checkRunsFolder(file("runs"));
  expect(readdirSync(folder)).toEqual(["runs"]);
  writeFileSync(file("file"), "");
  expect(() => checkRunsFolder(file("file"))).toThrow(/Runs are kept in .*file, which cannot be written to/);
  mkdirSync(file("deep"));
  expect(() => checkRunsFolder(file("file/runs"))).toThrow("ENOTDIR");
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findChromium } from "./find-chromium.ts";

let first: string;
let second: string;

beforeAll(() => {
  first = mkdtempSync(join(tmpdir(), "lucy-chromium-"));
  second = mkdtempSync(join(tmpdir(), "lucy-chromium-"));
  writeFileSync(join(first, "google-chrome"), "", { mode: 0o755 });
  writeFileSync(join(first, "chromium"), "no program", { mode: 0o644 });
  writeFileSync(join(second, "chromium"), "", { mode: 0o755 });
});

afterAll(() => {
  for (const folder of [first, second]) rmSync(folder, { recursive: true });
});

it("takes the best name in PATH, programs only", () => {
  expect(findChromium({ PATH: [first, second].join(delimiter) })).toBe(join(second, "chromium"));
  expect(findChromium({ PATH: first })).toBe(join(first, "google-chrome"));
});

it("takes LUCY_CHROMIUM before all", () => {
  const named = join(first, "google-chrome");
  expect(findChromium({ PATH: second, LUCY_CHROMIUM: named })).toBe(named);
});

it("says so when LUCY_CHROMIUM names nothing", () => {
  expect(() => findChromium({ PATH: second, LUCY_CHROMIUM: "/no/such/browser" })).toThrow(
    "LUCY_CHROMIUM is /no/such/browser, which is no program.",
  );
});

it("says what to type when there is none, not even Playwright's own", () => {
  expect(() => findChromium({ PATH: "" }, join(first, "not-installed"))).toThrow(
    /^There is no Chromium: .* Run npx playwright install chromium, or name one: LUCY_CHROMIUM=/,
  );
  expect(findChromium({ PATH: "" }, join(second, "chromium"))).toBe(join(second, "chromium"));
});

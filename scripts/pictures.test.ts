/** The pictures that README and docs/ show: how a terminal's is drawn, that the command makes one, and that those that are there are small. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { describe, expect, onTestFinished, test } from "vitest";
import { terminalPicture } from "./terminal-picture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pictures = join(root, "docs/pictures");
const esc = "\u001b";

describe("a terminal's picture", () => {
  test("is drawn as the golden one", () => {
    const picture = terminalPicture(
      "lucy-testkit conformance --client <yours>",
      `${esc}[1myours${esc}[0m · 2 scenarios\n\n  acks  ${esc}[32m✓${esc}[0m${esc}[1;31m✗${esc}[0m  ${esc}[2m1/2${esc}[22m & more\n${esc}[33mover\ntwo lines${esc}[39m plain\n\n`,
    );
    const golden = new URL("terminal-picture.golden.svg", import.meta.url);
    if (process.env.UPDATE) return writeFileSync(golden, picture);
    expect(picture).toBe(readFileSync(golden, "utf8"));
  });

  test.each([
    ["a colour that it has not", `${esc}[48;5;12mx`, /the colour code 48; a picture takes 0, 1, 2/],
    ["what moves a cursor", `${esc}[2Kx`, /the control character U\+001b/],
    ["a carriage return", "10 %\r20 %", /the control character U\+000d/],
  ])("refuses %s", (_what, output, sentence) => {
    expect(() => terminalPicture("x", output)).toThrow(sentence);
  });

  test("can be read on either ground", () => {
    const svg = terminalPicture("x", "y");
    for (const theme of svg.split("prefers-color-scheme")) {
      const colours = [...theme.matchAll(/\.(\w+) \{ fill: #(\w{6}); \}/g)].map(
        ([, name, hex]) => [name, hex] as const,
      );
      const ground = colours.find(([name]) => name === "ground")![1]!;
      for (const [name, hex] of colours.filter(([name]) => name !== "ground")) {
        expect([name, contrast(hex!, ground) >= 4.5]).toEqual([name, true]);
      }
    }
  });
});

/** As WCAG 2.2 has it. */
function contrast(one: string, other: string): number {
  const [light, dark] = [one, other]
    .map((hex) => {
      const [red, green, blue] = [0, 2, 4].map((at) => {
        const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
    })
    .toSorted((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

test("npm run pictures takes one of what a command prints, with its colours", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lucy-pictures-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const scenarios = ["--clients", "reference-direct", "--scenarios", "state/empty-set"];
  const args = ["run", "pictures", "--silent", "--", "--only", "conformance", "--to", folder, ...scenarios];
  const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const [code] = await once(child, "close");
  expect([code, said]).toEqual([0, expect.stringContaining("conformance.svg")]);
  const svg = readFileSync(join(folder, "conformance.svg"), "utf8");
  expect(svg).toContain(
    '<title id="title">node cli.ts conformance --client reference-direct --only state/empty-set</title>',
  );
  expect(svg).toMatch(/<text class="green"[^>]*>✓ 1 passed<\/text>/);
}, 60_000);

test.each(readdirSync(pictures))("%s is no burden", (name) => {
  const path = join(pictures, name);
  expect(statSync(path).size).toBeLessThan(300_000);
  if (name.endsWith(".png")) expect(PNG.sync.read(readFileSync(path)).width).toBe(1280);
});

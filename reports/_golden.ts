/** Golden texts, for tests: `UPDATE=1` writes what is compared otherwise; what changed is then seen in the diff of the commit. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

const folder = join(import.meta.dirname, "golden");

/** Fails unless `text` is what `reports/golden/<name>` holds. */
export function matchGoldenText(name: string, text: string): void {
  const path = join(folder, name);
  if (process.env.UPDATE === "1") {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
    return;
  }
  expect(text, `If it is right, run the test again with UPDATE=1 and commit ${name}.`).toBe(
    readFileSync(path, "utf8"),
  );
}

// `npm test`: packages, a browser, a Python with aiortc, then everything: style, types, vitest, the browser specs. Closes with what it counted.
// `npm run test:all` runs the long forms too.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findBrowser } from "./browser.mjs";
import { findPython } from "./python.mjs";
import { installPackages, root, run } from "./setup.mjs";

const startedMs = Date.now();
installPackages();
const browser = findBrowser();
const python = findPython();
const long = process.argv.includes("--all");
const results = join(root, ".cache", "test-results");
rmSync(results, { recursive: true, force: true });

const env = {
  // Hundreds of processes begin in a run, and load the same modules: compiled once, that is half of their work.
  NODE_COMPILE_CACHE: join(root, ".cache", "compiled"),
  LUCY_CHROMIUM: browser,
  ...(python && { LUCY_PYTHON: python }),
  ...(long && { LUCY_LONG: "1" }),
};
const vitestFile = join(results, "vitest.json");
const playwrightFile = join(results, "playwright.json");
const conformanceFile = join(results, "conformance.json");
const total = { passed: 0, failed: 0, skipped: 0 };

step("style and lint", ["biome", "check", "."], wholeStep);
step("types", ["tsc"], wholeStep);
step(
  "vitest",
  ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${vitestFile}`],
  () => {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(vitestFile, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
  },
);
step("browser", ["playwright", "test", "--reporter=list,json"], () => {
  const { stats } = JSON.parse(readFileSync(playwrightFile, "utf8"));
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped };
});
step(
  "conformance",
  ["node", "conformance/self-test.ts", "--out", conformanceFile, ...(long ? ["--all"] : [])],
  () => JSON.parse(readFileSync(conformanceFile, "utf8")),
);

const seconds = Math.round((Date.now() - startedMs) / 1000);
console.log(
  `\nBrowser: ${browser}. aiortc: ${python ?? "unsupported, no Python has it"}. Time: ${seconds} s.`,
);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Runs one tool and adds what it counted. */
function step(name, [command, ...args], count) {
  console.log(`\n── ${name}`);
  const status = run(command, args, {
    shell: process.platform === "win32",
    env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightFile },
  });
  const counted = countOf(count, status);
  for (const key of Object.keys(total)) total[key] += counted[key] ?? 0;
}

/** A tool that failed without a failed test (it crashed, or an error came after the last test) counts as one failure. */
function countOf(count, status) {
  let counted = {};
  try {
    counted = count(status);
  } catch (error) {
    console.error(`lucy-testkit: no results: ${error.message}`);
    return { failed: 1 };
  }
  return status !== 0 && !counted.failed ? { ...counted, failed: 1 } : counted;
}

function wholeStep(status) {
  return status === 0 ? { passed: 1 } : { failed: 1 };
}

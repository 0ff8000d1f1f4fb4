// What action.yml hands to the job: node action-outputs.mjs <exit code> <report> <folder of results>, a line `name=value` each.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [code, report, folder] = process.argv.slice(2);
const verdicts = readdirSync(folder).flatMap(
  (name) => JSON.parse(readFileSync(join(folder, name), "utf8")).verdicts,
);
const count = (wanted) =>
  verdicts.filter(({ outcome, known }) => outcome === wanted && known === null).length;
console.log(`verdict=${["passed", "failed", "inconclusive"][code] ?? "broken"}`);
console.log(`passed=${count("passed")}`);
console.log(`failed=${count("failed")}`);
console.log(`report=${verdicts.length > 0 && existsSync(report) ? report : ""}`);

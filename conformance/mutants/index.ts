/** `npm run mutants`: how many broken clients and servers the scenarios notice. Exits with 1 where one is not. */
import { parseArgs } from "node:util";
import { realClock } from "../clock.ts";
import { runMutants, unpaired } from "./run-mutants.ts";

const { values } = parseArgs({
  options: { jobs: { type: "string", default: "3" }, seed: { type: "string", default: "1" } },
});
const startedMs = realClock.now();
const loose = unpaired();
for (const sentence of loose) console.log(`? ${sentence}`);
const runs = await runMutants({
  clock: realClock,
  seed: Number(values.seed),
  jobs: Number(values.jobs),
  ended: ({ name, scenario, isKilled, told }) =>
    console.log(`${isKilled ? "✓" : "✗"} ${name.padEnd(32)} ${scenario.padEnd(34)} ${told}`),
});
const killed = runs.filter(({ isKilled }) => isKilled).length;
const seconds = Math.round((realClock.now() - startedMs) / 1000);
console.log(
  `\n${killed} of ${runs.length} are noticed: ${Math.floor((100 * killed) / runs.length)} %, in ${seconds} s.`,
);
process.exitCode = killed === runs.length && loose.length === 0 ? 0 : 1;

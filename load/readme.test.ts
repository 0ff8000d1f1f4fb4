/** load/README.md tells the truth: its plans are those there are, its example can be read, its commands are run. `UPDATE=1` writes the table. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { arrivalsOf } from "./arrivals.ts";
import { parsePlan, planNames, readPlan } from "./plan.ts";

const file = new URL("./README.md", import.meta.url);
const readme = readFileSync(file, "utf8");

test("the table of plans is what the folder has", () => {
  const rows = planNames().map((name) => {
    const plan = readPlan(name);
    const arrivals = [...arrivalsOf(plan)];
    const seconds = arrivals.at(-1)!.atMs / 1000 + plan.holdSeconds;
    return `| \`${name}\` | ${plan.about} | ${arrivals.length} | ${Math.round(seconds)} s |`;
  });
  const table = ["| plan | | sessions | takes |", "|---|---|--:|--:|", ...rows].join("\n");
  const block = /(<!-- plans -->\n)([\s\S]*?)(<!-- \/plans -->)/;
  if (process.env.UPDATE) {
    writeFileSync(
      file,
      readme.replace(block, (_all, start, _old, end) => `${start}${table}\n${end}`),
    );
    return;
  }
  expect(block.exec(readme)?.[2]).toBe(`${table}\n`);
});

test("its example is a plan", () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readme)!;
  expect(parsePlan(yaml!, "README.md").thresholds).toHaveLength(5);
});

test("its table of benches has those there are", () => {
  const folder = new URL("./bench/", import.meta.url);
  const benches = readdirSync(folder).flatMap(
    (name) =>
      /: Bench = \{\n {2}name: "([\w-]+)"/.exec(readFileSync(new URL(name, folder), "utf8"))?.[1] ?? [],
  );
  const rows = readme.slice(readme.indexOf("## The bench")).matchAll(/^\| `([\w-]+)` \|/gm);
  expect(
    [...rows]
      .map(([, name]) => name)
      .filter((name) => name !== "--only")
      .toSorted(),
  ).toEqual(benches.toSorted());
});

/** Every command that it prints, and the line of the test that runs it. */
const commands: Record<string, string> = {
  "node cli.ts load": "const ended = await load();",
  "node cli.ts load --plan steady --target ws://127.0.0.1:8787":
    '...["--plan", file("tiny.yaml"), "--target", lucy.realtimeUrl, "--shard", `$' + "{index}/2`],",
  "node cli.ts load --self-test": 'await load("--self-test", "--dialect", "direct")',
  "node cli.ts load compare runs/latest runs/latest": 'await load("compare", "runs/latest", "runs/latest")',
  "node cli.ts load http": 'await load("http", "--seconds", "1")',
};

test("its commands are run by a test", () => {
  const [, block] = /```sh\n([\s\S]*?)```/.exec(readme)!;
  const printed = block!
    .trim()
    .split("\n")
    .map((line) => line.replace(/ *#.*/, ""));
  expect(printed).toEqual(Object.keys(commands));
  const tests = readFileSync(new URL("./command.test.ts", import.meta.url), "utf8");
  for (const line of Object.values(commands)) expect(tests).toContain(line);
});

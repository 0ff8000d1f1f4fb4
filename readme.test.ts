/** The README tells the truth: its tables are made from the code, its commands exist. `UPDATE=1` writes the tables. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { livekitClients, versions } from "./fixtures/browser/versions.ts";
import { optionTable } from "./mock-server/index.ts";
import { olderSdkSnippet } from "./mock-server/playground/snippets.ts";
import { named } from "./mock-server/transforms/plan.ts";

const file = new URL("./README.md", import.meta.url);
const readme = readFileSync(file, "utf8");

const tables: Record<string, string> = {
  options: table(
    ["flag", "in code", "default", ""],
    optionTable.map(({ name, flag, default: value, about }) => [
      `\`${flag}\``,
      `\`${name}\``,
      value === null ? "" : `\`${JSON.stringify(value)}\``,
      about,
    ]),
  ),
  transforms: table(
    ["in the prompt", "does"],
    named.map(({ name, does }) => [`\`${name}\``, does]),
  ),
};

test.each(Object.keys(tables))("the table of %s is what the code has", (name) => {
  const block = new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);
  if (process.env.UPDATE) {
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(
        block,
        (_all, start, _old, end) => `${start}${tables[name]}\n${end}`,
      ),
    );
    return;
  }
  expect(block.exec(readme)?.[2]).toBe(`${tables[name]}\n`);
});

/** Every command that the README and CONTRIBUTING print, and the file that runs it or what it stands for, with the line that does. */
const commands: Record<string, [file: string, line: string]> = {
  "npm start": ["scripts/scripts.test.ts", '{ args: [], scheme: "http" }'],
  "npm start -- --mode relay --port 9000": [
    "scripts/scripts.test.ts",
    '{ args: ["--mode", "relay"], scheme: "http" }',
  ],
  "npm start -- --tls": ["scripts/scripts.test.ts", '{ args: ["--tls"], scheme: "https" }'],
  "npm test": [".ci/run", "npm test"],
  "npm run test:all": ["scripts/test.mjs", 'LUCY_LONG: "1"'],
  "npm run bench": ["scripts/scripts.test.ts", '"bench"'],
  "npm run fixtures": ["scripts/scripts.test.ts", '"fixtures"'],
  "npm run format": ["scripts/test.mjs", '"biome", "check"'],
  "npm run check": ["scripts/test.mjs", '["tsc"]'],
};

test("the lines for older SDKs are the ones the server gives out", () => {
  expect(readme).toContain(olderSdkSnippet("ws://127.0.0.1:8787"));
});

test("it names the SDKs that are tried, and the releases of livekit-client", () => {
  const [, tried] = /Every test run connects (.*?) in Chromium[.]/s.exec(readme)!;
  expect(tried!.match(/\b0[.]\d+[.]\d+/g)).toEqual(versions.map(({ version }) => version));
  expect(tried!.match(/\b2[.]\d+/g)).toEqual(Object.keys(livekitClients));
});

test("every command printed is a script of package.json that something runs", () => {
  const contributing = readFileSync(new URL("./CONTRIBUTING.md", import.meta.url), "utf8");
  const printed = [
    ...`${readme}\n${contributing}`.matchAll(/npm (?:start|test|run [\w:]+)(?: -- [^`#\n]*[^`#\s])?/g),
  ].map(([text]) => text);
  expect(new Set(printed)).toEqual(new Set(Object.keys(commands)));
  const { scripts } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8"));
  for (const command of printed) {
    expect(scripts).toHaveProperty([/^npm (?:run )?([\w:]+)/.exec(command)![1]!]);
    const [file, line] = commands[command]!;
    expect(readFileSync(new URL(file, import.meta.url), "utf8")).toContain(line);
  }
});

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

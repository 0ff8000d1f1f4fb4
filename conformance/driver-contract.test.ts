/** The page on drivers tells the truth: its tables are made from `client.ts`, its transcripts replay, its driver runs. `UPDATE=1` writes the tables. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type Client,
  type ClientEvent,
  capabilities,
  type Driver,
  driverEvent,
  needOf,
  type Request,
  type Result,
  type Verb,
  verbs,
} from "./client.ts";
import { handClock } from "./clients/_hand-clock.ts";
import { createDriverSession } from "./clients/driver-session.ts";
import { openStdioDriver } from "./clients/stdio-driver.ts";
import { realClock } from "./clock.ts";
import { rejects, resolves, same } from "./findings.ts";
import { runScenario } from "./run-scenario.ts";
import { runSuite } from "./run-suite.ts";
import { scenarios } from "./scenarios/index.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const page = read("driver-contract.md");
const source = read("client.ts");

const tables: Record<string, string> = {
  capabilities: table(
    ["capability", ""],
    Object.entries(capabilities).map(([name, about]) => [`\`${name}\``, about]),
  ),
  verbs: table(
    ["verb", "takes", "needs", ""],
    membersOf("export type VerbArguments = {").map(({ name, type, about }) => [
      `\`${name}\``,
      type === "Record<never, never>" ? "" : `\`${type}\``,
      needOf[name as Verb] === null ? "" : `\`${needOf[name as Verb]}\``,
      about,
    ]),
  ),
  shapes: ["Target", "Camera", "Codec", "ImageInput"]
    .map((name) => {
      const [, about, type] = new RegExp(
        `(?:/\\*\\* ([^*]*) \\*/\n)?export type ${name} = ([\\s\\S]*?);\n(?=\n|/)`,
      ).exec(source)!;
      return `- \`${name}\`: \`${shortened(type!)}\`${about ? `. ${about}` : ""}`;
    })
    .join("\n"),
  events: table(
    ["event", "says", "who declares", ""],
    membersOf("const events = {").map(({ name, about }) => {
      const [capability, meaning] =
        Object.entries(capabilities).find(([, text]) => text.includes(`events \`${name}\``)) ?? [];
      return [
        `\`${name}\``,
        `\`${fieldsOf(name)}\``,
        capability ? `\`${capability}\`` : "",
        about || `${meaning!.split(":")[0]}.`,
      ];
    }),
  ),
  "first-steps": `\`\`\`json\n${read("transcripts/first-steps.jsonl")}\`\`\``,
};

test.each(Object.keys(tables))("the table of %s is what the code has", (name) => {
  const block = new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);
  if (process.env.UPDATE) {
    const file = new URL("driver-contract.md", import.meta.url);
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(
        block,
        (_all, start, _old, end) => `${start}${tables[name]}\n${end}`,
      ),
    );
    return;
  }
  expect(block.exec(page)?.[2]).toBe(`${tables[name]}\n`);
});

test("each verb and each event has its row", () => {
  const rowsOf = (name: string) => [...tables[name]!.matchAll(/^\| `([\w-]+)`/gm)].map(([, one]) => one!);
  expect(rowsOf("verbs")).toEqual(verbs);
  expect(rowsOf("events")).toEqual(driverEvent.options.map(({ shape }) => shape.event.value));
});

type Said = { ">": Request } | { "<": Record<string, unknown> };

const transcripts = readdirSync(new URL("transcripts", import.meta.url)).map((name) => ({
  name,
  lines: read(`transcripts/${name}`)
    .trim()
    .split("\n")
    .map((line): Said => JSON.parse(line)),
}));
const said = transcripts.flatMap(({ lines }) => lines.flatMap((line) => (">" in line ? [line[">"]] : [])));
const heard = transcripts.flatMap(({ lines }) => lines.flatMap((line) => ("<" in line ? [line["<"]] : [])));

describe("transcripts", () => {
  test("have every verb and every event", () => {
    expect(new Set(said.map(({ verb }) => verb))).toEqual(new Set(verbs));
    expect(new Set(heard.map(({ event }) => event))).toEqual(
      new Set(driverEvent.options.map(({ shape }) => shape.event.value)),
    );
  });

  test.each(heard.map((event) => [JSON.stringify(event), event]))(
    "%s is as the contract has it, to the last key",
    (_line, event) => {
      expect(driverEvent.parse(event)).toEqual(event);
    },
  );

  test.each(said.map((request) => [JSON.stringify(request), request] as const))(
    "%s takes what its verb takes",
    (_line, { id: _id, verb, ...args }) => {
      const { type } = membersOf("export type VerbArguments = {").find(({ name }) => name === verb)!;
      const known = [...`${type.replace("Target &", tables.shapes!)}`.matchAll(/(\w+)\??:/g)].map(
        ([, key]) => key,
      );
      expect(Object.keys(args).filter((key) => !known.includes(key))).toEqual([]);
    },
  );

  test.each(transcripts)("$name is a conversation: each line is said in its turn", async ({ lines }) => {
    const [first] = lines;
    const declared = driverEvent.parse(first && "<" in first && first["<"]);
    const sent: Request[] = [];
    const told: ClientEvent[] = [];
    const results: Promise<Result>[] = [];
    const session = createDriverSession({
      name: "transcript",
      clock: handClock().clock,
      send: (text) => sent.push(JSON.parse(text)),
      cut: () => expect.unreachable("It has broken."),
      log: [],
    });
    let driver: Driver | undefined;
    for (const line of lines) {
      if ("<" in line) {
        session.receive(JSON.stringify(line["<"]));
        if (!driver) {
          driver = await session.opened;
          driver.follow((event) => told.push(event));
        }
        continue;
      }
      const { id, verb, ...args } = line[">"];
      if (verb === "quit") {
        const closing = driver!.close();
        session.ended("exited with code 0");
        await closing;
      } else {
        const need = needOf[verb];
        if (need) expect(declared).toHaveProperty("capabilities", expect.arrayContaining([need]));
        results.push(driver!.request(verb, args as never));
      }
      expect(sent.at(-1)).toEqual({ id, verb, ...args });
    }
    const events = lines.flatMap((line) => ("<" in line ? [line["<"]] : []));
    const isResult = ({ event }: Record<string, unknown>) => event === "result";
    expect(await Promise.all(results)).toEqual(
      events.filter(isResult).toSorted((a, b) => Number(a.id) - Number(b.id)),
    );
    expect(told).toEqual(events.filter((event) => !isResult(event) && event.event !== "hello"));
  });
});

describe("the driver on the page", () => {
  const [, code] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(page)!;
  const client: Client = {
    name: "thirty-lines",
    open: () =>
      openStdioDriver({
        command: process.execPath,
        args: ["--input-type=module", "-e", code!],
        name: "thirty-lines",
        clock: realClock,
      }),
    close: async () => {},
  };

  test("is thirty-five lines long, blank ones aside", () => {
    expect(code!.split("\n").filter((line) => line.trim() !== "").length).toBe(35);
  });

  test("passes what needs no more than it declares", async () => {
    const about = { client, clock: realClock, seed: 1, jobs: 2, baseline: null, isWhole: true };
    const { result } = await runSuite({ ...about, scenarios, startedAt: new Date(0).toISOString() });
    const idsOf = (outcome: string) =>
      result.verdicts.filter((verdict) => verdict.outcome === outcome).map(({ id }) => id);
    expect(result.harness).toEqual([]);
    expect(
      result.verdicts.filter(({ outcome }) => outcome === "failed" || outcome === "inconclusive"),
    ).toEqual([]);
    expect(idsOf("passed")).toEqual(
      expect.arrayContaining([
        "connect/refused-key",
        "connect/closed-early",
        "auth/token-expired",
        "state/prompt",
      ]),
    );
  }, 60_000);

  test("drives a client", async () => {
    const run = await runScenario(
      {
        id: "acks/thirty-lines",
        does: "It sets one prompt, and another that is refused.",
        owes: "Each call ends as its ack says.",
        source: { kind: "assumed", where: "this test" },
        needs: ["set-prompt", "acks", "states"],
        kills: [],
        faults: [{ name: "negative-ack", when: { after: { messages: 1 } } }],
        async drive({ client }) {
          await client.connect();
          await client.call("setPrompt", { prompt: "a red cape" });
          await client.call("setPrompt", { prompt: "a blue cape" });
          await client.call("disconnect", {});
          await client.state("disconnected");
        },
        judge: ({ call, states }) => [
          ...resolves("connect", call("connect")),
          ...resolves("the first", call("setPrompt", 1)),
          ...rejects("the second", call("setPrompt", 2), /^The state was refused\.$/),
          ...same("its states", states(), ["connecting", "connected", "disconnected"]),
        ],
      },
      { client, seed: 1, clock: realClock, replay: "again" },
    );
    expect(run).toMatchObject({ verdict: { outcome: "passed", findings: [] }, harness: null, log: [] });
  });
});

/** Members of an object in `client.ts`, with what is said above each. */
function membersOf(opening: string): { name: string; type: string; about: string }[] {
  const from = source.indexOf(opening) + opening.length;
  const body = source.slice(from, source.indexOf("\n}", from));
  return [...body.matchAll(/(?:\n {2}\/\*\* (.*) \*\/)?\n {2}(\w+): ([\s\S]*?)[;,](?=\n {2}[^\s})]|$)/g)].map(
    ([, about = "", name, type]) => ({ name: name!, type: shortened(type!), about }),
  );
}

/** A type on one line. */
function shortened(type: string): string {
  return type
    .replace(/\/\*\*.*?\*\//g, "")
    .replace(/readonly /g, "")
    .replace(/\s+/g, " ")
    .replace(/; \}/g, " }")
    .trim();
}

function fieldsOf(name: string): string {
  const { shape } = driverEvent.options.find(({ shape }) => shape.event.value === name)!;
  const { event: _event, ...fields } = shape as Record<string, z.ZodType>;
  return typeOf(z.toJSONSchema(z.object(fields)));
}

type Schema = z.core.JSONSchema.BaseSchema;

function typeOf(schema: Schema): string {
  const { const: one, enum: several, anyOf, type, items, properties, required = [] } = schema;
  if (one !== undefined) return JSON.stringify(one);
  if (several)
    return several.length > 6 ? "capability" : several.map((value) => JSON.stringify(value)).join(" | ");
  if (anyOf) return anyOf.map((each) => typeOf(each as Schema)).join(" | ");
  if (type === "array") return `(${typeOf(items as Schema)})[]`.replace(/^\((\w+)\)/, "$1");
  if (!properties) return [type].flat().join(" | ");
  const fields = Object.entries(properties).map(
    ([key, value]) => `${key}${required.includes(key) ? "" : "?"}: ${typeOf(value as Schema)}`,
  );
  return `{ ${fields.join(", ")} }`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The README tells the truth: its tables are made from the code, its commands exist, its snippets run. `UPDATE=1` writes the tables. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { livekitClients, versions } from "./fixtures/browser/versions.ts";
import { readClip } from "./fixtures/clips.ts";
import { createMediaClient } from "./mock-server/_media-client.ts";
import { closeLater, runServer } from "./mock-server/_running-server.ts";
import { openSocket } from "./mock-server/_socket-client.ts";
import { manualClock } from "./mock-server/clock.ts";
import { catalogueMarkdown, momentsMarkdown } from "./mock-server/faults/catalogue.ts";
import { declarationKeys, whenKeys } from "./mock-server/faults/declare.ts";
import { faults } from "./mock-server/faults/index.ts";
import * as lucyTestkit from "./mock-server/index.ts";
import { type MockServer, optionTable, startMockServer } from "./mock-server/index.ts";
import { olderSdkSnippet } from "./mock-server/playground/snippets.ts";
import { named } from "./mock-server/transforms/plan.ts";

const file = new URL("./README.md", import.meta.url);
const readme = readFileSync(file, "utf8");

const tables: Record<string, string | (() => Promise<string>)> = {
  flaky: `\`\`\`yaml\n${readFileSync(new URL("./mock-server/scenarios/flaky.yaml", import.meta.url), "utf8")}\`\`\``,
  faults: catalogueMarkdown(faults)
    .split(/(?:^|\n\n)\*\*(.+)\*\*\n\n/)
    .slice(1)
    .reduce((text, part, i, parts) => (i % 2 === 0 ? text + folded(part, parts[i + 1]!) : text), "")
    .trimEnd(),
  moments: folded("moments", momentsMarkdown()).trimEnd(),
  error: async () => `\`\`\`\n${await waitInVain()}\n\`\`\``,
  routes: async () => routeTable((await runServer({ mode: "none" })).url),
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

test.each(Object.keys(tables))("the table of %s is what the code has", async (name) => {
  const made = tables[name]!;
  const text = typeof made === "string" ? made : await made();
  const block = new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);
  if (process.env.UPDATE) {
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(block, (_all, start, _old, end) => `${start}${text}\n${end}`),
    );
    return;
  }
  expect(block.exec(readme)?.[2]).toBe(`${text}\n`);
});

const scenarioRun =
  '{ args: ["--scenario", "mock-server/scenarios/flaky.yaml", "--clock", "manual"], scheme: "http" }';

/** Every command that the README and CONTRIBUTING print, and the file that runs it or what it stands for, with the line that does. */
const commands: Record<string, [file: string, line: string]> = {
  "npm start": ["scripts/scripts.test.ts", '{ args: [], scheme: "http" }'],
  "npm start -- --mode relay --port 9000": [
    "scripts/scripts.test.ts",
    '{ args: ["--mode", "relay"], scheme: "http" }',
  ],
  "npm start -- --clock manual": ["scripts/scripts.test.ts", scenarioRun],
  "npm start -- --scenario mock-server/scenarios/flaky.yaml": ["scripts/scripts.test.ts", scenarioRun],
  "npm start -- --tls": ["scripts/scripts.test.ts", '{ args: ["--tls"], scheme: "https" }'],
  "npm test": [".ci/run", "npm test"],
  "npm run test:all": ["scripts/test.mjs", 'LUCY_LONG: "1"'],
  "npm run mutants": ["conformance/mutants/index.ts", "await runMutants({"],
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

describe("the section on faults", () => {
  const section = /\n## When things go wrong\n.*?(?=\n## What the picture shows\n)/s.exec(readme)![0];
  const blocks = (language: string) =>
    [...section.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!);

  test("says every key of the envelope, and no other", () => {
    const keys = [...section.matchAll(/^\| `([\w.]+)` \|.*\|$/gm)].map(([, key]) => key!);
    const all = [...declarationKeys.filter((key) => key !== "when"), ...whenKeys.map((key) => `when.${key}`)];
    expect(keys.filter((key) => all.includes(key)).toSorted()).toEqual(all.toSorted());
    const envelope = section.slice(section.indexOf("**Every fault has"), section.indexOf("### Every fault"));
    expect([...envelope.matchAll(/^\| `/gm)]).toHaveLength(all.length);
  });

  test("begins with a key that loses an ack", async () => {
    const [, apiKey] = /apiKey: "(mock:[^"]+)"/.exec(blocks("js")[0]!)!;
    const lucy = await runServer({ mode: "none" });
    expect(await app(lucy, apiKey)).toEqual(["ack of 2"]);
  });

  test.each(
    blocks("ts").map((text) => [
      text.split("\n").find((line) => /lucy\.\w|writeMockKey\(/.test(line))!,
      text,
    ]),
  )("runs: %s", async (_line, text) => {
    const lucy = await runServer({ mode: /frames\(/.test(text) ? "relay" : "none", seed: 1 });
    const names = [...text.matchAll(/^import \{ (.*) \} from "lucy-testkit";$/gm)].flatMap(([, list]) =>
      list!.split(", "),
    );
    for (const name of names) expect(lucyTestkit).toHaveProperty(name);
    const code = text
      .replace(/^import .*$/gm, "")
      // `fault.fired; // 1` is an assertion.
      .replace(/^([\w.]+); \/\/ (\d+)$/gm, "expect($1).toBe($2);");
    expect(code).not.toMatch(/; \/\/ \d+$/m);
    const startsItself = code.includes("startMockServer(");
    const given = {
      ...lucyTestkit,
      expect,
      app: code.includes("frames(") ? stream : app,
      ...(!startsItself && { lucy }),
    };
    await run(code, given);
  });

  test.each([
    ["as a key", (key: string) => ({ api_key: key })],
    ["in the query of a URL", (key: string) => ({ api_key: "dct_local", mock: key.replace(/^mock:/, "") })],
    ["in the query, whole", (key: string) => ({ api_key: "dct_local", mock: key })],
  ])("has a line of Python that makes a key, which a server takes %s", async (_name, queryOf) => {
    const [text] = blocks("python");
    const line =
      /^api_key = "mock:" \+ base64\.urlsafe_b64encode\(json\.dumps\((.*)\)\.encode\(\)\)\.decode\(\)\.rstrip\("="\)$/m;
    const [, given] = line.exec(text!)!;
    // Python's json has a space behind each comma and colon, as the line itself has; what stands there is JSON, too.
    expect(JSON.parse(given!)).toEqual([{ name: "missing-ack", when: { at: "ack-queued:2" } }]);
    const padded = Buffer.from(given!).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    const key = `mock:${padded.replace(/=+$/, "")}`;
    const lucy = await runServer({ mode: "none" });
    expect(await app(lucy, queryOf(key))).toEqual(["ack of 1"]);
  });

  test("a scenario that is put by its line of curl is met by a key of its name", async () => {
    const [, name, body] = /scenarios\/(\S+) -X PUT --json '(.*)'$/m.exec(section)!;
    const lucy = await runServer({ mode: "none" });
    const headers = { "content-type": "application/json" };
    await fetch(`${lucy.url}/_lucy/scenarios/${name}`, { method: "PUT", headers, body: body! });
    await expect(app(lucy, `mock:${name}`)).rejects.toThrow("closed (1006");
  });

  test("prints lines for curl that a server takes, one after the other", async () => {
    const { url } = await runServer({ mode: "none", clock: "manual" }, manualClock());
    const lines = blocks("sh").flatMap((text) => text.trim().split("\n"));
    expect(lines).toHaveLength(5);
    for (const line of lines) {
      const [, path, method, body] =
        /^curl http:\/\/127\.0\.0\.1:8787(\/_lucy\/\S+)(?: -X ([A-Z]+))?(?: --json '(.*)')?$/.exec(line)!;
      const answer = await fetch(`${url}${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
      });
      expect([line, answer.status < 300]).toEqual([line, true]);
    }
  });

  test.each([
    ["dct_local", [["ack of 1"]]],
    ["mock:busy", ["closed (1013", "closed (1013", ["ack of 1"]]],
    ["mock:cut-off", ["closed (1006", ["ack of 1"]]],
  ])("the scenario file does what it says to a client with the key %s", async (apiKey, expected) => {
    const lucy = await runServer({ mode: "none", scenario: "mock-server/scenarios/flaky.yaml" });
    const seen: unknown[] = [];
    for (const _attempt of expected) {
      seen.push(
        await app(lucy, apiKey).catch(({ message }: Error) => /closed \(\d+/.exec(message)?.[0] ?? message),
      );
    }
    expect(seen).toEqual(expected);
  });
});

/** Stands for the reader's app: sets two prompts, and tells which were acked. */
async function app(
  { realtimeUrl }: MockServer,
  given: string | Record<string, string> = "dct_local",
): Promise<string[]> {
  const query = typeof given === "string" ? { api_key: given } : given;
  const client = closeLater(await openSocket(realtimeUrl, { query }));
  client.send({ type: "prompt", prompt: "1" });
  client.send({ type: "prompt", prompt: "2" });
  // What is no image is refused, and in its turn: every other ack has come by then, or never does.
  client.send({ type: "set_image", image_data: "bm8=" });
  await client.take("set_image_ack");
  return client.received.flatMap((one) => (one.type === "prompt_ack" ? [`ack of ${one.prompt}`] : []));
}

/** The same with pictures. */
async function stream({ realtimeUrl }: MockServer): Promise<void> {
  const control = closeLater(await openSocket(realtimeUrl));
  const media = closeLater(createMediaClient(control, { codec: "vp8" }));
  control.send({ type: "prompt", prompt: "a red cape" });
  await media.negotiate();
  await media.connected();
  for (const [index, { data, key }] of readClip("vp8-180p15").frames.slice(0, 31).entries()) {
    media.sendPicture(data, key, index * 6000);
  }
}

/** What is printed to whoever waits for an ack that a fault has swallowed. */
async function waitInVain(): Promise<string> {
  // The server's time stands, and waiting ends all the same.
  const lucy = closeLater(await startMockServer({ port: 0, mode: "none", clock: "manual", seed: 1 }));
  const begun = lucy.nextSession();
  const client = closeLater(await openSocket(lucy.realtimeUrl, { query: { api_key: "mock:missing-ack" } }));
  const session = await begun;
  client.send({ type: "prompt", prompt: "a red cape" });
  await lucy.journal.match({ kind: "fault-fired" });
  const [, line] = /`(await .*)` throws$/m.exec(readme)!;
  const error = await run(line!, { lucy, session }).then(
    () => expect.unreachable("It came."),
    (error: Error) => error,
  );
  return String(error).replaceAll(new URL(lucy.url).port, "8787");
}

async function run(code: string, given: Record<string, unknown>): Promise<void> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction(...Object.keys(given), code)(...Object.values(given));
}

/** From the document that the server gives out. */
async function routeTable(url: string): Promise<string> {
  const { paths } = (await (await fetch(`${url}/_lucy/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { summary: string }>>;
  };
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => [`\`${method.toUpperCase()} ${path}\``, summary]),
  );
  return table(["route", "does"], rows);
}

function folded(name: string, text: string): string {
  const listed = [...text.matchAll(/^\| `([\w:-]+)`/gm)].map(([, one]) => `<code>${one}</code>`);
  return `<details><summary><b>${name}</b> ${listed.join(" ")}</summary>\n\n${text}\n\n</details>\n\n`;
}

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

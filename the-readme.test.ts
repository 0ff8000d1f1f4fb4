/**
 * What README, docs/ and the other pages tell people to type is true: every command is run by a test or a CI, every snippet runs, every error is
 * as it is printed. `UPDATE=1` writes the error.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { livekitClients, versions } from "./fixtures/browser/versions.ts";
import { readClip } from "./fixtures/clips.ts";
import { createMediaClient } from "./mock-server/_media-client.ts";
import { closeLater, runServer } from "./mock-server/_running-server.ts";
import { openSocket } from "./mock-server/_socket-client.ts";
import { manualClock } from "./mock-server/clock.ts";
import { declarationKeys, whenKeys } from "./mock-server/faults/declare.ts";
import * as lucyTestkit from "./mock-server/index.ts";
import { type MockServer, startMockServer } from "./mock-server/index.ts";
import { olderSdkSnippet, sdkSnippet } from "./mock-server/playground/snippets.ts";
import * as lucyVitest from "./mock-server/testing/vitest.ts";

const root = import.meta.dirname;
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Pages whose every command and snippet is tried. load/README.md is its own test's. */
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "conformance/README.md",
  ...globSync("docs/*.md", { cwd: root }).map((path) => path.replaceAll("\\", "/")),
].toSorted();

type Block = { readonly page: string; readonly text: string };
const blocks = (language: string, of = pages): Block[] =>
  of.flatMap((page) =>
    [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => ({
      page,
      text: text!,
    })),
  );

const scenarioRun =
  '{ args: ["--scenario", "mock-server/scenarios/flaky.yaml", "--clock", "manual"], scheme: "http" }';

/** Every command that a page prints, and the file that runs it or what it stands for, with the line that does. */
const commands: Record<string, readonly [file: string, line: string]> = {
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
  "npm run bench -- --only glass": ["load/bench/index.ts", "  glass,"],
  "npm run bench -- --only connect": ["load/bench/index.ts", "  connect,"],
  "npm run bench -- --only set": ["load/bench/index.ts", "  set,"],
  "npm run bench -- --only sessions": ["load/bench/index.ts", "  sessions,"],
  "npm run fixtures": ["scripts/scripts.test.ts", '"fixtures"'],
  "npm run pictures": ["scripts/pictures.test.ts", '"pictures"'],
  "npm run format": ["scripts/test.mjs", '"biome", "check"'],
  "npm run check": ["scripts/test.mjs", '["tsc"]'],
  [`npm install --save-dev ./lucy-testkit-${JSON.parse(read("package.json")).version}.tgz`]: [
    "package.test.ts",
    "expect(await npm(tarball))",
  ],
  "npx lucy-testkit mock": ["package.test.ts", '["mock", "--port", "0"]'],
  "node cli.ts conformance --client sdk@0.1.20": ["conformance/self-test.ts", '"sdk@0.1.20"'],
  "node cli.ts conformance --client sdk@file:../my-build": ["package.test.ts", "`sdk@file:$" + "{build}`"],
  'node cli.ts conformance --client-command "python my_driver.py"': [
    "conformance/command.test.ts",
    '"--client-command", "node driver.mjs"',
  ],
  "node cli.ts conformance --list": ["conformance/command.test.ts", 'conformance(["--list"])'],
  "node cli.ts load --plan smoke": ["load/command.test.ts", "const ended = await load();"],
  "node cli.ts report": ["reports/command.test.ts", '["the latest run, as text", []'],
  // There is no engine: its command line and its health check are run without.
  "docker compose up --build --wait": [
    "package.test.ts",
    '["compose.yaml", () => compose.command as string[]]',
  ],
};

describe("what is to be typed", () => {
  const typed = blocks("sh").flatMap(({ page, text }) =>
    text
      .trim()
      .split("\n")
      .map((line) => ({ page, line: line.replace(/ +#.*/, "") })),
  );
  const isAsked = ({ line }: { line: string }) => line.startsWith("curl ");
  /** In the middle of a sentence, too. */
  const inProse = pages.flatMap((page) =>
    [...read(page).matchAll(/npm (?:start|test|run [\w:]+)(?: -- [^`#\n]*[^`#\s])?/g)].map(([line]) => ({
      page,
      line,
    })),
  );

  test("each command is run somewhere, and each that is run is printed", () => {
    const printed = [...typed.filter((one) => !isAsked(one)), ...inProse].map(({ line }) => line);
    expect([...new Set(printed)].toSorted()).toEqual(Object.keys(commands).toSorted());
    for (const [command, [file, line]] of Object.entries(commands)) {
      expect([command, read(file).includes(line)]).toEqual([command, true]);
    }
  });

  test("each script is one of package.json", () => {
    const { scripts } = JSON.parse(read("package.json"));
    for (const { line } of inProse)
      expect(scripts).toHaveProperty([/^npm (?:run )?([\w:]+)/.exec(line)![1]!]);
  });

  test.each(pages.filter((page) => typed.some((one) => one.page === page && isAsked(one))))(
    "a server takes the lines for curl of %s, one after the other",
    async (page) => {
      const { url } = await runServer({ mode: "relay", clock: "manual" }, manualClock());
      for (const { line } of typed.filter((one) => one.page === page && isAsked(one))) {
        const [, path, method, body] =
          /^curl '?http:\/\/127\.0\.0\.1:8787(\/_lucy\/[^\s']+)'?(?: -X ([A-Z]+))?(?: --json '(.*)')?$/.exec(
            line,
          )!;
        const answer = await fetch(`${url}${path}`, {
          method: method ?? (body === undefined ? "GET" : "POST"),
          ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
        });
        expect([line, answer.status < 300]).toEqual([line, true]);
      }
    },
  );
});

test("the lines that point an SDK here are the ones the server gives out", () => {
  expect(read("docs/sdks.md")).toContain(olderSdkSnippet("ws://127.0.0.1:8787"));
  const options = /\{([^}]*)\}/.exec(
    sdkSnippet("http://127.0.0.1:8787", "ws://127.0.0.1:8787").replace(/^.*client = /s, ""),
  )![1]!;
  const line = `createDecartClient({ ${options
    .trim()
    .replaceAll(/,?\s*\n\s*/g, ", ")
    .replace(/,$/, "")} })`;
  for (const page of ["README.md", "docs/sdks.md"]) expect(read(page)).toContain(line);
});

test("fidelity.md names the SDKs that are tried, and the releases of livekit-client", () => {
  const [, tried] = /in Chromium: (.*?) with every test run/s.exec(read("docs/fidelity.md"))!;
  expect(tried!.match(/\b0[.]\d+[.]\d+/g)).toEqual(versions.map(({ version }) => version));
  const [, releases] = /observed with livekit-client (.*?) \|/.exec(read("docs/fidelity.md"))!;
  expect(releases!.match(/\b2[.]\d+/g)).toEqual(Object.keys(livekitClients));
});

describe("the README says", () => {
  const readme = read("README.md");

  test("how many SDKs are run", () => {
    const words = ["four", "five", "six", "seven", "eight", "nine", "ten"];
    const count = words[versions.length - 4];
    expect(readme).toContain(
      `in ${count} versions from ${versions[0].version} to ${versions.at(-1)!.version}`,
    );
  });

  test("numbers that docs/figures.md has, rounded", () => {
    const section = /\n## Numbers\n[\s\S]*?(?=\n## )/.exec(readme)![0];
    const figures = (read("docs/figures.md").match(/\d+([.]\d+)?/g) ?? []).map(Number);
    const shown = [...section.matchAll(/^\|(?! *\|).*\|$/gm)].flatMap(
      ([row]) => row.match(/(?<![\d.])\d+([.]\d+)?(?= ?(?:ms|×| ·))/g) ?? [],
    );
    expect(shown.length).toBeGreaterThan(8);
    const missing = shown.filter((text) => {
      const digits = text.split(".")[1]?.length ?? 0;
      return !figures.some((figure) => figure.toFixed(digits) === text);
    });
    expect(missing).toEqual([]);
  });
});

/** A line of `lucy-testkit` is imported as others do; what a door has is held by package.test.ts. */
const doorOf = (text: string) => /from "lucy-testkit\/(\w+)"/.exec(text)?.[1];

// Registered as the tests that they are; at the top, as vitest wants it for a server that tests share.
for (const { text } of blocks("ts").filter(({ text }) => doorOf(text) === "vitest")) {
  const [, names] = /^import \{ (.*) \} from/m.exec(text)!;
  const given = { ...lucyVitest, app } as Record<string, unknown>;
  const imported = [...names!.split(", "), "app"];
  new Function(...imported, text.replace(/^import .*$/gm, ""))(...imported.map((name) => given[name]));
}

test.each(blocks("ts").filter(({ text }) => /\bpage\b/.test(text)))(
  "the Playwright test of $page is one that is run",
  ({ text }) => {
    const [, body] = /^((?:test|import).*\n(?!import)[\s\S]*)$/m.exec(text.replace(/^import .*\n\n?/gm, ""))!;
    expect(read("examples/product-page/app.spec.ts")).toContain(body);
  },
);

test.each(
  blocks("ts")
    .filter(({ text }) => doorOf(text) === undefined && !/\bpage\b/.test(text))
    .map(({ page, text }) => [
      page,
      text.split("\n").find((line) => /lucy\.\w|writeMockKey\(/.test(line))!,
      text,
    ]),
)("what %s shows runs: %s", async (_page, _line, text) => {
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
    // The reader's port may be taken here.
    startMockServer: (options: Parameters<typeof startMockServer>[0]) =>
      startMockServer({ ...options, port: 0 }),
    ...(!startsItself && { lucy }),
  };
  await run(code, given);
});

describe("the page about faults", () => {
  const page = read("docs/faults.md");

  test("says every key of the envelope, and no other", () => {
    const envelope = page.slice(page.indexOf("## The envelope"), page.indexOf("## Every fault"));
    const keys = [...envelope.matchAll(/^\| `([\w.]+)` \|.*\|$/gm)].map(([, key]) => key!);
    const all = [...declarationKeys.filter((key) => key !== "when"), ...whenKeys.map((key) => `when.${key}`)];
    expect(keys.toSorted()).toEqual(all.toSorted());
  });

  test.each(["README.md", "docs/faults.md"])("%s has a key that loses an ack", async (page) => {
    const [, apiKey] = /apiKey: "(mock:[^"]+)"/.exec(read(page))!;
    const lucy = await runServer({ mode: "none" });
    expect(await app(lucy, apiKey)).toEqual(["ack of 2"]);
  });

  test.each([
    ["as a key", (key: string) => ({ api_key: key })],
    ["in the query of a URL", (key: string) => ({ api_key: "dct_local", mock: key.replace(/^mock:/, "") })],
    ["in the query, whole", (key: string) => ({ api_key: "dct_local", mock: key })],
  ])("has a line of Python that makes a key, which a server takes %s", async (_name, queryOf) => {
    const [{ text } = { text: "" }] = blocks("python");
    const line =
      /^api_key = "mock:" \+ base64\.urlsafe_b64encode\(json\.dumps\((.*)\)\.encode\(\)\)\.decode\(\)\.rstrip\("="\)$/m;
    const [, given] = line.exec(text)!;
    // Python's json has a space behind each comma and colon, as the line itself has; what stands there is JSON, too.
    expect(JSON.parse(given!)).toEqual([{ name: "missing-ack", when: { at: "ack-queued:2" } }]);
    const padded = Buffer.from(given!).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    const key = `mock:${padded.replace(/=+$/, "")}`;
    const lucy = await runServer({ mode: "none" });
    expect(await app(lucy, queryOf(key))).toEqual(["ack of 1"]);
  });

  test("a scenario that is put by its line of curl is met by a key of its name", async () => {
    const [, name, body] = /scenarios\/(\S+) -X PUT --json '(.*)'$/m.exec(page)!;
    const lucy = await runServer({ mode: "none" });
    const headers = { "content-type": "application/json" };
    await fetch(`${lucy.url}/_lucy/scenarios/${name}`, { method: "PUT", headers, body: body! });
    await expect(app(lucy, `mock:${name}`)).rejects.toThrow("closed (1006");
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

test("the error that docs/testing.md prints is the one that comes", async () => {
  const page = "docs/testing.md";
  const block = /(<!-- error -->\n)([\s\S]*?)(<!-- \/error -->)/;
  const text = `\`\`\`\n${await waitInVain()}\n\`\`\`\n`;
  if (process.env.UPDATE) {
    return writeFileSync(
      join(root, page),
      read(page).replace(block, (_all, start, _old, end) => start + text + end),
    );
  }
  expect(block.exec(read(page))?.[2]).toBe(text);
});

describe("CONTRIBUTING.md", () => {
  const recipes = read("CONTRIBUTING.md")
    .split(/^## /m)
    .filter((section) => /^Add a/.test(section))
    .map((section) => ({ name: section.split("\n")[0]!, section }));

  test("has the four recipes", () => {
    expect(recipes.map(({ name }) => name)).toEqual([
      "Add a fault",
      "Add a transform",
      "Add a scenario",
      "Add a client",
    ]);
  });

  test.each(recipes)("$name takes six steps at most, and names what is there", ({ section }) => {
    const steps = [...section.matchAll(/^(\d+)[.] /gm)].map(([, number]) => Number(number));
    expect(steps).toEqual(steps.map((_, index) => index + 1));
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.length).toBeLessThanOrEqual(6);
    const named = [...section.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
    const paths = named.filter((code) => /^[\w.-]+\/[\w./-]+$/.test(code) && !code.startsWith("acks/"));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(paths.length).toBeGreaterThan(0);
    for (const command of named.filter((code) => /\bvitest run\b/.test(code))) {
      const [, filter] = /vitest run (\S+)/.exec(command)!;
      expect([
        command,
        globSync(`{*,{mock-server,conformance}/**/*}${filter}*`, { cwd: root }).length > 0,
      ]).toEqual([command, true]);
    }
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
  const [, line] = /`(await .*)` throws$/m.exec(read("docs/testing.md"))!;
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

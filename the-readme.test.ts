/**
 * What README, docs/ and the other pages tell people to type is true: of every command it is known whether a test or the CI runs it, what is run in
 * its stead, or that people do; every snippet runs, every error is as it is printed. `UPDATE=1` writes the error.
 */
import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
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
import { inRange } from "./protocol/index.ts";

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

/** A file, and the line in it. */
type Place = readonly [file: string, line: string];

/** Run by `npm test`, or by the CI, as they are printed but for port and folder: where. */
const byTest: Record<string, Place> = {
  "npm start": ["scripts/scripts.test.ts", '{ args: [], scheme: "http" }'],
  "npm start -- --mode relay --port 9000": [
    "scripts/scripts.test.ts",
    '{ args: ["--mode", "relay"], scheme: "http" }',
  ],
  "npm start -- --tls": ["scripts/scripts.test.ts", '{ args: ["--tls"], scheme: "https" }'],
  "npm test": [".ci/run", "npm test"],
  "node cli.ts conformance --list": ["conformance/command.test.ts", 'conformance(["--list"])'],
  "node cli.ts report": ["reports/command.test.ts", '["the latest run, as text", []'],
};

/** Of these another form is run by `npm test`, or the same code in process: where. */
const standsFor: Record<string, Place> = {
  "npm start -- --clock manual": ["scripts/scripts.test.ts", scenarioRun],
  "npm start -- --scenario mock-server/scenarios/flaky.yaml": ["scripts/scripts.test.ts", scenarioRun],
  "npm run mutants": ["conformance/self-test.ts", "await runMutants({"],
  "npm run bench": ["scripts/scripts.test.ts", '"bench"'],
  "npm run bench -- --only start": ["scripts/scripts.test.ts", '"--only", "start"'],
  "npm run pictures": ["scripts/pictures.test.ts", '"pictures"'],
  "npm run check": ["scripts/test.mjs", '["tsc"]'],
  "node cli.ts conformance --client sdk@0.1.20": ["conformance/self-test.ts", '"sdk@0.1.20"'],
  'node cli.ts conformance --client-command "python my_driver.py"': [
    "conformance/command.test.ts",
    '"--client-command", "node driver.mjs"',
  ],
  "node cli.ts load --plan smoke": ["load/command.test.ts", "const ended = await load();"],
  // There is no engine: its command line and its health check are run without.
  "docker compose up --build --wait": [
    "package.test.ts",
    '["compose.yaml", () => compose.command as string[]]',
  ],
};

/** Run by nothing but a person, or the long form (`npm run test:all`): what they start, or where the long form does. */
const byHand: Record<string, Place> = {
  "npm run test:all": ["scripts/test.mjs", 'LUCY_LONG: "1"'],
  "npm run bench -- --only glass": ["load/bench/index.ts", "  glass,"],
  "npm run bench -- --only connect": ["load/bench/index.ts", "  connect,"],
  "npm run bench -- --only set": ["load/bench/index.ts", "  set,"],
  "npm run bench -- --only sessions": ["load/bench/index.ts", "  sessions,"],
  "npm run bench -- --only capacity": ["load/bench/index.ts", "  capacity,"],
  "npm run bench -- --only first-success": ["load/bench/index.ts", "  firstSuccess,"],
  "npm run bench -- --only first-success --runs 5": ["load/bench/index.ts", "  firstSuccess,"],
  "npm run fixtures": ["scripts/scripts.test.ts", '"fixtures"'],
  "npm run format": ["package.json", '"format": "biome check --write ."'],
  [`npm install --save-dev ./lucy-testkit-${JSON.parse(read("package.json")).version}.tgz`]: [
    "package.test.ts",
    "expect(await npm(tarball))",
  ],
  "npx lucy-testkit mock": ["package.test.ts", '["mock", "--port", "0"]'],
  "node cli.ts conformance --client sdk@file:../my-build": ["package.test.ts", "`sdk@file:$" + "{build}`"],
  "docker build --tag lucy-testkit:0.1.0 .": ["Dockerfile", "docker build --tag lucy-testkit:0.1.0 ."],
  "docker run --rm --init --network host lucy-testkit:0.1.0 mock --udp-ports 50000-50100": [
    "compose.yaml",
    "network_mode: host",
  ],
  "docker run --rm --init --publish 8787:8787 --publish 50000-50100:50000-50100/udp lucy-testkit:0.1.0": [
    "Dockerfile",
    "EXPOSE 8787 50000-50100/udp",
  ],
};

const commands = { ...byTest, ...standsFor, ...byHand };

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

  test("each command is of one of three kinds, is where that says, and no other is", () => {
    const printed = [...typed.filter((one) => !isAsked(one)), ...inProse].map(({ line }) => line);
    expect([...new Set(printed)].toSorted()).toEqual(Object.keys(commands).toSorted());
    for (const [command, [file, line]] of Object.entries(commands)) {
      expect([command, read(file).includes(line)]).toEqual([command, true]);
    }
  });

  /** In a sentence, a block or a workflow. */
  const ours = [...pages, "load/README.md"].flatMap((page) =>
    [...read(page).matchAll(/(npx (?:--no-install )?lucy-testkit|(?:npx )?node cli\.ts)( [^`#\n]*)?/g)].map(
      ([, starts, rest = ""]) => ({ page, starts: starts!, rest: rest.trim() }),
    ),
  );

  test.each([
    ...new Set(ours.map(({ rest }) => rest).filter((rest) => /^(mock|conformance|load|report)\b/.test(rest))),
  ])(
    "%s is a command with these flags, and has help",
    async (rest) => {
      const words = rest.match(/^(?:load (?:compare|merge|http)|\w+)/)![0].split(" ");
      const { stdout } = await promisify(execFile)(process.execPath, ["cli.ts", ...words, "--help"], {
        cwd: root,
      });
      expect(stdout).toContain(`Usage: lucy-testkit ${words.join(" ")}`);
      for (const [flag] of rest.matchAll(/(?<=\s)--[a-z-]+/g))
        expect([rest, stdout]).toEqual([rest, expect.stringContaining(flag)]);
    },
    60_000,
  );

  test("npx is kept from fetching what is not ours, but where it has just been installed", () => {
    const may = new Set(["", "…", "mock"]);
    const bare = ours.filter(({ starts }) => starts === "npx lucy-testkit");
    expect(bare.filter(({ rest }) => !may.has(rest))).toEqual([]);
    expect(read("docs/github.md")).toMatch(/run: npx --no-install lucy-testkit/);
  });

  test("the Node that a clone has brought along runs cli.ts", async () => {
    const { engines, version } = JSON.parse(read("package.json"));
    expect(read("README.md")).toContain(`needs Node ≥ ${engines.node.replace(">=", "")} itself`);
    const { stdout } = await promisify(execFile)("npx", ["--no-install", "node", "cli.ts", "--version"], {
      cwd: root,
      shell: process.platform === "win32",
    });
    expect(stdout).toBe(`${version}\n`);
  }, 60_000);

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

  test("that no SDK of a range was run, where none was, and names every package that may be needed", () => {
    const [, from, to] = /none of them from (\S+) to (\S+):/.exec(readme)!;
    expect(
      versions.filter(({ version }) => inRange({ sdk: "js", from: from!, until: to! }, "js", version)),
    ).toEqual([]);
    for (const name of Object.keys(JSON.parse(read("package.json")).peerDependencies))
      expect(readme).toContain(`\`${name}`);
  });

  /** Of the README's rows: the rows of docs/figures.md, in the order of the numbers in a cell. */
  const rowsOf: Record<string, readonly string[]> = {
    "glass to glass p50, H.264 transcoded": ["H264 transcode p50"],
    "`connect()` to the first picture, H.264": ["H264 connect() to first picture"],
    "`set()` to visible, H.264": ["H264 set({ prompt, image }) → visible"],
    "CPU of a picture, transcoded · relayed": ["H264 transcode CPU a picture", "H264 relay CPU a picture"],
    "`npx` to the first edited picture in a browser": ["npx to first edited picture"],
    "the package, packed · unpacked": ["the package, packed · unpacked"],
  };

  test.each(Object.entries(rowsOf))("of %s what those rows of docs/figures.md say, rounded", (name, rows) => {
    const cellsOf = (text: string, name: string) =>
      text
        .split("\n")
        .find((line) => line.startsWith(`| ${name} |`))!
        .split("|")
        .slice(2, -1);
    /** Without the spread. */
    const numbersIn = (cell: string) => {
      const all = [...cell.replace(/\(.*?\)/g, "").matchAll(/([\d.]+)( ×)?/g)];
      return [false, true].flatMap((isRatio) =>
        all.filter((one) => (one[2] !== undefined) === isRatio).map(([, text]) => text!),
      );
    };
    const isBoth = cellsOf(readme, name).length === 3;
    for (const column of isBoth ? [0, 1] : [0]) {
      const shown = numbersIn(cellsOf(readme, name)[column]!);
      const figures = rows.flatMap((row) => {
        const cells = cellsOf(read("docs/figures.md"), row);
        return numbersIn(cells[(cells.length > 5 ? 1 : 0) + column]!);
      });
      expect(shown.length).toBeGreaterThan(0);
      expect([name, shown]).toEqual([
        name,
        figures.map((figure, index) => Number(figure).toFixed(shown[index]?.split(".")[1]?.length ?? 0)),
      ]);
    }
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

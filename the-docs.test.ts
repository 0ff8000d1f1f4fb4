/**
 * What docs/ lists is what the code has, and what any page links to is there. `UPDATE=1` writes the lists: what stands between `<!-- name -->` and
 * `<!-- /name -->`.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { readBaseline } from "./conformance/baseline.ts";
import { conformanceCommand } from "./conformance/index.ts";
import { requirementSets } from "./conformance/requirement-sets.ts";
import { areas, faultsOf } from "./conformance/scenario.ts";
import { scenarios } from "./conformance/scenarios/index.ts";
import { versions } from "./fixtures/browser/versions.ts";
import { loadCommand } from "./load/command.ts";
import { runServer } from "./mock-server/_running-server.ts";
import { mockCommand } from "./mock-server/command.ts";
import { catalogueMarkdown, momentsMarkdown } from "./mock-server/faults/catalogue.ts";
import { faults } from "./mock-server/faults/index.ts";
import { optionTable } from "./mock-server/index.ts";
import { type Change, readChange } from "./mock-server/state.ts";
import { named } from "./mock-server/transforms/plan.ts";
import * as protocol from "./protocol/index.ts";
import { reportCommand } from "./reports/command.ts";

const root = import.meta.dirname;
const read = (path: string) => readFileSync(join(root, path), "utf8");

const action = parse(read("action.yml")) as {
  readonly inputs: Record<string, { description: string; required?: boolean; default?: string }>;
  readonly outputs: Record<string, { description: string }>;
};

/** By page and name. */
const lists: Record<string, Record<string, () => string | Promise<string>>> = {
  "docs/faults.md": {
    flaky: () => `\`\`\`yaml\n${read("mock-server/scenarios/flaky.yaml")}\`\`\``,
    faults: () => catalogueMarkdown(faults).replaceAll(/^\*\*(\w+)\*\*$/gm, "### On `$1`"),
  },
  "docs/moments.md": { moments: momentsMarkdown },
  "docs/control-api.md": { routes },
  "docs/options.md": {
    mock: () =>
      table(
        ["flag", "in code", "default", ""],
        optionTable.map(({ name, flag, default: value, about }) => [
          `\`${flag}\``,
          `\`${name}\``,
          value === null ? "" : `\`${JSON.stringify(value)}\``,
          about,
        ]),
      ),
    terminal: () => flags(mockCommand(), (flag) => !optionTable.some((row) => row.flag === flag)),
    conformance: () => flags(conformanceCommand()),
    load: () => flags(loadCommand()),
    merge: () => flags(partOf(loadCommand(), "merge")),
    http: () => flags(partOf(loadCommand(), "http")),
    report: () => flags(reportCommand()),
  },
  "docs/transforms.md": {
    transforms: () =>
      table(
        ["in the prompt", "does", "what its test holds"],
        named.map(({ name, does, property }) => [`\`${name}\``, does, property]),
      ),
  },
  "docs/scenarios.md": { scenarios: scenarioTables, sets: requirementTable },
  "docs/models.md": { models: modelTable },
  "docs/messages.md": {
    client: () => messages(protocol.CLIENT_MESSAGES, protocol.CLIENT_TYPES),
    server: () => messages(protocol.SERVER_MESSAGES, protocol.SERVER_TYPES),
    codes: () =>
      table(
        ["code", "", "known from", "tried again by 0.1.x"],
        Object.values(protocol.CLOSE_CODES).map(({ code, meaning, evidence, retried }) => [
          String(code),
          meaning,
          evidence,
          retried.livekit ? "yes" : "no",
        ]),
      ),
  },
  "docs/testing.md": {
    matchers: () => memberTable("mock-server/testing/matchers.ts", "LucyMatchers"),
    frames: () => memberTable("mock-server/testing/match-frame.ts", "FrameMatchers"),
    "frame-options": () => memberTable("mock-server/testing/match-frame.ts", "MatchFrameOptions"),
    lucy: () => memberTable("mock-server/testing/lucy.ts", "Lucy"),
    "vitest-fixtures": () => memberTable("mock-server/testing/vitest.ts", "LucyFixtures"),
    "playwright-fixtures": () =>
      memberTable("mock-server/testing/playwright.ts", "LucyTestFixtures", "LucyWorkerFixtures"),
  },
  "docs/exports.md": { exports: exportLists },
  "docs/github.md": {
    inputs: () =>
      table(
        ["input", "", "unless given"],
        Object.entries(action.inputs).map(([name, { description, required, default: value }]) => [
          `\`${name}\``,
          description,
          required ? "must be" : value ? `\`${value}\`` : "",
        ]),
      ),
    outputs: () =>
      table(
        ["output", ""],
        Object.entries(action.outputs).map(([name, { description }]) => [`\`${name}\``, description]),
      ),
  },
  "docs/sdks.md": {
    tried: () =>
      table(
        ["`@decartai/sdk`", "dialect", "livekit-client", "codecs, its own choice first"],
        versions.map(({ version, era, livekitClients, codecs }) => [
          version,
          era,
          livekitClients.join(", "),
          codecs.join(", "),
        ]),
      ),
  },
  "SECURITY.md": { bounds },
};

describe("the list", () => {
  const all = Object.entries(lists).flatMap(([page, made]) =>
    Object.entries(made).map(([name, make]) => ({ page, name, make })),
  );

  test.each(all)("$name of $page is what the code has", async ({ page, name, make }) => {
    const text = await make();
    const block = new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);
    const now = read(page);
    expect(now, `${page} has no <!-- ${name} -->`).toMatch(block);
    if (process.env.UPDATE) {
      const written = now.replace(block, (_all, start, _old, end) => `${start}${text}\n${end}`);
      if (written !== now) writeFileSync(join(root, page), written);
      return;
    }
    expect(block.exec(now)?.[2]).toBe(`${text}\n`);
  });

  test("of one page is not that of another: each marker belongs to a list", () => {
    const marked = pages
      .filter((page) => /^(docs\/|[A-Z]+[.]md)/.test(page))
      .flatMap((page) =>
        [...read(page).matchAll(/^<!-- ([\w-]+) -->$/gm)].map(([, name]) => `${page} ${name}`),
      );
    // the-readme.test.ts holds it.
    const others = ["docs/testing.md error"];
    const known = all.map(({ page, name }) => `${page} ${name}`);
    expect(marked.filter((one) => !others.includes(one)).toSorted()).toEqual(known.toSorted());
  });
});

/** Every page of the repository, but for those that tests compare. */
const pages = globSync(
  "{*,docs/**/*,load/**/*,conformance/**/*,protocol/**/*,mock-server/**/*,examples/**/*}.md",
  { cwd: root },
)
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted();

/** Without what is code. */
const prose = (text: string) =>
  text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, (code) => (code.includes("](") ? "" : code));

describe("a link", () => {
  test.each(pages)("of %s leads to what is there", (page) => {
    const text = prose(read(page));
    const links = [
      ...[...text.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map(([, link]) => link!),
      ...[...text.matchAll(/(?:src|srcset|href)="([^"]+)"/g)].map(([, link]) => link!),
    ].filter((link) => !/^https?:/.test(link));
    expect(links.flatMap((link) => whatIsMissing(page, link))).toEqual([]);
  });

  test("that leads nowhere is noticed", () => {
    for (const link of ["docs/nothing.md", "#no-such-heading", "docs/faults.md#no-such-heading", "doc"]) {
      expect([link, whatIsMissing("README.md", link)]).toEqual([link, [expect.stringContaining(link)]]);
    }
  });

  function whatIsMissing(page: string, link: string): string[] {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path).replaceAll("\\", "/").replace(/\/$/, "");
    if (!existsSync(join(root, target))) return [`${page}: there is no ${link}`];
    if (anchor === undefined) return [];
    const file = statSync(join(root, target)).isDirectory() ? `${target}/README.md` : target;
    return anchorsOf(read(file)).includes(anchor) ? [] : [`${page}: ${file} has no heading for ${link}`];
  }
});

/** As GitHub names headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#{1,6} (.+)$/gm)];
  return headings.map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

test("docs/README.md names every page of docs/, and no other", () => {
  const there = pages.filter((page) => page.startsWith("docs/") && page !== "docs/README.md");
  const named = [...read("docs/README.md").matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, file]) => `docs/${file}`);
  expect(named.toSorted()).toEqual(there);
});

test("the README is short, and its lines are", () => {
  const lines = read("README.md").split("\n");
  expect(lines.length).toBeLessThanOrEqual(300);
  // But for pictures and tables, which cannot be broken.
  expect(lines.filter((line) => line.length > 180 && !/^ *(\||<|!\[)/.test(line))).toEqual([]);
});

test("the baseline that docs/github.md shows can be read, for the client of its workflow and by the name there", () => {
  const page = read("docs/github.md");
  const [, workflow] = /^```yaml\n(jobs:[\s\S]*?)^```$/m.exec(page)!;
  const { steps } = parse(workflow!).jobs.lucy;
  const { client, baseline } = steps.find(({ id }: { id?: string }) => id === "lucy").with;
  const [, text] = /^```json\n([\s\S]*?)^```$/m.exec(page)!;
  const folder = mkdtempSync(join(tmpdir(), "lucy-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, baseline), text!);
  const ids = scenarios.map(({ id }) => id);
  expect(readBaseline(join(folder, baseline), client, ids).known.length).toBeGreaterThan(0);
  expect(page).toContain(`--client ${client} --baseline ${baseline} --markdown`);
});

test("docs/containers.md runs the image that is built, by its ports and by flags that there are", () => {
  const page = read("docs/containers.md");
  const exposed = /^EXPOSE (\d+) (\d+-\d+)\/udp$/m.exec(read("Dockerfile"))!;
  const { image, command } = parse(read("compose.yaml")).services.lucy;
  const [, host, ports] = /^docker build --tag (\S+) \.\n(docker run .*)\n(docker run .*)$/m
    .exec(page)!
    .slice(1);
  expect(page).toContain(`docker build --tag ${image} .`);
  expect(host).toBe(
    `docker run --rm --init --network host ${image} mock --udp-ports ${command[command.indexOf("--udp-ports") + 1]}`,
  );
  const [, signalling, media] = exposed;
  expect(ports).toBe(
    `docker run --rm --init --publish ${signalling}:${signalling} --publish ${media}:${media}/udp ${image}`,
  );
});

test("SECURITY.md says what needs no token", async () => {
  const [, said] = /without it (`[\s\S]*?) come without one/.exec(read("SECURITY.md"))!;
  const paths = [...said!.matchAll(/`(\/[^`]*)`/g)].map(([, path]) => path!);
  const { url } = await runServer({ mode: "none", host: "0.0.0.0" });
  const statusOf = async (path: string) => (await fetch(url + path)).status;
  expect(paths.length).toBeGreaterThan(6);
  for (const path of paths) expect([path, await statusOf(path)]).toEqual([path, 200]);
  const { paths: routes } = JSON.parse(await openApiText()) as { paths: Record<string, { get?: object }> };
  for (const [path, { get }] of Object.entries(routes)) {
    if (!get || path.includes("{") || paths.includes(path)) continue;
    expect([path, await statusOf(path)]).toEqual([path, 401]);
  }
});

test("docs/control-api.md says whose lines are capped", async () => {
  const { url, journal } = await runServer({ mode: "none" });
  const [, first] = /has the first (\d+) whom/.exec(read("docs/control-api.md"))!;
  const [, uncapped] = /any other path \((.*?)\) has a line/.exec(read("docs/control-api.md"))!;
  const linesOf = async (path: string) => {
    const before = journal.lines.length;
    for (let i = 0; i < 30; i++) await fetch(url + path, { headers: { origin: "https://example.com" } });
    return journal.lines.length - before;
  };
  expect(await linesOf("/_lucy/sessions")).toBe(Number(first));
  for (const [, path] of uncapped!.matchAll(/`(.*?)`/g)) {
    expect([path, await linesOf(path!)]).toEqual([path, 30]);
  }
});

test("the workflow that docs/github.md shows gives the action what it takes, and reads what it says", () => {
  const [, workflow] = /^```yaml\n(jobs:[\s\S]*?)^```$/m.exec(read("docs/github.md"))!;
  const { steps } = parse(workflow!).jobs.lucy;
  const given = steps.find(({ id }: { id?: string }) => id === "lucy").with;
  for (const name of Object.keys(given)) expect(action.inputs).toHaveProperty(name);
  for (const [name, { required }] of Object.entries(action.inputs))
    if (required) expect(given).toHaveProperty(name);
  const said = [...workflow!.matchAll(/steps[.]lucy[.]outputs[.](\w+)/g)].map(([, name]) => name!);
  expect(said.length).toBeGreaterThan(0);
  for (const name of said) expect(action.outputs).toHaveProperty(name);
});

test("every flag that a page names is one of a command", () => {
  const commands = [mockCommand(), conformanceCommand(), loadCommand(), reportCommand()];
  const ours = [...commands, ...commands.flatMap((command) => [...command.commands])].flatMap(({ options }) =>
    options.map(({ long }) => long!),
  );
  const benchAndPictures = ["--runs", "--only", "--markdown", "--to", "--all", "--help"];
  const notOurs =
    /^--(save-dev|build|wait|json|host-resolver-rules|ignore-certificate-errors|body-file|no-install|edit-last|create-if-none|tag|rm|init|network|publish)$/;
  const known = new Set([...ours, ...benchAndPictures, "--update"]);
  const unknown = pages
    .filter((page) => /^(docs\/|load\/README|conformance\/README|[A-Z]+[.]md)/.test(page))
    .flatMap((page) =>
      [...read(page).matchAll(/(?<![\w-])--[a-z][\w-]+/g)].map(([flag]) => `${page} ${flag}`),
    )
    .filter((one) => !known.has(one.split(" ")[1]!) && !notOurs.test(one.split(" ")[1]!));
  expect(unknown).toEqual([]);
});

test("docs/fidelity.md says what set_image means as the state does", () => {
  const [, section] = /### What `set_image` means\n([\s\S]*?)\n## /.exec(read("docs/fidelity.md"))!;
  const rows = [...section!.matchAll(/^\| (.*(?:image_|neither).*) \| (.*) \| (.*) \|$/gm)];
  expect(rows).toHaveLength(7);
  for (const [, carries, image, prompt] of rows) {
    const message = {
      type: "set_image" as const,
      ...(carries!.includes("`image_data` text") && { image_data: "aGk=" }),
      ...(carries!.includes("`image_data` null") && { image_data: null }),
      ...(carries!.includes("`prompt` text") && { prompt: "hi" }),
      ...(carries!.includes("`prompt` null") && { prompt: null }),
    };
    const told = (change: Change) => ({
      image: change.image === undefined ? "kept" : change.image === null ? "cleared" : "set",
      prompt: change.prompt === undefined ? "kept" : change.prompt === null ? "cleared" : "set",
    });
    expect([carries, told(readChange(message, "keep"))]).toEqual([
      carries,
      { image: image!.split(/[, ]/)[0], prompt: prompt!.split(":")[0] },
    ]);
    if (image!.includes("`--prompt-only-set clear`")) {
      expect(told(readChange(message, "clear")).image).toBe("cleared");
    }
  }
});

test("docs/playground.md names parts that the page has", () => {
  const page = read("mock-server/playground/index.html");
  const parts = [...read("docs/playground.md").matchAll(/\*\*([^*]+)\*\*/g)].map(([, part]) => part!);
  expect(parts.length).toBeGreaterThan(10);
  expect(parts.filter((part) => !page.includes(`>${part}`))).toEqual([]);
});

test("docs/results.md has as many known failures as the baselines, and judges all that a dialect owes", () => {
  const tables = read("docs/results.md")
    .split(/^## /m)
    .slice(1)
    .map((section) => [...section.matchAll(/^\| (.+) \|$/gm)].map(([, row]) => row!.split(" | ")));
  expect(tables).toHaveLength(2);
  // Wider than that a page of GitHub scrolls.
  for (const [head] of tables) expect(head!.length).toBeLessThanOrEqual(8);
  for (const [head, ...rows] of tables) expectCounts(head!, rows.at(-1)!);
});

function expectCounts(head: readonly string[], all: readonly string[]): void {
  expect(all[0]).toBe("**all**");
  const count = (text: string, word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(text)?.[1] ?? 0);
  for (const [column, client] of head.entries()) {
    const total = all[column]!;
    const path = `conformance/baselines/${client.replace("@", "-")}.json`;
    if (client.startsWith("reference-")) {
      const owed = Object.keys(requirementSets).find((name) =>
        name.startsWith(client.replace("reference-", "")),
      );
      const { length } = requirementSets[owed!]!;
      expect([client, total]).toEqual([client, `${length}/${length}`]);
    } else if (column > 0) {
      const { length } = JSON.parse(read(path)).known;
      expect([client, count(total, "known") + count(total, "inconclusive")]).toEqual([client, length]);
    }
  }
}

test("docs/fidelity.md says of every message what is known of it", () => {
  const text = read("docs/fidelity.md");
  const types = [...Object.keys(protocol.CLIENT_MESSAGES), ...Object.keys(protocol.SERVER_MESSAGES)];
  expect(types.filter((type) => !text.includes(`\`${type}\``))).toEqual([]);
});

/** From the document that the server gives out. */
async function openApiText(): Promise<string> {
  const { url } = await runServer({ mode: "none" });
  return (await fetch(`${url}/_lucy/openapi.json`)).text();
}

async function routes(): Promise<string> {
  const { paths } = JSON.parse(await openApiText()) as {
    paths: Record<string, Record<string, { summary: string }>>;
  };
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => [`\`${method.toUpperCase()} ${path}\``, summary]),
  );
  return table(["route", "does"], rows);
}

function partOf(command: Command, name: string): Command {
  return command.commands.find((one) => one.name() === name)!;
}

function flags(command: Command, isWanted = (_flag: string) => true): string {
  const rows = command.options
    .filter(({ flags }) => isWanted(flags))
    .map(({ flags, description, defaultValue, defaultValueDescription }) => [
      `\`${flags}\``,
      description,
      defaultValueDescription ??
        (defaultValue === undefined || defaultValue === "" || typeof defaultValue === "boolean"
          ? ""
          : `\`${defaultValue}\``),
    ]);
  return table(["flag", "", "default"], rows);
}

function scenarioTables(): string {
  return areas
    .map((area) => {
      const rows = scenarios
        .filter(({ id }) => id.startsWith(`${area}/`))
        .map((scenario) => {
          const { id, does, owes, source, needs, dialects = [] } = scenario;
          const own = [...new Set(needs)].map((need) => `\`${need}\``).join(", ");
          const met = [
            ...new Set(
              (["direct", "livekit"] as const).flatMap((dialect) =>
                faultsOf(scenario, dialect).map(({ name }) => `\`${name}\``),
              ),
            ),
          ].join(", ");
          const about = [
            dialects.length > 0 && `${dialects.join(", ")} only`,
            own !== "" && `needs ${own}`,
            met !== "" && `faults ${met}`,
          ];
          const who = `${source.kind}: ${source.where}`;
          return [`\`${id}\``, does, owes, who, about.filter(Boolean).join("<br>")];
        });
      return `### ${area}\n\n${table(["scenario", "what is done to the client", "what it owes", "says who", ""], rows)}`;
    })
    .join("\n\n");
}

function requirementTable(): string {
  return table(
    ["set", "scenarios"],
    Object.entries(requirementSets).map(([name, ids]) => {
      const counts = Map.groupBy(ids, (id) => id.slice(0, id.indexOf("/")));
      return [
        `\`${name}\``,
        `${ids.length}: ${[...counts].map(([area, { length }]) => `${area} ${length}`).join(", ")}`,
      ];
    }),
  );
}

function modelTable(): string {
  const size = ({ width, height, fps }: { width: number; height: number; fps: number }) =>
    `${width}×${height}@${fps}`;
  const span = ({ from, until }: protocol.ModelListing) =>
    until === null ? `${from} –` : from === until ? from : `${from} – ${until}`;
  return table(
    ["model", "picture", "", "JS", "Python", "Android"],
    protocol.REALTIME_MODELS.map((model) => {
      const { id, acceptsImage, aliasOf, listings } = model;
      return [
        `\`${id}\``,
        size(model),
        [aliasOf && `the same as \`${aliasOf}\``, !acceptsImage && "text only"].filter(Boolean).join(", "),
        ...(["js", "python", "android"] as const).map((sdk) =>
          listings
            .filter((listing) => listing.sdk === sdk)
            .map((listing) => span(listing) + (size(listing) === size(model) ? "" : ` (${size(listing)})`))
            .join(", "),
        ),
      ];
    }),
  );
}

/** Each by what stands above its definition. */
function messages(
  catalogue: Record<string, unknown>,
  types: Record<"direct" | "livekit", readonly string[]>,
): string {
  const sources = ["direct-messages", "livekit-messages", "shared-messages"].map((file) =>
    read(`protocol/${file}.ts`),
  );
  return Object.entries(catalogue)
    .map(([type, schema]) => {
      const name = Object.entries(protocol).find(([, value]) => value === schema)![0];
      const about = sources.flatMap((source) => commentAbove(source, `export const ${name} =`))[0]!;
      const spoken = (["direct", "livekit"] as const).filter((dialect) => types[dialect].includes(type));
      const said = about.replace(/^(Client → server|Server → client|Both ways)\. /, "");
      return `### \`${type}\`, ${spoken.join(" and ")}\n\n${said}`;
    })
    .join("\n\n");
}

/** The doc comment that stands directly above, as Markdown. */
function commentAbove(source: string, definition: string): string[] {
  const at = source.indexOf(`\n${definition}`);
  if (at < 0) return [];
  const end = source.lastIndexOf("*/", at);
  const start = source.lastIndexOf("/**", end);
  return [commentText(source.slice(start + 3, end))];
}

function commentText(comment: string): string {
  return comment
    .replace(/^[ \t]*\* ?/gm, "")
    .trim()
    .replaceAll(/(?<!\n)\n(?![\n-])\s*/g, " ")
    .replaceAll(/\{@link (\w+)\}/g, "`$1`")
    .replace(/ ?@throws (.+)$/, " Throws $1.");
}

/** The members of a type, with what stands above each; those of an object in it by their path. */
function memberTable(file: string, ...types: readonly string[]): string {
  const source = read(file);
  const body = types
    .map((type) => new RegExp(`^export type ${type} = \\{\\n([\\s\\S]*?)^\\};`, "m").exec(source)![1])
    .join("");
  const member =
    /(?:\/\*\*([\s\S]*?)\*\/\s*)?^( +)(?:readonly )?(\w+\??)(: \{$|[(:][\s\S]*?;$|(?=\n))|^ +\};$/gm;
  const path: string[] = [];
  const rows: string[][] = [];
  for (const [, comment = "", indent, name, rest] of body.matchAll(member)) {
    if (name === undefined) path.pop();
    else if (rest === ": {") path.push(name);
    else if (indent!.length === 2 * (path.length + 1)) {
      const signature = rest!.replaceAll(/\s+/g, " ").replace(/\( /, "(").replace(/,? \)/, ")");
      rows.push([
        `\`${[...path, name].join(".")}${signature.replace(/: Promise<void>;$|;$/, "").replaceAll("frontDoor.", "")}\``,
        commentText(comment).replaceAll("\n", " "),
      ]);
    }
  }
  expect(rows.length).toBeGreaterThan(0);
  return table(["", ""], rows);
}

/** As package.test.ts reads them off the packed declarations. */
function exportLists(): string {
  const golden = read("package.golden.txt").split("\n");
  const { exports } = JSON.parse(read("package.json"));
  return Object.keys(exports)
    .filter((door) => golden.some((line) => line.startsWith(`${door} `)))
    .map((door) => {
      const names = golden
        .filter((line) => line.startsWith(`${door} `))
        .map((line) => line.slice(door.length + 1));
      const types = names.filter((name) => name.startsWith("type ")).map((name) => name.slice(5));
      const values = names.filter((name) => !name.startsWith("type "));
      // A name a line: a diff shows what comes and goes.
      const shown = (list: string[]) => list.map((name) => `\`${name}\``).join(",\n");
      const parts = [values.length > 0 && shown(values), types.length > 0 && `Types:\n${shown(types)}`];
      return `### \`${door.replace(".", "lucy-testkit")}\`\n\n${parts.filter(Boolean).join("\n\n")}`;
    })
    .join("\n\n");
}

/** What is bounded, by the constants that bound it. */
function bounds(): string {
  const rows: readonly (readonly [what: string, file: string, name: string, unit: string])[] = [
    ["a reference image, base64", "protocol/limits.ts", "IMAGE_BASE64_CHARS_MAX", "characters"],
    ["its longest side", "protocol/limits.ts", "IMAGE_SIDE_PX_MAX", "px"],
    ["its size, looked at before it is decoded", "protocol/limits.ts", "IMAGE_PIXELS_MAX", "px"],
    ["a prompt", "protocol/limits.ts", "PROMPT_CHARS_MAX", "characters"],
    ["a message on the control socket", "protocol/limits.ts", "MESSAGE_BYTES_MAX", "bytes"],
    ["an SDP", "protocol/limits.ts", "SDP_BYTES_MAX", "bytes"],
    ["messages of one socket that wait for their turn", "mock-server/stream-socket.ts", "waitingMax", ""],
    ["a socket on which nothing is said", "mock-server/stream-socket.ts", "silenceMsMax", "ms"],
    ["viewers of a session", "mock-server/viewer.ts", "viewersMax", ""],
    ["open rooms", "mock-server/livekit/rooms.ts", "openRoomsMax", ""],
    ["members of a room", "mock-server/livekit/rooms.ts", "membersMax", ""],
    ["client tokens", "mock-server/token-desk.ts", "tokensMax", ""],
    ["uploads at once", "mock-server/control/files.ts", "uploadsMax", ""],
    ["lines of the journal", "mock-server/journal.ts", "linesMax", ""],
    ["text of the journal", "mock-server/journal.ts", "charsMax", "characters"],
    ["a line of the journal", "mock-server/journal.ts", "lineLengthMax", "characters"],
    ["readers of the live journal", "mock-server/control/journal-feed.ts", "readersMax", ""],
    ["a body for the control API", "mock-server/control/api.ts", "bodyBytesMax", "bytes"],
    ["a body for the service's HTTP side", "mock-server/control/app.ts", "bodyBytesMax", "bytes"],
    ["faults of one declaration", "mock-server/faults/declare.ts", "faultsMax", ""],
    ["a key with faults in it", "mock-server/faults/mock-key.ts", "charsMax", "characters"],
    ["what a fault holds back", "mock-server/faults/held-items.ts", "bytesMax", "bytes"],
    ["a scenario file", "mock-server/faults/scenario-file.ts", "bytesMax", "bytes"],
  ];
  return table(
    ["what", "at most"],
    rows.map(([what, file, name, unit]) => {
      const [, given] = new RegExp(`^(?:export )?const ${name} = ([\\d_ *]+);`, "m").exec(read(file)) ?? [];
      expect(given, `${file} has no number ${name}`).toBeDefined();
      const value = given!
        .split("*")
        .reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
      return [what, `${value.toLocaleString("en-US").replaceAll(",", " ")} ${unit}`.trim()];
    }),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // What stands in code is shown as it is; outside of it `<version>` would be a tag.
  const cell = (text: string) =>
    text.replaceAll("|", "\\|").replace(/`[^`]*`|<(?!br>)/g, (found) => (found === "<" ? "&lt;" : found));
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

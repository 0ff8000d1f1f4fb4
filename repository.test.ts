/**
 * The habits of this repository, held: who may import whom, where time is read, what things are called. Each rule is tried on
 * a file that breaks it, too, so that none passes because it sees nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, test } from "vitest";

type SourceFile = { readonly path: string; readonly text: string };
type Exception = { readonly file: string; readonly what: string; readonly why: string };

type Rule = {
  readonly name: string;
  /** A line for each thing that is wrong. */
  find(files: readonly SourceFile[]): string[];
  /** Files that break it, one way each. */
  readonly broken: readonly SourceFile[];
};

const root = import.meta.dirname;
const notOurs = new Set([
  "node_modules",
  ".git",
  ".cache",
  "runs",
  "dist",
  "test-results",
  "playwright-report",
]);
const textEndings = /\.(ts|mjs|js|json|md|html|css|sdp|yml|yaml)$|^[^.]*$|\/run$/;

function walk(folder = ""): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name) || entry.name.endsWith(".log")) return [];
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return walk(path);
    return [{ path, text: textEndings.test(path) ? readFileSync(join(root, path), "utf8") : "" }];
  });
}

const isCode = ({ path }: SourceFile) => /\.(ts|mjs)$/.test(path);
const isTest = ({ path }: SourceFile) => /\.(test|spec)\.ts$/.test(path);
const folderOf = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");
const source = (path: string, text: string): SourceFile => ({ path, text: `// For a test.\n${text}\n` });

/** What a file imports: packages by name, our files by their path from the root. */
function importsOf({ path, text }: SourceFile): string[] {
  const specifiers = [...withoutComments(text).matchAll(/\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)];
  return specifiers.map(([, specifier]) =>
    specifier!.startsWith(".") ? posix.join(dirname(path), specifier!) : specifier!,
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** Folders that each folder may lean on. Nobody leans on the root. */
const leansOn: Record<string, readonly string[]> = {
  protocol: [],
  fixtures: [],
  reports: ["fixtures"],
  "mock-server": ["protocol", "fixtures"],
  conformance: ["protocol", "fixtures", "reports", "mock-server"],
  load: ["protocol", "fixtures", "reports", "mock-server", "conformance"],
  // The package by its name, as others do; of the folders only what stands for their build.
  examples: ["fixtures"],
  // Browsers are started one way.
  scripts: ["fixtures"],
};

/** Other folders reach these through their front door only. */
const doors: Record<string, string> = {
  "mock-server": "mock-server/index.ts",
  conformance: "conformance/index.ts",
};

const sideDoors: Exception[] = [
  {
    file: "load/bench/sdk-page.ts",
    what: "mock-server/browser/harness.ts",
    why: "It runs in a page, as the front door cannot: one harness puts every SDK there.",
  },
];

/** Packages that can be replaced in an afternoon, because so few files know them. Tests may use them as second opinions. */
const heavyPackages: Record<string, readonly string[]> = {
  werift: [
    "mock-server/media/peer.ts",
    "conformance/clients/reference/peer.ts",
    "load/peer.ts",
    // The client that tests drive.
    "mock-server/_media-client.ts",
  ],
  "node-av": ["mock-server/media/codec.ts"],
  sharp: ["mock-server/pictures/reference-image.ts", "fixtures/draw-images.ts"],
  express: [
    "mock-server/control/api.ts",
    "mock-server/control/app.ts",
    "mock-server/control/files.ts",
    "mock-server/control/playground.ts",
    // What tests run the control API by itself with.
    "mock-server/control/_api-client.ts",
  ],
  multer: ["mock-server/control/files.ts"],
  "prom-client": ["mock-server/control/metrics.ts"],
  "@livekit/rtc-node": [
    "mock-server/livekit/room-agent.ts",
    "conformance/clients/reference/room.ts",
    // The client that tests drive.
    "mock-server/livekit/_rtc-client.ts",
  ],
  esbuild: ["fixtures/browser/bundle.ts"],
  selfsigned: ["mock-server/certificate.ts"],
  "livekit-server-sdk": ["mock-server/livekit/access-token.ts"],
  "@livekit/protocol": [
    "mock-server/livekit/signal-wire.ts",
    "load/generators/node/signal-wire.ts",
    // The client that tests drive.
    "mock-server/livekit/_signal-client.ts",
  ],
  autocannon: ["load/http-load.ts"],
  yaml: ["mock-server/faults/scenario-file.ts", "load/plan.ts"],
  "hdr-histogram-js": ["load/histogram.ts"],
  "@ffmpeg/core": ["fixtures/ffmpeg.ts"],
  "@ffmpeg/ffmpeg": [],
};

/** Files and folders of mock-server that read time or set timers beside its clock. */
const timekeepers: Exception[] = [
  { file: "mock-server/clock.ts", what: "everything", why: "It is the clock." },
  {
    file: "mock-server/media/codec-worker.ts",
    what: "performance.now",
    why: "Only where the runtime cannot tell a thread's CPU time; it measures a cost and decides nothing.",
  },
  {
    file: "mock-server/playground/",
    what: "everything",
    why: "It runs in a page, where there is no clock to pass in.",
  },
  { file: "mock-server/browser/", what: "everything", why: "It runs in a page, or waits for one." },
];

/** Files that throw dice that nobody can throw again. */
const unseeded: Exception[] = [
  {
    file: "mock-server/server.ts",
    what: 'randomBytes(32).toString("hex")',
    why: "It is the secret of the built-in rooms' tokens, which a seed would give away.",
  },
  {
    file: "mock-server/server.ts",
    what: 'randomBytes(24).toString("base64url")',
    why: "It is the control API's token where others reach it, which a seed would give away.",
  },
];

const timeWords = /\b(?:Date\.now|performance\.now|setTimeout|setInterval)\b|\bnew Date\(\)/g;

const vagueWords = [
  "util",
  "utils",
  "helper",
  "helpers",
  "manager",
  "base",
  "common",
  "misc",
  "data",
  "info",
];

function namesHeavy(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}

const rules: Rule[] = [
  {
    name: "imports follow the directions of the design",
    find: (files) =>
      files.filter(isCode).flatMap((file) => {
        const from = folderOf(file.path);
        const allowed = leansOn[from];
        if (!allowed)
          return from === "" || from.startsWith(".")
            ? []
            : [`${file.path}: ${from} is no folder of the design.`];
        return importsOf(file).flatMap((target) => {
          const to = folderOf(target);
          if (!(to in leansOn) || to === from) {
            return target.endsWith(".ts") && to === ""
              ? [`${file.path} imports ${target} from the root.`]
              : [];
          }
          return allowed.includes(to)
            ? []
            : [`${file.path} imports ${target}; ${from} leans on ${allowed.join(", ") || "nothing"}.`];
        });
      }),
    broken: [
      source("protocol/a.ts", 'import { x } from "../fixtures/index.ts";'),
      source("fixtures/a.ts", 'export * from "../protocol/index.ts";'),
      source("reports/a.ts", 'import "../mock-server/index.ts";'),
      source("mock-server/media/a.ts", 'const x = await import("../../reports/index.ts");'),
      source("mock-server/a.test.ts", 'import type { X } from "../conformance/index.ts";'),
      source("conformance/clients/a.ts", 'import { x } from "../../load/index.ts";'),
      source("load/a.ts", 'import { x } from "../cli.ts";'),
      source("mock-server/a.ts", 'import {\n  x,\n} from\n  "../load/index.ts";'),
      source("shared/a.ts", ""),
    ],
  },
  {
    name: "mock-server and conformance are entered by the front door",
    find: (files) => {
      const entered = files.filter(isCode).flatMap((file) =>
        importsOf(file).flatMap((what) => {
          const from = folderOf(file.path);
          const door = doors[folderOf(what)];
          // The command line lists each area's command; tests of the root look where they like.
          if (!door || from === "" || from === folderOf(what) || what === door) return [];
          return [{ file: file.path, what }];
        }),
      );
      return entered
        .filter(({ file, what }) => !sideDoors.some((door) => door.file === file && door.what === what))
        .map(({ file, what }) => `${file} imports ${what}; the front door is ${doors[folderOf(what)]}.`);
    },
    broken: [
      source("load/a.ts", 'import { x } from "../mock-server/server.ts";'),
      source("conformance/scenarios/a.ts", 'import { x } from "../../mock-server/media/codec.ts";'),
      source("load/a.ts", 'import { x } from "../conformance/scenarios/b.ts";'),
    ],
  },
  {
    name: "a heavy package is imported where it is at home, and nowhere else",
    find: (files) =>
      files
        .filter((file) => isCode(file) && !isTest(file) && folderOf(file.path) !== "scripts")
        .flatMap((file) =>
          importsOf(file).flatMap((specifier) => {
            const name = Object.keys(heavyPackages).find((heavy) => namesHeavy(specifier, heavy));
            if (!name || heavyPackages[name]!.includes(file.path)) return [];
            return [
              `${file.path} imports ${specifier}, which is at home in ${heavyPackages[name]!.join(", ") || "tests"}.`,
            ];
          }),
        ),
    broken: [
      source("mock-server/session.ts", 'import { RTCPeerConnection } from "werift";'),
      source("mock-server/session.ts", 'import { x } from "werift/nonstandard";'),
      source("mock-server/media/pipeline.ts", 'const { Codec } = await import("node-av/lib");'),
      source("mock-server/session.ts", 'import sharp from "sharp";'),
      source("mock-server/server.ts", 'import type { Express } from "express";'),
      source("mock-server/control/app.ts", 'import multer from "multer";'),
      source("mock-server/control/api.ts", 'import { register } from "prom-client";'),
      source("mock-server/livekit/external-home.ts", 'import type { Room } from "@livekit/rtc-node";'),
      source("mock-server/server.ts", 'await import("esbuild");'),
      source("mock-server/server.ts", 'import { generate } from "selfsigned";'),
      source("mock-server/media/codec.ts", 'import core from "@ffmpeg/core";'),
      source("mock-server/livekit/rooms.ts", 'import { AccessToken } from "livekit-server-sdk";'),
      source("mock-server/livekit/room.ts", 'import { TrackInfo } from "@livekit/protocol";'),
      source("mock-server/faults/mock-key.ts", 'import { parse } from "yaml";'),
      source("load/ledger.ts", 'import { build } from "hdr-histogram-js";'),
    ],
  },
  {
    name: "in mock-server, time comes from its clock",
    find: (files) =>
      files
        .filter((file) => isCode(file) && !isTest(file) && folderOf(file.path) === "mock-server")
        .flatMap((file) =>
          [...withoutComments(file.text).matchAll(timeWords)].flatMap(([word]) => {
            const allowed = timekeepers.some(
              ({ file: place, what }) =>
                file.path.startsWith(place) && (what === "everything" || what === word),
            );
            return allowed ? [] : [`${file.path} uses ${word}; take a Clock instead.`];
          }),
        ),
    broken: [
      source("mock-server/session.ts", "const now = Date.now();"),
      source("mock-server/session.ts", "const now = performance.now();"),
      source("mock-server/session.ts", "const now = new Date();"),
      source("mock-server/media/peer.ts", "setTimeout(run, 5);"),
      source("mock-server/faults/a.ts", "setInterval(run, 5);"),
      source("mock-server/media/codec-worker.ts", "setTimeout(run, 5);"),
    ],
  },
  {
    name: "a socket is closed with a code from the table",
    find: (files) =>
      files
        .filter((file) => isCode(file) && !isTest(file) && folderOf(file.path) === "mock-server")
        .flatMap(({ path, text }) =>
          [...withoutComments(text).matchAll(/\b(?:(?:close|refuse)\([^;]*?|code: )\b([14]\d{3})\b/g)].map(
            ([, code]) => `${path} closes with ${code}; take it from CLOSE_CODES in protocol/close-codes.ts.`,
          ),
        ),
    broken: [
      source("mock-server/session.ts", 'socket.close(isBad ? 1011 : CLOSE_CODES.normal.code, "x");'),
      source("mock-server/session.ts", "socket.refuse(\n  sentence,\n  1008,\n);"),
      source("mock-server/gate.ts", "return { ok: false, error, code: 1013 };"),
    ],
  },
  {
    name: "chance is seeded",
    find: (files) =>
      files
        .filter(isCode)
        .filter(({ path, text }) => {
          const code = withoutComments(text).replace(/\\\./g, "");
          if (unseeded.some(({ file, what }) => file === path && code.includes(what))) return false;
          return /\bMath\.random\b|\bcrypto\.(random|getRandom)|\brandom\w+\b[^;]* from "node:crypto"/.test(
            code,
          );
        })
        .map(({ path }) => `${path} throws unseeded dice; use createDice.`),
    broken: [
      source("load/a.ts", ["const x = Math", "random();"].join(".")),
      source("mock-server/session.ts", ["const id = crypto", "randomUUID();"].join(".")),
      source(
        "mock-server/session.ts",
        ["import { createHash, randomBytes } from", '"node:crypto";'].join(" "),
      ),
    ],
  },
  {
    name: "names are kebab-case",
    find: (files) =>
      files
        // At the root and at a folder's top stand files whose names others chose: README.md, LICENSE, .gitignore.
        .filter(({ path }) => !/^\.|(^|\/)([A-Z]+(\.md)?|Dockerfile|run)$/.test(path))
        .flatMap(({ path }) =>
          path
            .split("/")
            .filter((part) => !/^_?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(part)),
        )
        .map((part) => `${part} is not kebab-case.`),
    broken: [
      source("mock-server/mediaPeer.ts", ""),
      source("mock-server/media_peer.ts", ""),
      source("mock-server/Faults/a.ts", ""),
      source("mock-server/a--b.ts", ""),
    ],
  },
  {
    name: "names say what a thing is",
    find: (files) =>
      files.flatMap(({ path }) => {
        const vague = path.split(/[^a-z]+/i).filter((word) => vagueWords.includes(word.toLowerCase()));
        return vague.map((word) => `${path}: "${word}" says nothing.`);
      }),
    broken: vagueWords.map((word) => source(`mock-server/frame-${word}.ts`, "")),
  },
  {
    name: "a file opens by saying what it is for",
    find: (files) =>
      files
        .filter((file) => /\.(ts|mjs)$/.test(file.path) && !isTest(file))
        .filter(({ text }) => !/^(#![^\n]*\n)?\s*(\/\*\*|\/\/) ?\S?/.test(text))
        .map(({ path }) => `${path} does not open with a comment.`),
    broken: [
      { path: "mock-server/a.ts", text: 'import "./b.ts";\n' },
      { path: "mock-server/a.ts", text: "" },
      { path: "cli.ts", text: "#!/usr/bin/env node\nimport x;\n" },
    ],
  },
  {
    name: "versions are exact",
    find: (files) =>
      files
        .filter(({ path }) => path === "package.json")
        .flatMap(({ text }) => {
          const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
            text.replace(/^\/\/.*\n/, ""),
          );
          return Object.entries<string>({ ...dependencies, ...optionalDependencies, ...devDependencies })
            .filter(([, version]) => !/^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
            .map(([name, version]) => `${name} is ${version}; pin one version.`);
        }),
    broken: ["^1.0.0", "~1.0.0", "1", "1.x", "*", "latest", "npm:@a/b@^1.0.0", "github:a/b"].map((version) =>
      source("package.json", JSON.stringify({ devDependencies: { a: version } })),
    ),
  },
  {
    name: "no file knows the machine it was written on",
    find: (files) =>
      files.flatMap(({ path, text }) =>
        [
          ...text.matchAll(/(?<![\w.\\-])(\/(?:home|root|Users|work|private)\/[\w.-]+|[A-Z]:\\\\?Users\b)/g),
        ].map(([, found]) => `${path} names ${found}.`),
      ),
    broken: [
      source("README.md", ["Open `", "home/me/lucy`."].join("/")),
      source("mock-server/a.ts", ['const x = "', 'root/x";'].join("/")),
      source("mock-server/a.ts", ['import "file://', 'Users/me/a.ts";'].join("/")),
    ],
  },
  {
    name: "the lock file names no registry",
    find: (files) =>
      files
        .filter(({ path, text }) => path === "package-lock.json" && /"resolved": "https?:/.test(text))
        .map(
          ({ path }) => `${path} has resolved URLs; npm's omit-lockfile-registry-resolved leaves them out.`,
        ),
    broken: [source("package-lock.json", '{ "resolved": "https://example.com/a.tgz" }')],
  },
];

describe.each(rules)("$name", ({ find, broken }) => {
  test("holds", () => expect(find(walk())).toEqual([]));

  test.each(broken)("is noticed where $path breaks it: $text", (file) => {
    expect(find([file])).toHaveLength(1);
  });
});

describe("every exception is needed", () => {
  const files = walk();
  const find = (path: string) => files.find((file) => file.path === path);

  test.each(sideDoors)("$file, $what", ({ file, what }) => {
    const found = find(file);
    expect(found && importsOf(found)).toContain(what);
  });

  test.each(timekeepers)("$file, $what", ({ file: place, what }) => {
    const words = files
      .filter(({ path }) => path.startsWith(place))
      .flatMap(({ text }) => [...withoutComments(text).matchAll(timeWords)].map(([word]) => word));
    expect(words.filter((word) => what === "everything" || word === what)).not.toEqual([]);
  });

  const homes = Object.entries(heavyPackages).flatMap(([name, places]) =>
    places.map((place) => ({ name, place })),
  );
  // What the design has and is not yet built.
  test.each(homes.filter(({ place }) => find(place)))("$place imports $name", ({ name, place }) => {
    expect(importsOf(find(place)!).some((specifier) => namesHeavy(specifier, name))).toBe(true);
  });
});

test("the walk sees the repository", () => {
  const paths = walk().map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["package.json", "repository.test.ts", "mock-server/server.ts"]),
  );
  expect(paths.some((path) => path.includes("node_modules"))).toBe(false);
});

/**
 * The package as npm packs it: what is in it, what it shows to others, and that it runs from where nothing of the repository is. In the long form it is
 * installed into an empty folder, and used there as a person does.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = import.meta.dirname;
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json"));

let folder: string;
let tarball: string;
/** The package, unpacked; beside it what the repository has installed. */
let unpacked: string;
/** The paths in it. */
let files: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-package-"));
  const { code, said } = await run("npm", ["pack", "--pack-destination", folder], root);
  expect([code, said]).toEqual([0, expect.anything()]);
  tarball = join(folder, `lucy-testkit-${manifest.version}.tgz`);
  await run("tar", ["-xzf", tarball], folder);
  unpacked = join(folder, "package");
  files = globSync("**", { cwd: unpacked, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(unpacked.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();
  symlinkSync(join(root, "node_modules"), join(unpacked, "node_modules"), "junction");
}, 120_000);
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
/** What a test that fails leaves running. */
const children = new Set<ChildProcess>();

/**
 * What stands in package.golden.txt under that word, a line each: a name that others can import comes, changes and goes there, and is seen in the
 * diff. `UPDATE=1` writes them.
 */
function expectGolden(word: string, lines: readonly string[]): void {
  const path = join(root, "package.golden.txt");
  const golden = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const isOfWord = (line: string) => line.startsWith(`${word} `);
  const now = lines.map((line) => `${word} ${line}`);
  if (process.env.UPDATE) {
    const rest = golden.filter((line) => !isOfWord(line));
    return writeFileSync(path, `${[...rest, ...now].sort().join("\n")}\n`);
  }
  expect(golden.filter(isOfWord)).toEqual(now.toSorted());
}

/** Runs to its end. @returns what it printed on both */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const options = {
    cwd,
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 26,
    shell: process.platform === "win32",
  };
  return new Promise<{ code: number; said: string }>((resolve) =>
    children.add(
      execFile(command, args, options, (error, out, errors) =>
        resolve({ code: error ? Number(error.code) : 0, said: out + errors }),
      ),
    ),
  );
}

const node = (args: readonly string[], cwd = folder) => run(process.execPath, args, cwd);
const bin = () => join(unpacked, manifest.bin["lucy-testkit"]);

describe("what is in it", () => {
  test("compiled code with its types, what it reads, and nothing that only we need", () => {
    const others = files.filter((path) => !/^(dist\/.*\.(js|d\.ts)|docs\/.*)$/.test(path));
    expectGolden("file", others);
    const ofOurs =
      /\.(test|spec)\.|\/bench\/|\/_(walk|running|socket-client|media-client)|ffmpeg|\/generate\./;
    // The example's own tests are what it shows.
    expect(files.filter((path) => ofOurs.test(path))).toEqual(["examples/product-page/app.spec.ts"]);
    const typed = (path: string) => files.includes(path.replace(/[.]js$/, ".d.ts"));
    const ready = /[.]bundle[.]js$|\/sdks\//;
    expect(files.filter((path) => path.endsWith(".js") && !typed(path) && !ready.test(path))).toEqual([]);
  });

  test("every package that it imports is one that it names", () => {
    const named = ["dependencies", "optionalDependencies", "peerDependencies"].flatMap((kind) =>
      Object.keys(manifest[kind]),
    );
    const imported = compiled().flatMap(({ text }) => [
      ...text.matchAll(/^(?:(?:import|export|\}).*? from|import) "([^".][^"\n]*)"/gm),
      ...text.matchAll(/\bimport\("([^".][^"\n]*)"\)/g),
      ...text.matchAll(/\bresolve\("([^".][^"\n]*)"\)/g),
    ]);
    const packages = new Set(
      imported
        .map(([, specifier]) => /^(@[^/]+\/)?[^/]+/.exec(specifier!)![0])
        .filter((name) => !name.startsWith("node:")),
    );
    const unnamed = [...packages].filter((name) => !named.includes(name));
    // It is only looked for where nothing is ready made.
    expect(unnamed).toEqual(["decart-sdk-0.1.20"]);
    const unused = Object.keys(manifest.dependencies).filter((name) => !packages.has(name));
    // What declarations import, no code does.
    expect(unused.filter((name) => !name.startsWith("@types/"))).toEqual([]);
  });

  test("what a file finds beside itself is there", () => {
    // Caches, and the golden pictures of those who have some.
    const madeLater = /[.]cache|^dist\/fixtures\/golden$/;
    const missing = compiled().flatMap(({ path, text }) =>
      [
        ...text.matchAll(/new URL\([`"]([^`"$]+)(\$\{[^}]+\})?[`"], import\.meta\.url\)/g),
        ...text.matchAll(/join\(import\.meta\.dirname, [`"]([^`"$]+)(\$\{[^}]+\})?[`"]/g),
      ]
        // What a name ends with is .js here; in a folder it is anything.
        .map(([, name, rest]) => join(dirname(path), name! + (rest && !name!.endsWith("/") ? ".js" : "")))
        .map((at) => at.replace(/[.]ts$/, ".bundle.js"))
        .filter((at) => !madeLater.test(at) && !existsSync(join(unpacked, at)))
        .map((at) => `${path} looks for ${at}`),
    );
    expect(missing).toEqual([]);
  });

  test("what its pages lead to, but for what is on purpose the repository's", () => {
    const missing = new Set<string>();
    const pages = files.filter((path) => path.endsWith(".md"));
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/github.md", "conformance/README.md"]));
    for (const page of pages) {
      const text = readFileSync(join(unpacked, page), "utf8").replace(/^```[\s\S]*?^```/gm, "");
      for (const [, link] of text.matchAll(/(?:\]\(|(?:src|srcset|href)=")([^)"#\s]+)/g)) {
        if (/^[a-z]+:/.test(link!)) continue;
        const path = join(dirname(page), link!).replaceAll("\\", "/").replace(/\/$/, "");
        expect([page, link, existsSync(join(root, path))]).toEqual([page, link, true]);
        if (!existsSync(join(unpacked, path))) missing.add(path);
      }
    }
    // Code is to be read where its history is.
    expect([...missing].filter((path) => !path.endsWith(".ts")).sort()).toEqual([
      "Dockerfile",
      "action.yml",
      "compose.yaml",
      "conformance/baselines",
      "conformance/clients",
      "conformance/scenarios",
      "fixtures",
      "fixtures/strips.golden.json",
      "load/artillery-engine-lucy",
      "mock-server",
      "protocol",
      "reports",
    ]);
  });

  test("no map, and nothing that asks for one", () => {
    expect(files.filter((path) => path.endsWith(".map"))).toEqual([]);
    const asks = (path: string) =>
      /^\/\/# sourceMappingURL/m.test(readFileSync(join(unpacked, path), "utf8"));
    expect(files.filter((path) => /[.](js|d[.]ts|css)$/.test(path) && asks(path))).toEqual([]);
  });

  test("licences of all that is bundled", () => {
    const text = readFileSync(join(unpacked, "dist/fixtures/browser/sdks/LICENSES.txt"), "utf8");
    const each = text.split(`\n${"-".repeat(80)}\n\n`).map((one) => one.split("\n\n"));
    expectGolden(
      "licence",
      each.map(([head]) => head!),
    );
    // Each has words, whosever.
    expect(each.filter(([, ...words]) => words.join("").length < 100)).toEqual([]);
  });
});

function compiled() {
  return files
    .filter((path) => path.endsWith(".js") && !path.includes("/sdks/") && !path.endsWith(".bundle.js"))
    .map((path) => ({
      path,
      text: readFileSync(join(unpacked, path), "utf8").replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*$)/gm, ""),
    }));
}

describe("what it shows", () => {
  const doors = Object.entries<{ types: string; default: string } | string>(manifest.exports)
    .map(([name, door]) => ({ name, door }))
    .filter(({ door }) => typeof door === "object") as {
    name: string;
    door: { types: string; default: string };
  }[];

  test("the doors", () => {
    expect(Object.keys(manifest.exports)).toEqual([
      ...doors.map(({ name }) => name),
      "./commanded-shard",
      "./package.json",
    ]);
    for (const door of [manifest.exports["./commanded-shard"], ...doors.map(({ door }) => door.types)])
      expect(files).toContain(door.slice(2));
  });

  test.each(doors)(
    "$name has the names of its snapshot, and all that are values can be imported",
    async ({ name, door }) => {
      const { values, types } = namesOf(join(unpacked, door.types));
      expectGolden(name, [...values, ...types.map((type) => `type ${type}`)]);
      // vitest is imported by tests alone: one does, in the folder where this is installed.
      if (name === "./vitest") return;
      const url = JSON.stringify(pathToFileURL(join(unpacked, door.default)));
      const code = `import(${url}).then((door) => console.log(JSON.stringify(Object.keys(door).sort())))`;
      expect([name, JSON.parse((await node(["-e", code])).said)]).toEqual([name, values]);
    },
  );

  /** Of a declaration file, and those whose names it passes on. */
  function namesOf(file: string): { values: string[]; types: string[] } {
    const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
    const values = new Set<string>();
    const types = new Set<string>();
    for (const [, kind, name] of text.matchAll(
      /^export (?:declare )?(const|function|class|type|interface) (\w+)/gm,
    )) {
      (kind === "type" || kind === "interface" ? types : values).add(name!);
    }
    for (const [, all, list] of text.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
      for (const one of list!.split(",").map((text) => text.trim())) {
        const name = one.split(" ").at(-1)!;
        if (name !== "") (all || one.startsWith("type ") ? types : values).add(name);
      }
    }
    for (const [, from] of text.matchAll(/^export \* from "(.+)\.ts"/gm)) {
      const more = namesOf(join(dirname(file), `${from}.d.ts`));
      for (const name of more.values) values.add(name);
      for (const name of more.types) types.add(name);
    }
    return { values: [...values].sort(), types: [...types].sort() };
  }
});

describe("the bin", () => {
  const asNode = (version: string) =>
    `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;

  test.each(["18.20.0", "20.20.2", "22.17.1"])("says on Node %s what it needs", async (version) => {
    expect(await node(["--import", asNode(version), bin(), "mock"])).toEqual({
      code: 1,
      said: `lucy-testkit needs Node 22.18 or newer, and this is ${version}: install a newer one from https://nodejs.org, then run this again.\n`,
    });
  });

  test.each(["22.18.0", "100.0.0"])("runs on Node %s", async (version) => {
    expect(await node(["--import", asNode(version), bin(), "--version"])).toEqual({
      code: 0,
      said: `${manifest.version}\n`,
    });
  });

  test("says of Node what package.json says, and can be read by an old one", async () => {
    const text = readFileSync(bin(), "utf8");
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(manifest.engines.node).toBe(`>=${/oldest = "([\d.]+)"/.exec(text)?.[1]}`);
    expect(text).not.toMatch(/^import\b/m);
    // Nothing in it has to be said in an older way.
    const [asIs, older] = await Promise.all(
      ["esnext", "node14.8"].map((target) => transform(text, { target, format: "esm" })),
    );
    expect(older!.code).toBe(asIs!.code);
  });
});

/** A mock server by some command line, until `stop`. */
async function startMock(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const child: ChildProcess = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  children.add(child);
  let said = "";
  const listens = Promise.withResolvers<string>();
  const gone = once(child, "close").then(() => listens.reject(new Error(`It is gone, and said:\n${said}`)));
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (text) => {
      said += text;
      const port = /Open +\S+?:(\d+)\//.exec(said)?.[1];
      if (port) listens.resolve(port);
    });
  }
  const port = await listens.promise;
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    port,
    get,
    stop: () => {
      child.kill("SIGTERM");
      return gone;
    },
  };
}

describe("from where nothing of the repository is", () => {
  test("the mock brings its page and every SDK ready made", async () => {
    const mock = await startMock(process.execPath, [bin(), "mock", "--port", "0"], folder);
    const sdks = files.filter((path) => /\/sdks\/.*[.]js$/.test(path)).map((path) => path.split("/").at(-1)!);
    expect(sdks).toContain("0.0.41.js");
    for (const path of [
      "/",
      "/_lucy/page.js",
      "/_lucy/page.css",
      ...sdks.map((file) => `/_lucy/sdk/${file}`),
    ]) {
      const response = await mock.get(path);
      expect([path, response.status, (await response.text()).length > 500]).toEqual([path, 200, true]);
    }
    await mock.stop();
  });

  test("a client is a process, a codec is a thread, and both are found", async () => {
    const { code, said } = await node([
      bin(),
      "conformance",
      "--client",
      "reference-direct",
      "--only",
      "connect/plain,atomicity/one-set-one-picture",
    ]);
    expect([code, said]).toEqual([0, expect.stringContaining("2 passed")]);
  });
});

describe("installed without the packages that it may do without", () => {
  let home: string;
  const lucy = (...args: string[]) => node([bin(), ...args], home);
  const bin = () => join(home, "node_modules/lucy-testkit", manifest.bin["lucy-testkit"]);

  beforeAll(() => {
    home = join(folder, "bare");
    const packages = join(home, "node_modules");
    const isOurs = (path: string) => path !== join(unpacked, "node_modules");
    cpSync(unpacked, join(packages, "lucy-testkit"), { recursive: true, filter: isOurs });
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      mkdirSync(dirname(join(packages, name)), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(packages, name), "junction");
    }
  });

  test.each([
    ["vitest", "vitest"],
    ["playwright", "@playwright/test"],
  ])("lucy-testkit/%s says which is missing, and no more", async (door, name) => {
    writeFileSync(join(home, "mine.mjs"), `import { test } from "lucy-testkit/${door}";`);
    const { code, said } = await node(["mine.mjs"], home);
    expect([code, said]).toEqual([
      1,
      expect.stringContaining(
        `lucy-testkit/${door} needs ${name}, which is not installed. Run npm install --save-dev ${name}.`,
      ),
    ]);
    expect(said).not.toMatch(/^ +at |cause/m);
  });

  const ready =
    "livekit-client 2.23 comes ready made with sdk@0.1.3 and sdk@0.1.6 alone, and is bundled with";
  const added = `here: npm install --save-dev esbuild livekit-client-2.23@npm:livekit-client@2.23, or leave out +livekit-client-2.23.`;
  test.each<[string[], number, string]>([
    [
      ["conformance", "--client", "sdk@0.1.20"],
      3,
      "The client sdk needs Playwright: npm install --save-dev playwright-core.",
    ],
    [["conformance", "--client", "sdk@0.1.20+livekit-client-2.23"], 3, `${ready} 0.1.20 ${added}`],
    [["conformance", "--client", "sdk@file:.+livekit-client-2.23"], 3, `${ready} file:. ${added}`],
    [
      ["conformance", "--client", "reference-livekit"],
      3,
      "The client reference-livekit needs LiveKit's SDK for Node: npm install --save-dev @livekit/rtc-node@1.1.0, or take --client reference-direct.",
    ],
    [
      ["load", "--generator", "browser"],
      3,
      "The generator browser needs Playwright: npm install --save-dev playwright-core, or take --generator node.",
    ],
    [
      ["mock", "--livekit-url", "ws://127.0.0.1:1", "--livekit-key", "k", "--livekit-secret", "s"],
      1,
      "@livekit/rtc-node, which joins the rooms of a LiveKit deployment, is not installed. Install it (npm install @livekit/rtc-node@1.1.0), or leave out --livekit-url for the built-in rooms.",
    ],
  ])("%j is a sentence", async (args, code, sentence) => {
    const ended = await lucy(...args);
    expect(ended).toEqual({
      code,
      said: expect.stringMatching(/^(?:smoke: [^\n]*\n)?lucy-testkit: [^\n]*\n$/),
    });
    expect(ended.said).toContain(`lucy-testkit: ${sentence}\n`);
  });

  test("a taken port is one, too", async () => {
    const mock = await startMock(process.execPath, [bin(), "mock", "--port", "0"], home);
    expect(await lucy("mock", "--port", mock.port)).toEqual({
      code: 1,
      said: `lucy-testkit: Port ${mock.port} on 127.0.0.1 is taken. Stop what listens there, or choose another: --port 0 picks a free one.\n`,
    });
    await mock.stop();
  });
});

describe("the image, as far as it can be tried without a container engine", () => {
  const lines = read("Dockerfile").split("\n");
  const last = lines.lastIndexOf(lines.findLast((line) => line.startsWith("FROM "))!);
  const [from, ...stage] = lines.slice(last);
  const words = (instruction: string) =>
    JSON.parse(stage.find((line) => line.startsWith(`${instruction} `))!.replace(/^[^[]*/, "")) as string[];
  const compose = parse(read("compose.yaml")).services.lucy;

  test("is slim, runs by a Node that will do, and not as root", () => {
    const major = /^FROM node:(\d+)-slim$/.exec(from!)?.[1];
    expect(Number(major)).toBeGreaterThanOrEqual(Number.parseFloat(manifest.engines.node.slice(2)));
    const order = stage.map((line) => line.split(" ")[0]).filter((word) => word && word !== "#");
    expect(order.indexOf("USER")).toBeGreaterThan(order.lastIndexOf("RUN"));
    expect(stage).toContain("USER node");
    expect(words("ENTRYPOINT")).toEqual(Object.keys(manifest.bin));
  });

  test("carries no FFmpeg that is not of the one who builds it", () => {
    expect(manifest.optionalDependencies).toHaveProperty("node-av");
    expect(files.filter((path) => /[.](node|wasm|so|dll|dylib)$/.test(path))).toEqual([]);
    // The first stage's packages stay behind.
    expect(stage.filter((line) => line.startsWith("COPY"))).toEqual([
      "COPY --from=package /package /package",
    ]);
  });

  test("exposes the ports that are used, in Compose, too", () => {
    const exposed = stage.find((line) => line.startsWith("EXPOSE "))!;
    const rangeOf = (command: readonly string[]) => command[command.indexOf("--udp-ports") + 1];
    expect(exposed).toBe(`EXPOSE 8787 ${rangeOf(words("CMD"))}/udp`);
    expect(rangeOf(compose.command)).toBe(rangeOf(words("CMD")));
  });

  test("has a tag of this version, in the manifests of Kubernetes, too", () => {
    const tag = `lucy-testkit:${manifest.version}`;
    expect(compose.image).toBe(tag);
    for (const file of ["mock.yaml", "job.yaml"]) {
      const named = [...read(`load/kubernetes/${file}`).matchAll(/image: (.+)/g)].map(([, image]) => image);
      expect([file, ...new Set(named)]).toEqual([file, tag]);
    }
  });

  test.each([
    ["the Dockerfile", () => words("CMD")],
    ["compose.yaml", () => compose.command as string[]],
  ])("what %s starts becomes healthy, and unhealthy when it has gone", async (_where, command) => {
    const args = command().filter((word, index, all) => word !== "--port" && all[index - 1] !== "--port");
    const mock = await startMock(process.execPath, [bin(), ...args, "--port", "0"], folder);
    const [, ...check] = words("HEALTHCHECK").map((word) => word.replace(":8787/", `:${mock.port}/`));
    expect(await node(check)).toEqual({ code: 0, said: "" });
    await mock.stop();
    expect(await node(check)).toEqual({ code: 1, said: "" });
  });
});

// It asks npm for some 200 packages, and takes a minute.
if (process.env.LUCY_LONG) {
  describe("installed into an empty folder", () => {
    let home: string;
    const npx = (...args: string[]) =>
      run("npx", ["--no-install", "lucy-testkit", ...args], home, {
        UPDATE: "",
        XDG_CACHE_HOME: join(folder, "cache"),
      });
    const npm = (...args: string[]) =>
      run(
        "npm",
        ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...args],
        home,
      );

    beforeAll(async () => {
      home = join(folder, "home");
      mkdirSync(home);
      writeFileSync(join(home, "package.json"), '{ "private": true, "type": "module" }');
      expect(await npm(tarball)).toMatchObject({ code: 0 });
    }, 300_000);

    test("the bin says its version, and the mock listens", async () => {
      expect(await npx("--version")).toEqual({ code: 0, said: `${manifest.version}\n` });
      // Without npx, which would keep our signal to itself.
      const mock = await startMock(
        join(home, "node_modules/.bin/lucy-testkit"),
        ["mock", "--port", "0"],
        home,
      );
      expect((await mock.get("/_lucy/health")).status).toBe(200);
      await mock.stop();
    });

    test("its line of the Dockerfile installs it", async () => {
      const line = /^RUN (npm install --global .*) \/package\/(.*)$/m.exec(read("Dockerfile"));
      const prefix = join(folder, "global");
      const { code } = await run("sh", ["-c", `${line![1]} ${join(folder, line![2]!)}`], home, {
        npm_config_prefix: prefix,
      });
      expect(code).toBe(0);
      expect(await run(join(prefix, "bin/lucy-testkit"), ["--version"], home)).toEqual({
        code: 0,
        said: `${manifest.version}\n`,
      });
    }, 300_000);

    test("npm installs no peer package that nobody asked for", async () => {
      expect(
        Object.keys(manifest.peerDependencies).filter((name) => existsSync(join(home, "node_modules", name))),
      ).toEqual([]);
    });

    test("the reference client is judged, and load measures", async () => {
      const judged = await npx("conformance", "--client", "reference-direct", "--only", "connect");
      expect(judged).toEqual({ code: 0, said: expect.stringContaining("10 passed") });
      const measured = await npx("load", "--plan", "smoke", "--shards", "2");
      expect(measured.said).toContain("2 due · 2 connected · 0 failed");
      // The machine may be busy: then nobody can tell, and it says so.
      expect([0, 2]).toContain(measured.code);
    }, 120_000);

    test("a published SDK edits video in Chromium, without bundling anything", async () => {
      expect(await npm(`playwright-core@${manifest.devDependencies["playwright-core"]}`)).toMatchObject({
        code: 0,
      });
      const build = join(home, "build");
      mkdirSync(build);
      writeFileSync(
        join(build, "package.json"),
        '{ "name": "mine", "version": "0.1.0", "main": "index.js" }',
      );
      writeFileSync(join(build, "index.js"), "");
      expect((await npx("conformance", "--client", `sdk@file:${build}`)).said).toBe(
        "lucy-testkit: What runs in a browser is bundled by package 'esbuild': npm install --save-dev esbuild.\n",
      );
      for (const client of ["sdk@0.1.20", "sdk@0.0.46", "sdk@0.1.3+livekit-client-2.23"]) await edits(client);
    }, 120_000);

    test("with another livekit-client than comes along, once what was asked for is there", async () => {
      const { said } = await npx("conformance", "--client", "sdk@0.1.20+livekit-client-2.23");
      const [, line] = /: npm install --save-dev (.+?), or leave out/.exec(said)!;
      expect(await npm(...line!.split(" "))).toMatchObject({ code: 0 });
      await edits("sdk@0.1.20+livekit-client-2.23");
      expect(readdirSync(join(folder, "cache/lucy-testkit/sdks"))).toContain("0.1.20");
    }, 120_000);

    async function edits(client: string) {
      const only = ["--only", "atomicity/one-set-one-picture"];
      const { code, said } = await npx("conformance", "--client", client, ...only);
      expect([client, code, said]).toEqual([client, 0, expect.stringContaining("1 passed")]);
    }

    test("the fixtures are used by somebody's tests, in vitest and in Playwright", async () => {
      const { vitest, "@playwright/test": playwright } = manifest.devDependencies;
      const added = await npm(`vitest@${vitest}`, `@playwright/test@${playwright}`);
      expect(added).toMatchObject({ code: 0 });
      writeFileSync(join(home, "mine.test.ts"), vitestTest);
      writeFileSync(join(home, "mine.spec.ts"), playwrightSpec);
      writeFileSync(join(home, "playwright.config.ts"), playwrightConfig);
      const env = { ...Object.fromEntries(runnersOwn.map((name) => [name, undefined])), UPDATE: "" };
      const ran = await run("npx", ["--no-install", "vitest", "run", "mine.test.ts"], home, env);
      expect(ran).toEqual({ code: 0, said: expect.stringContaining("1 passed") });
      const drove = await run("npx", ["--no-install", "playwright", "test"], home, env);
      expect(drove).toEqual({ code: 0, said: expect.stringContaining("1 passed") });
    }, 180_000);

    test("another's types are checked against ours, and its code runs", async () => {
      expect(await npm(`@types/node@${manifest.devDependencies["@types/node"]}`)).toMatchObject({ code: 0 });
      writeFileSync(join(home, "consumer.ts"), consumer);
      const options = { target: "es2024", lib: ["es2024", "dom", "esnext.disposable"], module: "nodenext" };
      writeFileSync(
        join(home, "tsconfig.json"),
        JSON.stringify({
          compilerOptions: { ...options, strict: true, noEmit: true, skipLibCheck: true, types: ["node"] },
          files: ["consumer.ts"],
        }),
      );
      expect(await run(join(root, "node_modules/.bin/tsc"), ["-p", home], home)).toEqual({
        code: 0,
        said: "",
      });
      expect(await node(["consumer.ts"], home)).toEqual({ code: 0, said: "1000 true 1 conformance\n" });
    }, 120_000);
  });
}

const consumer = `import { type JournalLine, type MockServer, startMockServer, writeMockKey } from "lucy-testkit";
import { type Client, conformanceCommand } from "lucy-testkit/conformance";
import { type Frame, readImage } from "lucy-testkit/fixtures";
import { CLOSE_CODES } from "lucy-testkit/protocol";

const linesOf = (server: MockServer): readonly JournalLine[] => server.journal.lines;
export type Mine = { frame: Frame; client: Client };
// @ts-expect-error There is no such option.
const misspelt = () => startMockServer({ prot: 0 });
// @ts-expect-error There is no such fault.
const unknown = () => writeMockKey([{ name: "missing-hack" }]);
await using lucy = await startMockServer({ port: 0, seed: 1, mode: "none" });
console.log(CLOSE_CODES.normal.code, readImage("face-png").length > 0, linesOf(lucy).length, conformanceCommand().name());
`;

/** What a vitest that runs another leaves in the environment for its own. */
const runnersOwn = Object.keys(process.env).filter((name) =>
  /^(VITEST|TEST$|NODE_ENV$|MODE$|DEV$|PROD$)/.test(name),
);

const vitestTest = `import { createLucyTest, expect } from "lucy-testkit/vitest";

createLucyTest({ mode: "none" })("a fault is met", async ({ lucy }) => {
  lucy.faults.add({ name: "http-status", channel: "http", with: { status: 503 } });
  const headers = { "x-api-key": lucy.apiKey };
  expect((await fetch(lucy.url + "/v1/client/tokens", { method: "POST", headers })).status).toBe(503);
  await expect(expect(lucy).toHaveReconnected(1, { withinMs: 10 })).rejects.toThrow("no session");
});
`;

const playwrightSpec = `import { expect, test } from "lucy-testkit/playwright";

test("the page is there", async ({ lucy, page }) => {
  await page.goto(lucy.url);
  await expect(page).toHaveTitle(/lucy/i);
});
`;

const playwrightConfig = `export default { testMatch: "mine.spec.ts", use: { launchOptions: { executablePath: process.env.LUCY_CHROMIUM, args: ["--no-sandbox"] } } };
`;

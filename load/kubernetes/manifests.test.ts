/**
 * The manifests, as far as they can be tried without a cluster: they parse, what they name is there, and each container's command line runs, with
 * what Kubernetes would put into it, and leaves what the next one reads.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { epochMs } from "../clock.ts";
import { readShard } from "../shard-files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

type Container = {
  readonly name: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: Record<string, { readonly name: string; readonly key: string }>;
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
};
type Pod = {
  readonly containers: readonly [Container];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string; readonly items: readonly { readonly key: string }[] };
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
};
type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly completions?: number;
    readonly parallelism?: number;
    readonly selector?: Record<string, unknown>;
    readonly template?: { readonly metadata: { readonly labels: object }; readonly spec: Pod };
  };
};

function read(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(join(import.meta.dirname, file), "utf8"));
  if (!Array.isArray(documents)) throw new Error(`${file} is empty.`);
  return documents.map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });
}

const [claim, shards, merge] = read("job.yaml") as [Manifest, Manifest, Manifest];
const [deployment, service] = read("mock.yaml") as [Manifest, Manifest];
const podOf = (manifest: Manifest) => manifest.spec.template!.spec;
const containerOf = (manifest: Manifest) => podOf(manifest).containers[0];

test("every name in them is of something that is there", () => {
  expect(read("job.yaml").map(({ kind }) => kind)).toEqual(["PersistentVolumeClaim", "Job", "Job"]);
  expect(shards.spec.parallelism).toBe(shards.spec.completions);
  for (const manifest of [shards, merge]) {
    const { volumes = [] } = podOf(manifest);
    const mounts = containerOf(manifest).volumeMounts ?? [];
    expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
    for (const { persistentVolumeClaim } of volumes) {
      if (persistentVolumeClaim) expect(persistentVolumeClaim.claimName).toBe(claim.metadata.name);
    }
  }
  expect(deployment.spec.selector!.matchLabels).toEqual(deployment.spec.template!.metadata.labels);
  expect(service.spec.selector).toEqual(deployment.spec.template!.metadata.labels);
});

test("what the README's commands create is what the manifests read", () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
  const created = [...readme.matchAll(/--from-(?:literal|file)=([\w.-]+)/g)].map(([, key]) => key!);
  const pods = [shards, merge].map(podOf);
  const read = pods.flatMap(({ containers, volumes = [] }) => [
    ...(containers[0].env ?? [])
      .flatMap(({ valueFrom = {} }) => Object.values(valueFrom))
      .map(({ key }) => key),
    ...volumes.flatMap(({ configMap }) => configMap?.items ?? []).map(({ key }) => key),
  ]);
  expect(created.toSorted()).toEqual([...new Set(read)].toSorted());
  expect(readme).toContain(`--from-literal=shards=${shards.spec.completions} `);
  expect(readme).toContain(`target=ws://${service.metadata.name}:8787 `);
});

/** What the README's commands put into the ConfigMap and the Secret, all named alike. */
function values(target: string, startAt: string): Record<string, string> {
  return { target, "start-at": startAt, shards: "2", "plan.yaml": plan, "api-key": "dct_cluster" };
}
const plan = `about: Two sessions of two seconds.
dialect: direct
clip: vp8-180p15
arrivals: [{ sessions: 2 }]
holdSeconds: 2
thresholds: [sessions-failed == 0]
`;

/** As a pod runs it: its variables in its command line, its volumes in folders of ours, `lucy-testkit` as the image has it. */
function start(
  { command, args, env = [] }: Container,
  given: { readonly values?: Record<string, string>; readonly more?: Record<string, string> },
): { child: ChildProcess; said: () => string; ended: Promise<number> } {
  const variables: Record<string, string> = Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const [from] = Object.values(valueFrom ?? {});
      if (from) expect(from.name).toBe("lucy-load");
      return [name, from ? given.values![from.key]! : value!];
    }),
  );
  Object.assign(variables, given.more);
  // A reference that names no variable stays as it is: a shell's $(…).
  const filled = [...command, ...args]
    .map((word) => word.replace(/\$\((\w+)\)/g, (whole, name) => variables[name] ?? whole))
    .map((word) =>
      word.replaceAll(/(?<=[="]|^)\/(plan|results)(?=\/)/g, (_all, volume) => join(folder, volume)),
    );
  const child = spawn(filled[0]!, filled.slice(1), {
    cwd: folder,
    env: { ...process.env, ...variables, PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  return { child, said: () => said, ended: once(child, "close").then(([code]) => code as number) };
}

let folder: string;
let mock: ReturnType<typeof start>;
let target: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-kubernetes-"));
  for (const name of ["bin", "plan", "results"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "plan/plan.yaml"), plan);
  writeFileSync(
    join(folder, "bin/lucy-testkit"),
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, "cli.ts")}" "$@"\n`,
    { mode: 0o755 },
  );
  mock = start(containerOf(deployment), { more: { PORT: "0" } });
  await vi.waitFor(() => expect(mock.said()).toMatch(/Open +\S+:\d+/), 15_000);
  target = `ws://127.0.0.1:${/Open +\S+:(\d+)/.exec(mock.said())![1]}`;
});
afterAll(async () => {
  mock.child.kill("SIGTERM");
  await mock.ended;
  rmSync(folder, { recursive: true, force: true });
});

const shard = (index: number, startAt: string) =>
  start(containerOf(shards), {
    values: values(target, startAt),
    more: { JOB_COMPLETION_INDEX: String(index) },
  });

/** As `date -u +%FT%TZ` writes it. */
const inSeconds = (seconds: number) =>
  new Date(epochMs() + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");

test("the mock is healthy where the probe asks", async () => {
  const { httpGet } = (containerOf(deployment) as never as { readinessProbe: { httpGet: { path: string } } })
    .readinessProbe;
  expect((await fetch(target.replace("ws", "http") + httpGet.path)).status).toBe(200);
});

// It waits for a moment that each shard's self-test is done by, half a minute ahead: one of the long forms.
if (process.env.LUCY_LONG)
  test("shards start at one moment, each leaves its file, and the merge makes one result of them", async () => {
    const startAt = inSeconds(25);
    const merging = start(containerOf(merge), { values: values(target, startAt) });
    const running = [0, 1].map((index) => shard(index, startAt));
    for (const { ended, said } of running) expect([await ended, said()]).toEqual([0, expect.anything()]);
    for (const index of [0, 1]) {
      const { startedAt, measurement } = readShard(join(folder, `results/${startAt}-${index}.json`));
      expect(Date.parse(startedAt)).toBe(Date.parse(startAt));
      expect(measurement.counts["sessions-connected"]).toBe(1);
    }
    // The machine may be busy: then nobody can tell, and it says so.
    expect([0, 2]).toContain(await merging.ended);
    expect(merging.said()).toContain("2 due · 2 connected · 0 failed");
  }, 120_000);

describe("a shard that cannot take part says why", () => {
  test.each([
    [
      "comes after the moment",
      0,
      () => inSeconds(-600),
      /came \d+\.\d s after --start-at\. Set a later moment/,
    ],
    ["is one too many", 2, () => inSeconds(60), /from 0\/4 to 3\/4, not 2\/2/],
  ])("%s", async (_why, index, startAt, says) => {
    const at = startAt();
    const { ended, said } = shard(index, at);
    expect(await ended).toBe(3);
    expect(said()).toMatch(says);
    expect(existsSync(join(folder, `results/${at}-${index}.json`))).toBe(false);
  });
});

/**
 * Plans of load, in YAML: who comes when, what each does, what is owed. An error begins with file and line, as a compiler's does. What it says
 * comes to nothing here: others run it.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { type ClipName, type ClipRecipe, clipRecipes, images } from "../fixtures/index.ts";
import { type MockServerOptions, optionTable } from "../mock-server/index.ts";
import { nearest } from "../protocol/index.ts";
import { arrivalsOf, type Phase, type Spacing, spacings } from "./arrivals.ts";
import { type Dialect, dialects, type GeneratorName, generatorNames } from "./generator.ts";
import { parseThreshold, type Threshold } from "./thresholds.ts";

/** Plain data: it crosses to other processes and into results. */
export type Plan = {
  readonly name: string;
  /** What it is for, in a sentence. */
  readonly about: string;
  readonly dialect: Dialect | "both";
  /** `null`: one that each dialect has. */
  readonly model: string | null;
  readonly clip: ClipName;
  readonly generator: GeneratorName;
  /** Of the mock that is started where there is no target. */
  readonly server: Partial<MockServerOptions>;
  readonly arrivals: readonly Phase[];
  readonly spacing: Spacing;
  /** How long each session stays, once connected. */
  readonly holdSeconds: number;
  /** What each session does meanwhile. */
  readonly script: readonly Step[];
  /** Share of the sessions whose pictures are decoded and looked into, 0…1. */
  readonly reads: number;
  readonly thresholds: readonly Threshold[];
  readonly seed: number;
};

/** A set, so long after the session is connected, and again every so often. */
export type Step = {
  readonly afterSeconds: number;
  readonly everySeconds?: number;
  readonly set: {
    /** `{n}` stands for how often the step was taken before, `{session}` for the session's number. */
    readonly prompt?: string;
    /** Of the fixtures, by name; `null` clears it. */
    readonly image?: string | null;
  };
};

const sessionsMax = 10_000;
const secondsMax = 86_400;
const bytesMax = 64 * 1024;
const plansFolder = join(import.meta.dirname, "plans");

/** What the run itself decides: where the mock listens, whom it lets in, its seed. */
const notOfPlans = [
  "host",
  "port",
  "tls",
  "seed",
  "clock",
  "keys",
  "udpPorts",
  "livekitUrl",
  "livekitKey",
  "livekitSecret",
];
const serverOptions = optionTable.filter(({ name }) => !notOfPlans.includes(name));

const number = (min: number, max: number, what: string) => {
  const error = `It takes ${what} from ${min} to ${max}.`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};
const whole = (min: number, max: number, what: string) =>
  number(min, max, what).int({ error: `It takes ${what} from ${min} to ${max}.` });
const oneOf = <const Choice extends string>(choices: readonly Choice[]) =>
  z.enum(choices as [Choice, ...Choice[]], { error: `It takes ${choices.join(", ")}.` });
const text = (charsMax: number) => {
  const error = `It takes a text of 1 to ${charsMax} characters.`;
  return z.string({ error }).trim().min(1, { error }).max(charsMax, { error });
};
const list = <Item extends z.ZodType>(item: Item, min: number, max: number, what: string) => {
  const error = `It takes a list of ${min} to ${max} ${what}.`;
  return z.array(item, { error }).min(min, { error }).max(max, { error });
};
const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, { error: (issue) => fieldsError(issue, Object.keys(shape)) });

/** Of an object with these keys: the nearest right one, or what it takes. */
function fieldsError(issue: { code?: string; keys?: unknown }, keys: readonly string[]): string {
  const has = `It has ${keys.join(", ")}.`;
  if (issue.code !== "unrecognized_keys") return `It takes fields. ${has}`;
  const meant = nearest(String((issue.keys as string[])[0]), keys);
  return meant === null ? has : `Did you mean "${meant}"? ${has}`;
}

const pace = number(0, 1000, "sessions a second");
const paceError =
  "It takes sessions a second, from 0 to 1000, or { from: 0, to: 5 } for a pace that changes.";

const phase = fields({
  seconds: number(0, secondsMax, "seconds").optional(),
  sessionsPerSecond: z
    .union([pace, z.strictObject({ from: pace, to: pace })], { error: paceError })
    .optional(),
  sessions: whole(1, sessionsMax, "sessions, all at once,").optional(),
}).superRefine(({ seconds, sessionsPerSecond, sessions }, context) => {
  const wrong = (message: string) => context.addIssue({ code: "custom", message });
  if ((sessions === undefined) === (sessionsPerSecond === undefined)) {
    wrong(
      "It takes either sessionsPerSecond, and for how many seconds, or sessions, which come all at once.",
    );
  } else if (sessionsPerSecond !== undefined && !seconds)
    wrong("It takes seconds with its sessionsPerSecond.");
});

const usableImages = images.filter(({ broken }) => broken === undefined).map(({ name }) => name);

const step = fields({
  afterSeconds: number(0, secondsMax, "seconds").optional(),
  everySeconds: number(0.05, secondsMax, "seconds").exactOptional(),
  set: fields({
    prompt: text(2000).exactOptional(),
    image: oneOf(usableImages).nullable().exactOptional(),
  }).refine(({ prompt, image }) => prompt !== undefined || image !== undefined, {
    error: "It takes a prompt, an image, or both.",
  }),
});

const planFile = fields({
  name: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
      error: 'It takes lower-case letters and digits with hyphens between: "set-storm".',
    })
    .optional(),
  about: text(500),
  dialect: oneOf([...dialects, "both"]).default("both"),
  model: text(100).nullable().default(null),
  clip: oneOf(clipRecipes.map(({ name }) => name)).default("vp8-180p15"),
  generator: oneOf(generatorNames).default("node"),
  server: z
    .record(z.string(), z.unknown(), {
      error: `It takes fields. It has ${serverOptions.map(({ name }) => name).join(", ")}.`,
    })
    .default({}),
  arrivals: list(phase, 1, 100, "phases"),
  spacing: oneOf(spacings).default("even"),
  holdSeconds: number(0.1, secondsMax, "seconds"),
  script: list(step, 0, 100, "steps").default([]),
  reads: number(0, 1, "a share of the sessions").default(1),
  thresholds: list(text(200), 0, 50, "thresholds").default([]),
  seed: whole(0, 2 ** 32 - 1, "a whole number").default(1),
});

/** Of the plans that come with this. */
export function planNames(): string[] {
  return readdirSync(plansFolder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"))
    .sort();
}

/**
 * A plan that comes with this, by name, or one from a file.
 * @throws Error that begins with the path, and with the line where it knows one
 */
export function readPlan(nameOrFile: string): Plan {
  const isOurs = planNames().includes(nameOrFile);
  const path = isOurs ? join(plansFolder, `${nameOrFile}.yaml`) : nameOrFile;
  let contents: string;
  try {
    const { size } = statSync(path);
    if (size > bytesMax) throw new Error(`it has ${size} bytes, and may have ${bytesMax}`);
    contents = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const names = planNames();
    const meant = nearest(nameOrFile, names);
    throw new Error(
      `${nameOrFile}: no plan can be read there (${(error as Error).message}). ${meant ? `Did you mean "${meant}"? ` : ""}Name a YAML file, or one of ${names.join(", ")}.`,
    );
  }
  return parsePlan(contents, path);
}

/** @throws Error that begins with `fileName` and the line */
export function parsePlan(contents: string, fileName: string): Plan {
  const { given, lineOf } = readYaml(contents, fileName);
  const refuse = (path: readonly PropertyKey[], sentence: string): never => {
    throw new Error(`${fileName}:${lineOf(path)}: ${sentence}`);
  };
  const about = (path: readonly PropertyKey[]) => {
    const name = path.reduce<string>(
      (text, part) =>
        typeof part === "number" ? `${text}[${part}]` : `${text}${text && "."}${String(part)}`,
      "",
    );
    const value = path.reduce<unknown>(
      (inside, part) => (inside as Record<PropertyKey, unknown> | undefined)?.[part],
      given,
    );
    const there = value === undefined ? "is missing" : `is ${JSON.stringify(value).slice(0, 80)}`;
    return path.length === 0 ? `The plan ${there}.` : `"${name}" ${there}.`;
  };

  const parsed = planFile.safeParse(given);
  if (!parsed.success) {
    // A misspelt key is why the right one is missing.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
    if (issue!.code === "unrecognized_keys") {
      const [key] = issue!.keys;
      const where = issue!.path.length === 0 ? "A plan" : about(issue!.path).split(" is ")[0];
      return refuse(
        [...issue!.path, key!],
        `${where} has no ${JSON.stringify(key!.slice(0, 40))}. ${issue!.message}`,
      );
    }
    return refuse(issue!.path, `${about(issue!.path)} ${issue!.message}`);
  }
  const {
    name = basename(fileName).replace(/\.ya?ml$/, ""),
    arrivals,
    script,
    thresholds,
    ...rest
  } = parsed.data;
  const plan: Plan = {
    name,
    ...rest,
    server: readServer(rest.server, fileName, (key, sentence) =>
      refuse(["server", ...(key === null ? [] : [key])], sentence),
    ),
    arrivals: arrivals.map(({ seconds = 0, sessionsPerSecond: pace = 0, sessions = 0 }) => ({
      seconds,
      sessionsPerSecond: typeof pace === "number" ? { from: pace, to: pace } : pace,
      sessions,
    })),
    script: script.map(({ afterSeconds, ...step }) => ({
      afterSeconds: afterSeconds ?? step.everySeconds ?? 0,
      ...step,
    })),
    thresholds: thresholds.map((text, index) => {
      try {
        return parseThreshold(text);
      } catch (error) {
        return refuse(["thresholds", index], (error as Error).message);
      }
    }),
  };

  const seconds = plan.arrivals.reduce((sum, phase) => sum + phase.seconds, 0) + plan.holdSeconds;
  if (seconds > secondsMax) {
    refuse(["arrivals"], `The plan takes ${seconds} seconds. It may take ${secondsMax}, a day.`);
  }
  const expected = plan.arrivals.reduce(
    (sum, { seconds, sessions, sessionsPerSecond: { from, to } }) =>
      sum + sessions + (seconds * (from + to)) / 2,
    0,
  );
  if (expected > sessionsMax) {
    refuse(["arrivals"], `The plan has ${Math.round(expected)} sessions. It may have ${sessionsMax}.`);
  }
  if (arrivalsOf(plan).next().done) {
    refuse(["arrivals"], "Nobody comes in this plan. Raise sessionsPerSecond, or its seconds.");
  }
  return plan;
}

/** The mock's own table says what each option takes. */
function readServer(
  given: Readonly<Record<string, unknown>>,
  fileName: string,
  refuse: (key: string | null, sentence: string) => never,
): Partial<MockServerOptions> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const option = serverOptions.find((option) => option.name === name);
      if (!option) {
        const names = serverOptions.map(({ name }) => name);
        const meant = nearest(name, names);
        return refuse(
          name,
          `"server" has no ${JSON.stringify(name.slice(0, 40))}. ${meant ? `Did you mean "${meant}"? ` : ""}It has ${names.join(", ")}.`,
        );
      }
      const wrong = (takes: string) =>
        refuse(name, `"server.${name}" is ${JSON.stringify(value).slice(0, 80)}. ${takes}`);
      if (typeof option.default === "boolean") {
        return typeof value === "boolean" ? [name, value] : wrong("It takes true or false.");
      }
      if (typeof value !== "string" && typeof value !== "number") return wrong(option.about);
      try {
        const read = option.parse(String(value));
        return [name, name === "scenario" ? resolve(dirname(fileName), String(read)) : read];
      } catch (error) {
        return wrong((error as Error).message);
      }
    }),
  );
}

/** Plain values, and the line that each of them stands on, or what it would belong to. */
function readYaml(contents: string, fileName: string) {
  const lineCounter = new LineCounter();
  const document = parseDocument(contents, {
    lineCounter,
    prettyErrors: false,
    logLevel: "error",
    schema: "core",
    stringKeys: true,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    throw new Error(`${fileName}:${line}:${col}: it is not YAML. ${problem.message}`);
  }
  let given: unknown;
  try {
    given = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new Error(
      `${fileName}:1: its aliases cannot be followed (${(error as Error).message}). Write them out.`,
    );
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    let node: unknown = document.contents;
    let offset = document.contents?.range?.[0] ?? 0;
    for (const part of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
        if (!pair) break;
        offset = (pair.key as Node).range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(part)];
        offset = (node as Node | undefined)?.range?.[0] ?? offset;
      } else break;
    }
    return lineCounter.linePos(offset).line;
  };
  return { given, lineOf };
}

/** What the mock's command line takes; with room for all sessions, where the plan does not say how many it should have. */
export function serverArguments(plan: Plan): string[] {
  const sessions = Math.max(100, [...arrivalsOf(plan)].length);
  const options: Partial<MockServerOptions> = { sessionsMax: sessions, ...plan.server, seed: plan.seed };
  return optionTable.flatMap(({ name, flag }) => {
    const value = options[name];
    const [word] = flag.split(" ");
    if (value === undefined || value === null) return [];
    // A flag without a value turns its option round.
    if (typeof value === "boolean") return value === !word!.startsWith("--no-") ? [word!] : [];
    return [word!, String(value)];
  });
}

/** Seconds from the first arrival to the end of the last session. */
export function secondsOf(plan: Plan): number {
  const last = [...arrivalsOf(plan)].at(-1);
  return (last ? last.atMs / 1000 : 0) + plan.holdSeconds;
}

/** The camera of its sessions. */
export function clipOf(plan: Plan): ClipRecipe {
  return clipRecipes.find(({ name }) => name === plan.clip)!;
}

/** Of session `index`. Both take turns, but so that no shard gets only one of them. */
export function dialectOf(plan: Plan, index: number): Dialect {
  if (plan.dialect !== "both") return plan.dialect;
  return spread(index, (Math.sqrt(5) - 1) / 2) < 0.5 ? "direct" : "livekit";
}

export function dialectsOf({ dialect }: Plan): readonly Dialect[] {
  return dialect === "both" ? ["direct", "livekit"] : [dialect];
}

export function modelOf(plan: Plan, dialect: Dialect): string {
  return plan.model ?? { direct: "lucy_2_rt", livekit: "lucy-2.1" }[dialect];
}

/** Whether the pictures of session `index` are decoded: the first's are, and of the others an even share. */
export function readsPictures(plan: Plan, index: number): boolean {
  return spread(index, Math.SQRT2 - 1) < plan.reads;
}

/** A fraction in [0, 1): multiples of an irrational number spread evenly, and those of every second, every third, … do, too. */
function spread(index: number, step: number): number {
  return (index * step) % 1;
}

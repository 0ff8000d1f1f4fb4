/**
 * Keeps runs, a folder each, with all that shows them and a README that says what is what; reads them back. What is kept is bounded, and has
 * no key in it.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { resultCtrf } from "./ctrf.ts";
import { resultsHtml } from "./html.ts";
import { resultJunit } from "./junit.ts";
import { strikeKeys } from "./keys.ts";
import { prose, resultsMarkdown } from "./markdown.ts";
import { type Finding, type Picture, type RunResult, resultSchema, type Verdict } from "./result.ts";
import { runResult } from "./result-schema.ts";
import { counted, escapeControls } from "./shown-text.ts";
import { endOf } from "./tally.ts";
import { resultText } from "./text.ts";

export const runsFolder = "runs";
export const latestRun = `${runsFolder}/latest`;

/** What a run leaves. */
export type Run = {
  readonly result: RunResult;
  /** What happened in scenarios, by their ids, a plain value a line. Those of failed and inconclusive ones are kept. */
  readonly journals?: ReadonlyMap<string, readonly unknown[]>;
  /** What the drivers wrote for people, a line each. */
  readonly driverLog?: readonly string[];
};

/** Why a run cannot be kept or read: a sentence, and what to do. */
export class StoreError extends Error {}

/** What of a run is kept at most. */
const max = {
  pictureBytes: 4 * 1024 ** 2,
  picturesBytes: 32 * 1024 ** 2,
  textLength: 20_000,
  windowLines: 200,
  windowLineLength: 2000,
  /** Of a journal or log. */
  lineLength: 80_000,
  logLength: 4 * 1024 ** 2,
  journalsLength: 64 * 1024 ** 2,
  /** What all of these come to, as JSON, and some. */
  resultBytes: 128 * 1024 ** 2,
};

/**
 * Keeps a run in a folder of its own, named for when it started, and makes `latest` lead there. `begun` hears of the folder once the result is
 * in it: what shows it takes its time to make.
 * @returns its path
 * @throws StoreError when it cannot be written
 */
export function saveRun(
  { result: given, journals = new Map(), driverLog = [] }: Run,
  runs = runsFolder,
  begun: (folder: string) => void = () => {},
): string {
  const startedName = nameOf(given);
  const notes: string[] = [];
  let struckCount = 0;
  const clean = <T>(value: T) => strikeKeys(value, () => struckCount++);
  const result = clean(bounded(given, notes));
  const pictures = picturePaths(result);
  const reports: Readonly<Record<string, () => string>> = {
    "report.txt": () => `${resultText(result, { colour: false, pictures })}\n`,
    "report.html": () => resultsHtml([result]),
    "report.md": () => resultsMarkdown([result], { pictures }),
    "junit.xml": () => resultJunit(result, pictures),
    "ctrf.json": () => resultCtrf(result, pictures),
  };
  const files = new Map<string, string | Buffer>();
  let journalsLeft = max.journalsLength;
  for (const [index, { id, outcome }] of given.verdicts.entries()) {
    const lines = journals.get(id);
    if (!lines || (outcome !== "failed" && outcome !== "inconclusive")) continue;
    const text = ends(
      lines.map((line) => JSON.stringify(clean(line)) ?? "null"),
      Math.max(0, Math.min(max.logLength, journalsLeft)),
      (what) => JSON.stringify({ leftOut: what }),
    );
    journalsLeft -= text.length;
    files.set(`journals/${fileNameOf(id, index)}.jsonl`, text);
  }
  if (driverLog.length > 0) {
    const lines = driverLog.map((line) => escapeControls(clean(line)));
    files.set(
      "driver.log",
      ends(lines, max.logLength, (what) => `… ${what} left out`),
    );
  }
  for (const [picture, path] of pictures) files.set(path, Buffer.from(picture.png, "base64"));
  if (struckCount > 0) notes.push(`${counted(struckCount, "key or token", "keys and tokens")} struck out.`);

  try {
    const name = newFolder(runs, startedName);
    const folder = join(runs, name);
    const keep = (path: string, bytes: string | Buffer) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // Once more, as they are written: whatever a report did with a text, no key comes of it.
      writeFileSync(join(folder, path), typeof bytes === "string" ? strikeKeys(bytes) : bytes);
    };
    // A run of hours is not to be lost by a report that fails on it.
    keep("result.json", `${JSON.stringify(result, null, 2)}\n`);
    begun(folder);
    for (const [path, render] of Object.entries(reports)) {
      try {
        files.set(path, render());
      } catch (error) {
        notes.push(`${path} is missing, for it could not be made: ${prose((error as Error).message)}`);
      }
    }
    for (const [path, bytes] of files) keep(path, bytes);
    keep("README.md", readmeOf(result, name, ["result.json", ...files.keys()], notes));
    pointLatest(runs, name);
    return folder;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError(
      `The run cannot be kept in ${resolve(runs)}: ${(error as Error).message}. See that it can be written to and that the disk has room.`,
    );
  }
}

/**
 * Reads a result: of a run's folder, of `latest`, or a file by itself.
 * @throws StoreError when there is none, or none that can be read
 */
export function readResult(path: string): RunResult {
  const folder = runFolder(path);
  const file = folder === null ? path : join(folder, "result.json");
  const text = readText(file, path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StoreError(
      `${file} is no JSON: ${escapeControls((error as Error).message)}. Run again; it was cut short or changed.`,
    );
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== resultSchema) {
    throw new StoreError(
      typeof schema === "string" && schema.startsWith("lucy-testkit/result/")
        ? `${file} is a result of ${escapeControls(schema.slice(0, 60))}, and this lucy-testkit reads ${resultSchema}. Show it with the version that made it, or run again.`
        : `${file} is no result: its "schema" is not ${resultSchema}. Name the folder of a run, or its result.json.`,
    );
  }
  const parsed = runResult.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.map(String).join(".");
  throw new StoreError(
    `${file} is a broken result: ${escapeControls(`${where}: ${issue!.message}`)}. Run again; it was changed by hand, or made by another version.`,
  );
}

function readText(file: string, path: string): string {
  const status = statSync(file, { throwIfNoEntry: false });
  if (!status) {
    throw new StoreError(
      statSync(path, { throwIfNoEntry: false })
        ? `${path} leads to no result.json: it is no run, or one that was cut short. ${runsBeside(path)}`
        : `There is no run at ${path}. ${runsBeside(path)}`,
    );
  }
  if (status.size > max.resultBytes) {
    throw new StoreError(
      `${file} has ${status.size} bytes, and a result at most ${max.resultBytes}. Name the folder of a run, or its result.json.`,
    );
  }
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StoreError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

/** The folder that a path leads to, or null where it is a file or nothing: `latest` may be a file that names one. */
export function runFolder(path: string): string | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) return path;
  // A file in place of a link, where links cannot be made.
  if (!status?.isFile() || status.size > 100) return null;
  const name = readFileSync(path, "utf8").trim();
  return /^[\w.-]+$/.test(name) ? join(dirname(path), name) : null;
}

/** What to name instead. */
function runsBeside(path: string): string {
  const namesIn = (folder: string) =>
    statSync(folder, { throwIfNoEntry: false })?.isDirectory()
      ? readdirSync(folder).filter((name) => /^\d{4}-\d\d-\d\dT/.test(name))
      : [];
  for (const folder of [path, dirname(path)]) {
    const names = namesIn(folder).sort().slice(-5);
    if (names.length > 0) return `In ${folder} there is ${names.join(", ")}.`;
  }
  return "Make one: `lucy-testkit conformance` or `lucy-testkit load`.";
}

/** Where pictures of findings are in a run's folder; `folder`: the way there, from where the paths are to be read. */
export function picturePaths({ verdicts }: RunResult, folder = ""): Map<Picture, string> {
  const start = folder === "" ? "" : `${folder.replaceAll("\\", "/")}/`;
  const paths = new Map<Picture, string>();
  for (const [index, { id, findings }] of verdicts.entries()) {
    const pictures = findings.flatMap((finding) => finding.pictures ?? []);
    for (const [place, picture] of pictures.entries()) {
      paths.set(picture, `${start}pictures/${fileNameOf(id, index)}.${place + 1}.png`);
    }
  }
  return paths;
}

/** Ids are someone's text: their letters, and their number where those say too little. */
function fileNameOf(id: string, index: number): string {
  const plain = id.replace("/", ".");
  if (/^[a-z0-9][a-z0-9.-]{0,79}$/.test(plain) && !plain.includes("..")) return plain;
  return `${plain.replace(/[^a-z0-9-]+/gi, "-").slice(0, 60)}-${index + 1}`;
}

/** Texts cut and pictures left out until it can be kept; what was left out is noted. */
function bounded(result: RunResult, notes: string[]): RunResult {
  let bytesLeft = max.picturesBytes;
  let lost = 0;
  const isKept = ({ png }: Picture) => {
    const bytes = Buffer.from(png, "base64");
    const isPng = bytes.subarray(0, 8).equals(pngSignature);
    const fits = bytes.length <= Math.min(max.pictureBytes, bytesLeft);
    if (isPng && fits) bytesLeft -= bytes.length;
    else lost += 1;
    return isPng && fits;
  };
  const cutText = (text: string, lengthMax = max.textLength) =>
    text.length <= lengthMax ? text : `${text.slice(0, lengthMax).toWellFormed()}…`;
  const cutFinding = ({ rule, expected, got, window, pictures }: Finding): Finding => ({
    rule: cutText(rule),
    expected: cutText(expected),
    got: cutText(got),
    ...(window && {
      window: window.slice(0, max.windowLines).map((line) => cutText(line, max.windowLineLength)),
    }),
    ...(pictures && { pictures: pictures.filter(isKept) }),
  });
  const verdicts = result.verdicts.map(
    (verdict): Verdict => ({
      ...verdict,
      why: verdict.why === null ? null : cutText(verdict.why),
      findings: verdict.findings.map(cutFinding),
    }),
  );
  if (lost > 0) {
    notes.push(
      `${counted(lost, "picture")} left out: no PNG, or larger than ${max.pictureBytes} bytes, or beyond the ${max.picturesBytes} of one run.`,
    );
  }
  return {
    ...result,
    verdicts,
    stale: result.stale.map((one) => cutText(one)),
    harness: result.harness.map((one) => cutText(one)),
  };
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Lines as a text at most so long: how it began, and more of how it ended. `leftOut` makes a line of what stands in place of others. */
function ends(lines: readonly string[], lengthMax: number, leftOut: (what: string) => string): string {
  const texts = lines.map(
    (line) => `${line.length <= max.lineLength ? line : leftOut(`a line of ${line.length} characters`)}\n`,
  );
  if (texts.reduce((sum, { length }) => sum + length, 0) <= lengthMax) return texts.join("");
  let headLeft = lengthMax / 4;
  let start = 0;
  while (texts[start]!.length <= headLeft) headLeft -= texts[start++]!.length;
  let tailLeft = (lengthMax * 3) / 4;
  let end = texts.length;
  while (texts[end - 1]!.length <= tailLeft) tailLeft -= texts[--end]!.length;
  return [...texts.slice(0, start), `${leftOut(counted(end - start, "line"))}\n`, ...texts.slice(end)].join(
    "",
  );
}

/** `2026-01-31T12-00-00Z`, which every file system takes. */
function nameOf({ startedAt }: RunResult): string {
  const started = new Date(startedAt);
  if (Number.isNaN(started.getTime())) {
    throw new StoreError(
      `A result starts at an ISO 8601 time, not at "${escapeControls(startedAt.slice(0, 40))}".`,
    );
  }
  return `${started.toISOString().slice(0, 19).replaceAll(":", "-")}Z`;
}

/** Makes a folder of that name; a second run of that second gets a number. */
function newFolder(runs: string, name: string): string {
  mkdirSync(runs, { recursive: true });
  for (let number = 1; number < 1000; number++) {
    const tried = number === 1 ? name : `${name}-${number}`;
    try {
      mkdirSync(join(runs, tried));
      return tried;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new StoreError(`${resolve(runs)} has a thousand runs of ${name}. Remove some.`);
}

/** In one step: whoever reads it meanwhile finds the one or the other. */
function pointLatest(runs: string, name: string): void {
  const latest = join(runs, "latest");
  if (lstatSync(latest, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StoreError(
      `The run is kept in ${join(runs, name)}, but ${latest} is a folder, so it cannot lead there. Rename that folder.`,
    );
  }
  const fresh = join(runs, `.latest-${name}`);
  rmSync(fresh, { force: true });
  try {
    if (!isLinked(fresh, name)) writeFileSync(fresh, `${name}\n`);
    renameSync(fresh, latest);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Links take rights on Windows that few have, and some file systems know none. */
function isLinked(path: string, name: string): boolean {
  if (process.platform === "win32") return false;
  try {
    symlinkSync(name, path);
    return true;
  } catch {
    return false;
  }
}

/** What each file is, by how its path begins, in the order in which a person wants them. */
const filesAbout: readonly [start: string, shown: string, about: string][] = [
  ["report.txt", "report.txt", "The verdict as a terminal shows it. Begin here."],
  [
    "report.html",
    "report.html",
    "The same with charts and all that proves a failure, to open in a browser: one file, which asks for nothing.",
  ],
  ["report.md", "report.md", "The same with all findings, for a pull request or a job's summary."],
  ["pictures/", "pictures/", "Pictures that show a failure, as PNG, named for their scenario."],
  [
    "journals/",
    "journals/",
    "What happened in each scenario that failed or was inconclusive, one JSON value a line, oldest first.",
  ],
  ["driver.log", "driver.log", "What the client's drivers wrote for people, control characters written out."],
  [
    "junit.xml",
    "junit.xml",
    "For GitLab, Jenkins and GitHub's actions. Known failures are skipped tests there, what was inconclusive is an error.",
  ],
  [
    "ctrf.json",
    "ctrf.json",
    "The Common Test Report Format, https://ctrf.io, for its reporters and dashboards.",
  ],
  [
    "result.json",
    "result.json",
    `The result as data, schema ${resultSchema}; \`lucy-testkit report\` reads it.`,
  ],
];

function readmeOf(
  result: RunResult,
  name: string,
  paths: readonly string[],
  notes: readonly string[],
): string {
  const rows = filesAbout
    .filter(([start]) => paths.some((path) => path.startsWith(start)))
    .map(([, shown, about]) => `| \`${shown}\` | ${about} |`);
  return [
    `# ${prose(result.subject)} against ${prose(result.target)}, ${prose(result.startedAt)}`,
    endOf(result).sentence,
    ["| file | what it is |", "| --- | --- |", ...rows].join("\n"),
    `Shown again by \`lucy-testkit report ${name}\`. Keys and tokens are struck out of all files; a known failure is one that the baseline names.`,
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

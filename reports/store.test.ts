import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { matchGoldenText } from "./_golden.ts";
import { allPassed, everyOutcome, failedOf, hostile, onePixel, resultOf, verdictOf } from "./_results.ts";
import type { RunResult } from "./result.ts";
import { readResult, saveRun } from "./store.ts";

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), "lucy-runs-"));
});
afterEach(() => rmSync(runs, { recursive: true }));

/** Files of a folder and of those in it, sorted. */
const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const textsOf = (folder: string) =>
  filesOf(folder)
    .filter((path) => !path.endsWith(".png"))
    .map((path) => readFileSync(join(folder, path), "utf8"));

const everyJournal = (result: RunResult, lines: readonly unknown[]) =>
  new Map(result.verdicts.map(({ id }) => [id, lines]));

describe("a run that is kept", () => {
  test("has all that shows it, and a README that says what is what", () => {
    const journals = everyJournal(everyOutcome, [{ step: 1 }, { step: 2 }]);
    const folder = saveRun({ result: everyOutcome, journals, driverLog: ["hello \u001b[31m", "bye"] }, runs);
    expect(folder).toBe(join(runs, "2026-01-31T12-00-00Z"));
    expect(filesOf(folder)).toEqual([
      "README.md",
      "ctrf.json",
      "driver.log",
      "journals/restore.keeps-image.jsonl",
      "journals/restore.keeps-prompt.jsonl",
      "journals/state.sets-image.jsonl",
      "journals/state.sets-prompt.jsonl",
      "junit.xml",
      "pictures/state.sets-image.1.png",
      "pictures/state.sets-image.2.png",
      "report.html",
      "report.md",
      "report.txt",
      "result.json",
    ]);
    matchGoldenText("run-readme.md", readFileSync(join(folder, "README.md"), "utf8"));
    expect(readFileSync(join(folder, "journals/state.sets-image.jsonl"), "utf8")).toBe(
      '{"step":1}\n{"step":2}\n',
    );
    expect(readFileSync(join(folder, "driver.log"), "utf8")).toBe("hello \\u001b[31m\nbye\n");
    expect(readFileSync(join(folder, "pictures/state.sets-image.1.png"), "base64")).toBe(onePixel);
    expect(readFileSync(join(folder, "report.md"), "utf8")).toContain("](<pictures/state.sets-image.1.png>)");
  });

  test("says where it is before reports are made, which may take long", () => {
    const begun: string[][] = [];
    const folder = saveRun({ result: allPassed }, runs, (at) => begun.push([at, ...filesOf(at)]));
    expect(begun).toEqual([[folder, "result.json"]]);
  });

  test("says nothing of files that it has not", () => {
    const folder = saveRun({ result: allPassed }, runs);
    expect(filesOf(folder)).toEqual([
      "README.md",
      "ctrf.json",
      "junit.xml",
      "report.html",
      "report.md",
      "report.txt",
      "result.json",
    ]);
    expect(readFileSync(join(folder, "README.md"), "utf8")).not.toMatch(/driver\.log|journal|pictures/);
  });

  test("is there though a report of it cannot be made, and says which", () => {
    const figure = { name: "glass-to-glass", of: "p50", unit: "ms", values: [], sampleCount: 0 };
    const folder = saveRun({ result: { ...allPassed, kind: "load", figures: [figure] } }, runs);
    expect(JSON.parse(readFileSync(join(folder, "result.json"), "utf8")).figures).toEqual([figure]);
    expect(filesOf(folder)).not.toContain("report.html");
    expect(filesOf(folder)).toContain("junit.xml");
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    expect(readme).toMatch(/^- report\.html is missing, for it could not be made: ./m);
    expect(readme).not.toContain("| `report.html` |");
  });

  test("is read back as it was, by its folder, its file and as the latest", () => {
    const folder = saveRun({ result: everyOutcome }, runs);
    for (const path of [folder, join(folder, "result.json"), join(runs, "latest")]) {
      expect(readResult(path)).toEqual(everyOutcome);
    }
  });

  test("has a folder of its own, and the latest is the last", () => {
    saveRun({ result: allPassed }, runs);
    const second = saveRun({ result: everyOutcome }, runs);
    expect(second).toBe(join(runs, "2026-01-31T12-00-00Z-2"));
    expect(readResult(join(runs, "latest"))).toEqual(everyOutcome);
    expect(readdirSync(runs).sort()).toEqual(["2026-01-31T12-00-00Z", "2026-01-31T12-00-00Z-2", "latest"]);
  });

  test.skipIf(process.platform === "win32")("is linked to from beside it, so that both can be moved", () => {
    saveRun({ result: allPassed }, runs);
    expect(readlinkSync(join(runs, "latest"))).toBe("2026-01-31T12-00-00Z");
  });

  test("is found where the latest is a file that names it, as on Windows", () => {
    saveRun({ result: allPassed }, runs);
    rmSync(join(runs, "latest"));
    writeFileSync(join(runs, "latest"), "2026-01-31T12-00-00Z\n");
    expect(readResult(join(runs, "latest"))).toEqual(allPassed);
    writeFileSync(join(runs, "latest"), "../../etc\n");
    expect(() => readResult(join(runs, "latest"))).toThrow("is no JSON");
  });

  test("of hostile texts stays in its folder", () => {
    const journals = everyJournal(hostile, [{ step: 1 }]);
    const folder = saveRun({ result: hostile, journals }, runs);
    expect(readdirSync(runs).sort()).toEqual(["2026-01-31T12-00-00Z", "latest"]);
    for (const path of filesOf(folder)) expect(path).toMatch(/^((journals|pictures)\/)?[\w-][\w.-]*$/);
    expect(filesOf(folder).filter((path) => path.startsWith("journals/"))).toHaveLength(3);
    const { subject } = readResult(folder);
    expect(subject).toBe(hostile.subject);
  });

  test("of two ids with one name keeps both", () => {
    const result = resultOf([failedOf("a/B c"), failedOf("a/B-c")]);
    const folder = saveRun({ result, journals: everyJournal(result, [1]) }, runs);
    expect(filesOf(folder).filter((path) => path.startsWith("journals/"))).toEqual([
      "journals/a-B-c-1.jsonl",
      "journals/a-B-c-2.jsonl",
    ]);
  });

  test("has no key in it, and says that there were some", () => {
    const secret = "dct_Very-Secret_1";
    const token = `ek_${"0123456789abcdef".repeat(2)}`;
    const finding = { rule: "r", expected: `"a\\n${token}"`, got: `x\n${secret}`, window: [secret] };
    const result = resultOf(
      [
        failedOf("a/b", { findings: [finding], replay: `--key ${secret} dct_local` }),
        verdictOf("a/c", { outcome: "inconclusive", why: `refused ?api_key=hunter2` }),
      ],
      { environment: { [secret]: token }, harness: [token] },
    );
    const folder = saveRun(
      {
        result,
        journals: everyJournal(result, [{ apiKey: secret, [secret]: [token] }]),
        driverLog: [`\u001b[31m${secret}`, `minted ${token}, dct_local`],
      },
      runs,
    );
    const all = textsOf(folder).join("\n");
    expect(all).not.toMatch(/Very-Secret|0123456789abcdef|hunter2/);
    expect(all).toContain("minted ek_[redacted], dct_local");
    expect(readResult(folder).verdicts[0]!.replay).toBe("--key dct_[redacted] dct_local");
    expect(readFileSync(join(folder, "README.md"), "utf8")).toMatch(/^- \d+ keys and tokens struck out\.$/m);
  });

  test("is bounded: texts, windows, pictures, journals and logs", () => {
    const long = "x".repeat(1_000_000);
    const large = Buffer.concat([Buffer.from(onePixel, "base64"), Buffer.alloc(5 * 1024 ** 2)]).toString(
      "base64",
    );
    const finding = {
      rule: "r",
      expected: long,
      got: long,
      window: Array(5000).fill("w"),
      pictures: [
        { caption: "fine", png: onePixel },
        { caption: "too large", png: large },
        { caption: "no PNG", png: Buffer.from("GIF89a").toString("base64") },
      ],
    };
    const result = resultOf([failedOf("a/b", { findings: [finding] })]);
    const lines = Array.from({ length: 50_000 }, (_, step) => ({ step, text: "t".repeat(100) }));
    const folder = saveRun(
      {
        result,
        journals: everyJournal(result, [...lines, { long }]),
        driverLog: lines.map(({ step, text }) => `${step} ${text}`),
      },
      runs,
    );
    const [kept] = readResult(folder).verdicts[0]!.findings;
    expect(kept!.got).toHaveLength(20_001);
    expect(kept!.window).toHaveLength(200);
    expect(kept!.pictures).toEqual([finding.pictures[0]]);
    const journal = readFileSync(join(folder, "journals/a.b.jsonl"), "utf8");
    expect(journal.length).toBeLessThan(4.1 * 1024 ** 2);
    const values = journal
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(values[0]).toEqual(lines[0]);
    expect(values.at(-2)).toEqual(lines.at(-1));
    expect(values.at(-1)).toEqual({ leftOut: "a line of 1000011 characters" });
    const gaps = values.filter(({ leftOut }) => /^\d+ lines$/.test(leftOut));
    expect(gaps).toEqual([{ leftOut: `${50_001 - (values.length - 1)} lines` }]);
    expect(readFileSync(join(folder, "driver.log"), "utf8")).toMatch(/^… \d+ lines left out$/m);
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(
      "2 pictures left out: no PNG, or larger than",
    );
  });
});

describe("a run that cannot be kept is a sentence", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "no time",
      () => saveRun({ result: { ...allPassed, startedAt: "yesterday" } }, runs),
      /^A result starts at an ISO 8601 time, not at "yesterday"\.$/,
    ],
    [
      "no folder",
      () => {
        writeFileSync(join(runs, "file"), "");
        saveRun({ result: allPassed }, join(runs, "file"));
      },
      /^The run cannot be kept in .*file: E.*\. See that it can be written to and that the disk has room\.$/,
    ],
    [
      "the latest is a folder",
      () => {
        mkdirSync(join(runs, "latest"));
        saveRun({ result: allPassed }, runs);
      },
      /^The run is kept in .*2026-01-31T12-00-00Z, but .*latest is a folder, so it cannot lead there\. Rename that folder\.$/,
    ],
  ])("%s", (_what, save, sentence) => {
    expect(save).toThrow(sentence);
  });
});

describe("a result that cannot be read is a sentence", () => {
  const write = (text: string) => {
    mkdirSync(join(runs, "run"));
    writeFileSync(join(runs, "run/result.json"), text);
    return join(runs, "run");
  };
  const json = (value: unknown) => () => write(JSON.stringify(value));

  test.each<[string, () => string, RegExp]>([
    [
      "nothing there",
      () => join(runs, "latest"),
      /^There is no run at .*latest\. Make one: `lucy-testkit conformance` or `lucy-testkit load`\.$/,
    ],
    [
      "nothing of that name",
      () => {
        saveRun({ result: allPassed }, runs);
        return join(runs, "yesterday");
      },
      /^There is no run at .*yesterday\. In .* there is 2026-01-31T12-00-00Z\.$/,
    ],
    [
      "the folder of all runs",
      () => {
        saveRun({ result: allPassed }, runs);
        return runs;
      },
      /leads to no result\.json: it is no run, or one that was cut short\. In .* there is 2026-01-31T12-00-00Z\.$/,
    ],
    [
      "a link to what is gone",
      () => {
        symlinkSync("gone", join(runs, "latest"));
        return join(runs, "latest");
      },
      /^There is no run at .*latest\. /,
    ],
    [
      "cut short",
      () => write('{"schema": "lucy'),
      /result\.json is no JSON: .*\. Run again; it was cut short or changed\.$/,
    ],
    [
      "another version",
      json({ ...allPassed, schema: "lucy-testkit/result/2" }),
      /is a result of lucy-testkit\/result\/2, and this lucy-testkit reads lucy-testkit\/result\/1\. Show it with the version that made it, or run again\.$/,
    ],
    [
      "something else",
      json({ results: [] }),
      /is no result: its "schema" is not lucy-testkit\/result\/1\. Name the folder/,
    ],
    ["null", json(null), /is no result: /],
    [
      "a field that is wrong",
      json({ ...allPassed, verdicts: [{ ...verdictOf("a/b"), outcome: "maybe" }] }),
      /is a broken result: verdicts\.0\.outcome: .*\. Run again; it was changed by hand, or made by another version\.$/,
    ],
    [
      "too large",
      () => {
        const folder = write("");
        truncateSync(join(folder, "result.json"), 200 * 1024 ** 2);
        return folder;
      },
      /has 209715200 bytes, and a result at most 134217728\./,
    ],
  ])("%s", (_what, make, sentence) => {
    const path = make();
    expect(() => readResult(path)).toThrow(sentence);
  });
});

/**
 * A result in the Common Test Report Format, https://ctrf.io, of the schema at
 * https://raw.githubusercontent.com/ctrf-io/ctrf/main/schema/ctrf.schema.json: a test a scenario. Its five ends, as they are read from a verdict:
 * `passed`, `failed`, `skipped` for unsupported, `other` for known to fail and for inconclusive, which `rawStatus` tells apart. Stale entries of
 * the baseline and trouble of the harness are tests that `failed`.
 */
import { exitCodeOf, type Picture, type RunResult } from "./result.ts";
import { escapeControls } from "./shown-text.ts";
import { endOf, standingWords } from "./tally.ts";
import { type TestCase, testCases } from "./test-cases.ts";

type Status = "passed" | "failed" | "skipped" | "pending" | "other";

const statuses: Readonly<Record<TestCase["standing"], Status>> = {
  passed: "passed",
  failed: "failed",
  known: "other",
  unsupported: "skipped",
  inconclusive: "other",
  stale: "failed",
  harness: "failed",
};

/** Ends with a line end. */
export function resultCtrf(result: RunResult, pictures: ReadonlyMap<Picture, string> = new Map()): string {
  const { subject, target, seed, startedAt, durationMs, environment, kind, figures } = result;
  const cases = testCases(result, pictures);
  const count = (status: Status) => cases.filter(({ standing }) => statuses[standing] === status).length;
  const start = Date.parse(startedAt);
  const stop = start + Math.round(durationMs);
  const report = {
    reportFormat: "CTRF",
    // Of the schema's examples; it is not numbered itself.
    specVersion: "0.1.0",
    timestamp: new Date(stop).toISOString(),
    generatedBy: "lucy-testkit",
    results: {
      tool: { name: "lucy-testkit" },
      summary: {
        tests: cases.length,
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("skipped"),
        pending: count("pending"),
        other: count("other"),
        suites: new Set(cases.map(({ group }) => group)).size,
        start,
        stop,
        duration: stop - start,
        extra: { exitCode: exitCodeOf(result), closing: endOf(result).sentence },
      },
      tests: cases.map((one) => testOf(one, subject, pictures)),
      environment: {
        reportName: escapeControls(`${subject} against ${target}`),
        appName: escapeControls(subject),
        testEnvironment: escapeControls(target),
        healthy: exitCodeOf(result) === 0,
        extra: { ...environment, seed, kind, ...(figures.length > 0 && { figures }) },
      },
    },
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function testOf(
  { group, name, standing, message, lines, durationMs, verdict }: TestCase,
  subject: string,
  paths: ReadonlyMap<Picture, string>,
) {
  const pictures = (verdict?.findings ?? []).flatMap((finding) => finding.pictures ?? []);
  const attachments = pictures.flatMap((picture) => {
    const path = paths.get(picture);
    return path ? [{ name: escapeControls(picture.caption), contentType: "image/png", path }] : [];
  });
  return {
    // The schema asks for a letter at least.
    name: name || "(no name)",
    status: statuses[standing],
    duration: Math.round(durationMs),
    suite: [escapeControls(subject), group],
    rawStatus: standing in standingWords ? standingWords[standing as keyof typeof standingWords] : standing,
    ...(message !== null && { message }),
    ...(lines.length > 0 && { trace: lines.join("\n") }),
    ...(verdict && {
      type: "conformance",
      tags: verdict.sets.map(escapeControls),
      extra: {
        does: verdict.does,
        owes: verdict.owes,
        source: verdict.source,
        replay: verdict.replay,
        waitedMs: Math.round(verdict.waitedMs),
        ...(verdict.known && { known: verdict.known }),
      },
    }),
    ...(attachments.length > 0 && { attachments }),
  };
}

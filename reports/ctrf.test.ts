import { expect, test } from "vitest";
import { z } from "zod";
import { matchGoldenText } from "./_golden.ts";
import { allPassed, everyOutcome, hostile, resultOf, usual } from "./_results.ts";
import { resultCtrf } from "./ctrf.ts";
import { picturePaths } from "./store.ts";

test("every outcome is as it was when it was looked at", () => {
  matchGoldenText("every-outcome.ctrf", resultCtrf(everyOutcome, picturePaths(everyOutcome)));
});

/** The fields of https://raw.githubusercontent.com/ctrf-io/ctrf/main/schema/ctrf.schema.json that are used; it allows no others. */
const count = z.int().nonnegative();
const extra = z.record(z.string(), z.unknown());
const schema = z.strictObject({
  reportFormat: z.literal("CTRF"),
  specVersion: z.string().regex(/^\d+\.\d+\.\d+$/),
  timestamp: z.iso.datetime(),
  generatedBy: z.string(),
  results: z.strictObject({
    tool: z.strictObject({ name: z.string().min(1) }),
    summary: z.strictObject({
      tests: count,
      passed: count,
      failed: count,
      skipped: count,
      pending: count,
      other: count,
      suites: count,
      start: count,
      stop: count,
      duration: count,
      extra,
    }),
    tests: z.array(
      z.strictObject({
        name: z.string().min(1),
        status: z.enum(["passed", "failed", "skipped", "pending", "other"]),
        duration: count,
        suite: z.array(z.string()).min(1),
        message: z.string().optional(),
        trace: z.string().optional(),
        rawStatus: z.string(),
        tags: z.array(z.string()).optional(),
        type: z.string().optional(),
        attachments: z
          .array(z.strictObject({ name: z.string(), contentType: z.string(), path: z.string() }))
          .optional(),
        extra: extra.optional(),
      }),
    ),
    environment: z.strictObject({
      reportName: z.string(),
      appName: z.string(),
      testEnvironment: z.string(),
      healthy: z.boolean(),
      extra,
    }),
  }),
});

test.each([
  ["all passed", allPassed],
  ["usual", usual],
  ["every outcome", everyOutcome],
  ["hostile", hostile],
  ["nothing", resultOf([])],
])("it is of the schema, and its counts are right: %s", (_what, result) => {
  const { summary, tests } = schema.parse(JSON.parse(resultCtrf(result))).results;
  const { passed, failed, skipped, pending, other } = summary;
  expect(passed + failed + skipped + pending + other).toBe(summary.tests);
  expect(tests).toHaveLength(summary.tests);
  expect(tests.filter(({ status }) => status === "failed")).toHaveLength(failed);
});

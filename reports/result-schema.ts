/** The result shape as a schema, for results that come from a file. */
import { z } from "zod";
import { loadRecord } from "./load-record.ts";
import { outcomes, type RunResult, resultSchema } from "./result.ts";

const milliseconds = z.number().nonnegative();
const aim = z.union([z.strictObject({ atMost: z.number() }), z.strictObject({ atLeast: z.number() })]);

const figure = z.object({
  name: z.string(),
  of: z.string().exactOptional(),
  unit: z.string(),
  values: z.array(z.number()).min(1),
  beside: z.array(z.number()).exactOptional(),
  aim: aim.exactOptional(),
  sampleCount: z.number().nonnegative().exactOptional(),
});

const finding = z.object({
  rule: z.string(),
  expected: z.string(),
  got: z.string(),
  window: z.array(z.string()).exactOptional(),
  pictures: z.array(z.object({ caption: z.string(), png: z.string() })).exactOptional(),
});

const verdict = z.object({
  id: z.string(),
  area: z.string(),
  does: z.string(),
  owes: z.string(),
  source: z.object({ kind: z.enum(["documented", "observed", "assumed"]), where: z.string() }),
  sets: z.array(z.string()),
  outcome: z.enum(outcomes),
  findings: z.array(finding),
  why: z.string().nullable(),
  known: z.object({ reason: z.string(), link: z.string() }).nullable(),
  durationMs: milliseconds,
  waitedMs: milliseconds,
  replay: z.string(),
});

export const runResult: z.ZodType<RunResult> = z.object({
  schema: z.literal(resultSchema),
  kind: z.enum(["conformance", "load"]),
  subject: z.string(),
  target: z.string(),
  startedAt: z.iso.datetime({ offset: true }),
  durationMs: milliseconds,
  seed: z.number(),
  environment: z.record(z.string(), z.string()),
  verdicts: z.array(verdict),
  stale: z.array(z.string()),
  harness: z.array(z.string()),
  figures: z.array(figure),
  load: loadRecord.exactOptional(),
});

/** What a shard leaves in a file, and what several come to. The file is what crosses machines: `merge` reads nothing else. */
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { loadRecord } from "../reports/load-record.ts";
import { type CountName, countNames, type HistogramName, histogramNames } from "./measurement.ts";

export const shardSchema = "lucy-testkit/shard/1";

const noValues = Object.fromEntries(histogramNames.map((name) => [name, ""])) as Record<
  HistogramName,
  string
>;
const noCounts = Object.fromEntries(countNames.map((name) => [name, 0])) as Record<CountName, number>;

const shardFile = z.object({
  schema: z.literal(shardSchema),
  /** Which of how many. */
  index: z.number().int().nonnegative(),
  count: z.number().int().positive(),
  target: z.string(),
  /** ISO 8601: the start that all shards share. */
  startedAt: z.iso.datetime({ offset: true }),
  durationMs: z.number().nonnegative(),
  seed: z.number(),
  /** Which measured, in words by name. */
  machine: z.record(z.string(), z.string()),
  plan: loadRecord.shape.plan,
  generator: loadRecord.shape.generator,
  dialects: loadRecord.shape.dialects,
  blindSpots: loadRecord.shape.blindSpots,
  shards: loadRecord.shape.shards,
  /** What the transport counted, of sessions as they left; times one a session. */
  transport: z.object({
    roundTripsMs: z.array(z.number().nonnegative()),
    jittersMs: z.array(z.number().nonnegative()),
    ...loadRecord.shape.transport.pick({
      packetsReceived: true,
      packetsLost: true,
      keyRequests: true,
      picturesUnseen: true,
    }).shape,
  }),
  troubles: loadRecord.shape.troubles,
  /** What the instrument read before, where whoever ran the shard tested it. */
  selfTests: loadRecord.shape.selfTests,
  /** Why this part is not to be believed: it was stopped. */
  doubts: loadRecord.shape.doubts,
  measurement: z.object({
    // What a version did not know yet it did not count: nothing. What this one does not know nobody may drop.
    histograms: z
      .partialRecord(z.enum(histogramNames), z.string())
      .transform((some) => ({ ...noValues, ...some })),
    counts: z
      .partialRecord(z.enum(countNames), z.number().nonnegative())
      .transform((some) => ({ ...noCounts, ...some })),
    seconds: loadRecord.shape.measurement.shape.seconds,
  }),
});

export type ShardFile = z.infer<typeof shardFile>;

/** Before anything is measured; the file itself is not there for a moment: who merges waits for it. @throws Error with a sentence where it cannot be written */
export function tryShardFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${path} cannot be written: it is a folder. Name a file in it.`);
  }
  try {
    closeSync(openSync(`${path}.part`, "w"));
    rmSync(`${path}.part`);
  } catch (error) {
    throw new Error(
      `${path} cannot be written: ${(error as Error).message}. Name a file in a folder that is there.`,
    );
  }
}

/** Whole or not at all: whoever merges may look at any time. */
export function writeShard(path: string, shard: ShardFile): void {
  writeFileSync(`${path}.part`, JSON.stringify(shard));
  renameSync(`${path}.part`, path);
}

/** @throws Error with a sentence where it cannot be read, or is no shard */
export function readShard(path: string): ShardFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(
      `${path} is no JSON: the shard was cut short, or it is another file. Run that shard again.`,
    );
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== shardSchema) {
    throw new Error(
      `${path} is no shard of this version: its "schema" is ${JSON.stringify(schema)?.slice(0, 60)}, and this one reads ${shardSchema}. Merge with the version that measured it, or measure again with this one on all machines.`,
    );
  }
  const parsed = shardFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue!.code === "invalid_key" || issue!.code === "unrecognized_keys") {
    const name = issue!.code === "invalid_key" ? issue!.path.at(-1) : issue!.keys[0];
    throw new Error(
      `${path} has counted "${String(name)}", which this version does not know. Merge with the version that measured.`,
    );
  }
  throw new Error(
    `${path} is a broken shard: ${issue!.path.map(String).join(".")}: ${issue!.message}. Run that shard again.`,
  );
}

/** What a shard leaves in a file, and what several come to. The file is what crosses machines: `merge` reads nothing else. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { loadRecord } from "../reports/load-record.ts";
import { countNames, histogramNames } from "./measurement.ts";

export const shardSchema = "lucy-testkit/shard/1";

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
    histograms: z.record(z.enum(histogramNames), z.string()),
    counts: z.record(z.enum(countNames), z.number().nonnegative()),
    seconds: loadRecord.shape.measurement.shape.seconds,
  }),
});

export type ShardFile = z.infer<typeof shardFile>;

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
      `${path} is no shard of this version: its "schema" is ${JSON.stringify(schema)?.slice(0, 60)}, and this one reads ${shardSchema}.`,
    );
  }
  const parsed = shardFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(
    `${path} is a broken shard: ${issue!.path.map(String).join(".")}: ${issue!.message}. Run that shard again.`,
  );
}

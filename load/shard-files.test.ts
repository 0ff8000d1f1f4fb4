/** What is read of a file that another version left, or that is broken. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addMeasurements } from "./merge.ts";
import { readShard, type ShardFile, shardSchema, tryShardFile, writeShard } from "./shard-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-shard-files-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shardWith(counts: object, histograms: object): ShardFile {
  return {
    ...{ schema: shardSchema, index: 0, count: 1, target: "127.0.0.1:1", seed: 1, machine: { cpu: "A" } },
    ...{ startedAt: "2026-01-31T12:00:00.000Z", durationMs: 1000, plan: {}, generator: "node" },
    ...{ dialects: ["direct"], blindSpots: [], shards: [], troubles: {}, selfTests: [], doubts: [] },
    transport: {
      ...{ roundTripsMs: [], jittersMs: [], packetsReceived: null, packetsLost: null },
      ...{ keyRequests: null, picturesUnseen: null },
    },
    measurement: { counts, histograms, seconds: [] } as unknown as ShardFile["measurement"],
  };
}

function kept(shard: ShardFile): string {
  const path = join(folder, "shard.json");
  writeShard(path, shard);
  return path;
}

test("what a version did not count yet is nothing, also when it is added up", () => {
  const { measurement } = readShard(kept(shardWith({ "sessions-due": 3 }, {})));
  const { counts, histograms } = addMeasurements([measurement, measurement]);
  expect(counts).toMatchObject({ "sessions-due": 6, "sessions-late": 0, "frames-off-air": 0 });
  expect(histograms.connect).toBe("");
});

describe("a sentence for", () => {
  test.each([
    [
      "a count",
      shardWith({ "sessions-lost": 1 }, {}),
      /has counted "sessions-lost", which this version does not/,
    ],
    [
      "a histogram",
      shardWith({}, { jitter: "" }),
      /has counted "jitter", which this version does not know\. Merge/,
    ],
    [
      "a number",
      shardWith({ "sessions-due": -1 }, {}),
      /broken shard: measurement\.counts\.sessions-due: .*again/,
    ],
  ])("%s that nobody knows, or that is none", (_what, shard, says) => {
    expect(() => readShard(kept(shard))).toThrow(says);
  });

  test("a file that cannot be written, before there is anything to write", () => {
    expect(() => tryShardFile(join(folder, "nowhere/shard.json"))).toThrow(
      /nowhere.* cannot be written: ENOENT/,
    );
    const path = join(folder, "new.json");
    tryShardFile(path);
    expect(() => readShard(path)).toThrow("cannot be read");
    writeFileSync(path, "{}");
    tryShardFile(path);
    expect(() => readShard(path)).toThrow("no shard of this version");
    expect(() => tryShardFile(folder)).toThrow(/ cannot be written: it is a folder/);
  });
});

/** Where a picture's time went, in words that say how they were made. */
import { expect, test } from "vitest";
import { loaded } from "./_results.ts";
import { loadAmounts } from "./load-amounts.ts";
import type { RunResult } from "./result.ts";

function delayOf(glassMs: number | null, serverMs: number | null, roundTripMs: number | null) {
  const load = { ...loaded.load!, serverMs, transport: { ...loaded.load!.transport, roundTripMs } };
  const figures =
    glassMs === null ? [] : [{ name: "glass-to-glass", of: "p50", unit: "ms", values: [glassMs] }];
  const result: RunResult = { ...loaded, load, figures };
  return loadAmounts(result).find(({ name }) => name === "delay")?.words;
}

const whence = "medians: the server's own word, a session's last round trip";

test.each([
  [12.3, 7.4, 0.3, `12.3 ms = server 7.4 + network 0.3 + client 4.6 (${whence}; the client is what is left)`],
  [7, 7, 0, `7.0 ms = server 7.0 + network 0.0 + client 0.0 (${whence}; the client is what is left)`],
  [
    12.3,
    7.4,
    null,
    "12.3 ms = server 7.4 + client and network 4.9 (medians: the server's own word; the client is what is left)",
  ],
  [
    5.6,
    2.5,
    32.8,
    "5.6 ms, yet server 2.5 + network 32.8 are 29.7 more: medians need not add up, and sessions of some seconds only know the round trip of connecting. Hold them for longer.",
  ],
  [null, 7.4, 0.3, `server 7.4 + network 0.3 ms (${whence})`],
  [12.3, null, 0.3, undefined],
])("%d ms, of them %d in the server and a round trip of %d", (glassMs, serverMs, roundTripMs, words) => {
  expect(delayOf(glassMs, serverMs, roundTripMs)).toBe(words);
});

test("how the generator kept up, of its worst process, and what all of them cost", () => {
  const calm = { eventLoopStalled: 0.001, eventLoopBusy: 0.3, eventLoopLagMaxMs: 9, machineBusy: 0.5 };
  const wordsOf = (load: NonNullable<RunResult["load"]>) =>
    Object.fromEntries(loadAmounts({ ...loaded, load }).map(({ name, words }) => [name, words]));
  const { generator } = wordsOf({
    ...loaded.load!,
    shards: [
      { ...calm, cpuCores: 0.4, rssMegabytes: 90 },
      { ...calm, cpuCores: 0.8, rssMegabytes: 90, eventLoopStalled: 0.12, eventLoopLagMaxMs: 812.4 },
    ],
  });
  expect(generator).toBe("thread 30 % busy · stalled 12 %, up to 812 ms · 1.2 cores · machine 50 % busy");
  expect(wordsOf(loaded.load!).generator).toBeUndefined();
});

test("who came late is told where anybody did", () => {
  const { measurement } = loaded.load!;
  const counts = { ...measurement.counts, "sessions-late": 2 };
  const load = { ...loaded.load!, measurement: { ...measurement, counts } };
  expect(loadAmounts({ ...loaded, load })[0]!.words).toContain("12 due · 2 came late · 10 connected");
  expect(loadAmounts(loaded)[0]!.words).toContain("12 due · 10 connected");
});

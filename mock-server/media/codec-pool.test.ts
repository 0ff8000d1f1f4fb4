import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { makeLook } from "../pictures/make-look.ts";
import { initialState } from "../state.ts";
import type { EditedPicture, PipelineSettings } from "./codec-messages.ts";
import { type CodecPool, createCodecPool } from "./codec-pool.ts";

/** Every worker that was started, oldest first. */
const workers = vi.hoisted(() => [] as Worker[]);
vi.mock(import("node:worker_threads"), async (original) => {
  const threads = await original();
  class KnownWorker extends threads.Worker {
    constructor(...about: ConstructorParameters<typeof Worker>) {
      super(...about);
      workers.push(this);
    }
  }
  return { ...threads, Worker: KnownWorker };
});

const settings: PipelineSettings = {
  codec: "vp8",
  outputCodec: "vp8",
  bitsPerSecond: 1e6,
  strips: true,
  pixelMarker: false,
  outputSize: null,
};
const look = makeLook(initialState, null);
const [first, second] = readClip("vp8-180p15").frames;

let pool: CodecPool;
beforeEach(() => {
  workers.length = 0;
  pool = createCodecPool(2);
});
afterEach(async () => {
  await pool.close();
  expect([pool.workerCount, pool.sessionCount]).toEqual([0, 0]);
});

/** A session whose happenings can be waited for, one at a time and in order. */
function open(given: Partial<PipelineSettings> = {}) {
  const happened: string[] = [];
  const pictures: EditedPicture[] = [];
  let woken: (() => void) | null = null;
  const happen = (what: string) => {
    happened.push(what);
    woken?.();
  };
  const session = pool.open({ ...settings, ...given }, look, {
    picture(picture) {
      pictures.push(picture);
      happen(`picture ${picture.timestamp}`);
    },
    dropped: (timestamp) => happen(`dropped ${timestamp}`),
    undecodable: (timestamp, why) => happen(`undecodable ${timestamp}${why ? `: ${why}` : ""}`),
    failed: (error) => happen(`failed: ${error}`),
  });
  return {
    session,
    happened,
    pictures,
    async count(wanted: number) {
      while (happened.length < wanted) await new Promise<void>((resolve) => (woken = resolve));
      return happened;
    },
  };
}

/** `decode` takes the memory away, so each call gets its own. */
const copy = (data: Uint8Array) => new Uint8Array(data);

test("workers are shared out evenly, and stop when their last session has left", async () => {
  const sessions = [open(), open(), open(), open(), open()];
  expect([pool.workerCount, pool.sessionCount, workers.length]).toEqual([2, 5, 2]);
  for (const { session } of sessions) {
    session.decode(copy(first!.data), 1, 0);
  }
  for (const session of sessions) await session.count(1);
  for (const { session } of sessions.slice(0, 4)) {
    session.close();
    session.close();
  }
  expect([pool.workerCount, pool.sessionCount]).toEqual([1, 1]);
  sessions[4]!.session.close();
  expect([pool.workerCount, pool.sessionCount]).toEqual([0, 0]);
});

test("a new session goes to the worker with the fewest", () => {
  const [, second] = [open(), open(), open(), open()];
  second!.session.close();
  // The fourth has gone where the second was, and keeps that worker running.
  expect(pool.workerCount).toBe(2);
});

test("a picture comes back with what it was made from; rubbish and a missing key are undecodable", async () => {
  const one = open();
  one.session.decode(Uint8Array.of(1, 2, 3), 100, 0);
  await one.count(1);
  one.session.decode(copy(first!.data), 200, 7);
  await one.count(2);
  one.session.decode(copy(second!.data), 300, 8);
  expect(await one.count(3)).toEqual(["undecodable 100", "picture 200", "picture 300"]);
  expect(
    one.pictures.map(({ key, width, height, outputCount, revision, receivedMs, input }) => [
      key,
      width,
      height,
      outputCount,
      revision,
      receivedMs,
      input?.frameId,
    ]),
  ).toEqual([
    [true, 320, 180, 0, 0, 7, 0],
    [false, 320, 180, 1, 0, 8, 1],
  ]);
});

test.each([
  [8192, 8192, "larger than 4096×2304"],
  [4096, 4096, "larger than 4096×2304"],
  [5000, 16, "larger than 4096×2304"],
  [320, 8, "smaller than 16×16"],
])(
  "a picture that claims to be %i×%i makes no encoder; the next sound one goes on",
  async (width, height, why) => {
    const claimed = copy(first!.data);
    // https://www.rfc-editor.org/rfc/rfc6386#section-9.1: the size stands behind the start code, 14 bits each.
    new DataView(claimed.buffer).setUint16(6, width, true);
    new DataView(claimed.buffer).setUint16(8, height, true);
    const one = open();
    one.session.decode(claimed, 1, 0);
    await one.count(1);
    one.session.decode(copy(first!.data), 2, 0);
    expect(await one.count(2)).toEqual([
      `undecodable 1: a picture of ${width}×${height} is ${why}`,
      "picture 2",
    ]);
  },
);

test("of pictures that wait together all are decoded, the newest is sent, the others are told of", async () => {
  const one = open();
  one.session.decode(copy(first!.data), 0, 0);
  await one.count(1);
  const { frames } = readClip("vp8-180p15");
  for (let index = 1; index < 30; index++) one.session.decode(copy(frames[index]!.data), index, 0);
  const happened = await one.count(30);
  expect(happened.at(-1)).toBe("picture 29");
  expect(happened.map((what) => Number(what.split(" ")[1]))).toEqual([...happened.keys()]);
  expect(happened.some((what) => what.startsWith("dropped"))).toBe(true);
  expect(happened.some((what) => what.startsWith("undecodable"))).toBe(false);
});

test("a key picture comes when it is forced, and a look shows from the next picture on", async () => {
  const one = open();
  one.session.decode(copy(first!.data), 1, 0);
  await one.count(1);
  one.session.forceKey();
  one.session.show([{ look: { ...look, revision: 7 }, frames: 1 }]);
  one.session.decode(copy(second!.data), 2, 0);
  await one.count(2);
  expect(one.pictures.map(({ key, revision }) => [key, revision])).toEqual([
    [true, 0],
    [true, 7],
  ]);
});

test("a codec that fails is told to its session only, which frees its place", async () => {
  const good = open();
  const bad = open({ codec: "nonsense" as never });
  expect((await bad.count(1))[0]).toMatch(/^failed: ./);
  expect(pool.sessionCount).toBe(1);
  bad.session.decode(copy(first!.data), 1, 0);
  bad.session.close();
  good.session.decode(copy(first!.data), 1, 0);
  expect(await good.count(1)).toEqual(["picture 1"]);
});

test.each([
  ["throws", (worker: Worker) => worker.postMessage(null), "failed: The codec worker stopped: Cannot read"],
  [
    "is stopped",
    (worker: Worker) => void worker.terminate(),
    "failed: The codec worker stopped: it exited with code",
  ],
])(
  "a worker that %s loses its sessions, once each; the others and the next go on",
  async (_name, kill, said) => {
    const lost = [open(), open(), open()];
    kill(workers[0]!);
    for (const { count } of [lost[0]!, lost[2]!]) expect((await count(1))[0]).toContain(said);
    expect([pool.workerCount, pool.sessionCount]).toEqual([1, 1]);
    lost[1]!.session.decode(copy(first!.data), 1, 0);
    expect(await lost[1]!.count(1)).toEqual(["picture 1"]);
    lost[0]!.session.decode(copy(first!.data), 2, 0);
    lost[0]!.session.close();
    const next = open();
    expect(pool.workerCount).toBe(2);
    next.session.decode(copy(first!.data), 3, 0);
    expect(await next.count(1)).toEqual(["picture 3"]);
    expect(lost[0]!.happened).toHaveLength(1);
  },
);

test("close() ends everything, whatever is under way", async () => {
  const one = open();
  one.session.decode(copy(first!.data), 1, 0);
  await pool.close();
  expect([pool.workerCount, pool.sessionCount]).toEqual([0, 0]);
});

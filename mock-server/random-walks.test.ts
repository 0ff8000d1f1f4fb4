import { afterEach, describe, expect, test, vi } from "vitest";
import { readWalks, type Walked, walkAtRandom } from "./_walks.ts";
import type { Clock } from "./clock.ts";
import { drop } from "./faults/drop.ts";
import type { Gate } from "./faults/fault.ts";
import { faults } from "./faults/index.ts";
import { type MediaMode, mediaModes } from "./media/pipeline.ts";

/** Other seeds, or the very walk that failed. */
const asked = readWalks(process.env.WALK || "20260101");
const isLong = Boolean(process.env.LUCY_LONG);
/** Pictures take their time. */
const counts: Record<MediaMode, number> = isLong
  ? { none: 4000, relay: 500, transcode: 500 }
  : { none: 160, relay: 20, transcode: 20 };

afterEach(() => {
  vi.restoreAllMocks();
});

function tell({ failure }: Walked): string | null {
  if (!failure) return null;
  const steps = failure.steps.map((step) => `  ${JSON.stringify(step)}`).join("\n");
  return `A walk fails. The shortest that was found:\n${steps}\n${failure.wrong}\nTo walk it again:\nWALK="${failure.again}" npx vitest run mock-server/random-walks.test.ts`;
}

const modes = mediaModes.filter((mode) => asked.mode === null || mode === asked.mode);
const declared = new Set<string>();

test.each(modes.map((mode) => ({ mode, of: asked.path === null ? counts[mode] : `number ${asked.path}` })))(
  `random walk, $of in mode $mode, seed ${asked.seed}: the server never throws, hangs or leaks`,
  async ({ mode }) => {
    const walked = await walkAtRandom({ ...asked, mode }, counts[mode]);
    for (const name of walked.declared) declared.add(name);
    const sentence = tell(walked);
    if (sentence !== null) expect.fail(sentence);
  },
  1_800_000,
);

// In few walks one or the other is left to chance.
if (isLong && !process.env.WALK)
  test("between them they have declared every fault", () => {
    expect(faults.map(({ name }) => name).filter((name) => !declared.has(name))).toEqual([]);
  });

describe.runIf(!process.env.WALK)("a defect that was planted", () => {
  /** Each walk that is tried waits as long for what never ends. */
  const patienceMs = 300;
  const letOn: Gate<"control"> = { take: (item, next) => next(item) };

  test.each<[what: string, wrong: string, gate: (clock: Clock) => Gate<"control">]>([
    [
      "a gate that throws",
      "A defect: Error: planted",
      () => ({
        take() {
          throw new Error("planted");
        },
      }),
    ],
    [
      "a timer that nobody stops",
      "The clients are gone, and there are still 1 timers",
      (clock) => {
        clock.every(1000, () => {});
        return letOn;
      },
    ],
  ])(
    "%s is found, in few steps, and found again by what is printed; mended, the same walk is well",
    async (_what, wrong, gate) => {
      const planted = vi
        .spyOn(drop, "open")
        .mockImplementation((_settings, { clock }) => gate(clock) as never);
      const walked = await walkAtRandom({ mode: "none", seed: 1, path: null }, 200, patienceMs);
      expect(walked.failure?.wrong).toContain(wrong);
      expect(walked.failure!.steps.length).toBeLessThanOrEqual(3);
      const [, printed] = /^WALK="(.*)" npx vitest run mock-server\/random-walks[.]test[.]ts$/m.exec(
        tell(walked)!,
      )!;
      const again = { ...readWalks(printed!), mode: "none" as const };
      const { failure } = await walkAtRandom(again, 1, patienceMs);
      expect(failure?.steps).toEqual(walked.failure!.steps);
      expect(failure?.wrong).toContain(wrong);
      planted.mockRestore();
      expect((await walkAtRandom(again, 1)).failure).toBeNull();
    },
    120_000,
  );
});

test.each(["", "x", "no:7", "7:1", "relay:7:1:"])("%j names no walk", (text) => {
  expect(() => readWalks(text)).toThrow(`WALK is "${text}". It takes a seed, a mode`);
});

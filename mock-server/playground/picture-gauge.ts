/** Pictures a second and their age, over the last second of pictures seen. Reads no clock: the caller says what time it is. */
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";

export type Gauge = {
  /** `ownClock`: the input strip was written by this page, so that its clock can be compared with ours. */
  add(picture: SeenPicture, ownClock: boolean): void;
  /** `latencyMs`: glass to glass, the median; null when no picture told. */
  read(nowMs: number): { fps: number; latencyMs: number | null };
  reset(): void;
};

const spanMs = 1000;
/** The strip's clock has 24 bits. */
const clockMask = 0xffffff;

export function createPictureGauge(): Gauge {
  let seen: { atMs: number; ageMs: number | null }[] = [];
  return {
    add({ atMs, input }, ownClock) {
      const ageMs = input && ownClock ? (Math.floor(atMs) - input.timestampMs) & clockMask : null;
      seen.push({ atMs, ageMs });
      seen = seen.filter((picture) => picture.atMs > atMs - spanMs);
    },
    read(nowMs) {
      const recent = seen.filter(({ atMs }) => atMs > nowMs - spanMs);
      const ages = recent.flatMap(({ ageMs }) => ageMs ?? []).sort((a, b) => a - b);
      return { fps: recent.length, latencyMs: ages[Math.floor(ages.length / 2)] ?? null };
    },
    reset() {
      seen = [];
    },
  };
}

/**
 * A camera that costs no encoder: a clip, over and over, a picture a turn, on a schedule that was fixed when it started and waits for nobody.
 * A turn that passes without a picture is told, and takes no picture of the clip with it: what is sent stays an unbroken stream, that any
 * decoder can follow. Knows no network.
 */
import type { Clock } from "../../clock.ts";
import type { SentPicture } from "../../generator.ts";

/** Takes the picture of this running number: the one that stands at `index` in the clip. */
export type Sink = (frame: number, index: number, sentMs: number) => void;

export type Camera = {
  /** Where pictures go from now on, a key picture first; `null`: nowhere, and turns pass. */
  aim(sink: Sink | null): void;
  /** The loop begins anew with the next picture, unless it has just begun: the clip has no other key picture than its first. */
  requestKey(): void;
  close(): void;
};

export type CameraAbout = {
  /** Pictures in the clip. */
  readonly loopCount: number;
  readonly fps: number;
  readonly clock: Clock;
  /** `gridLuma` of the clip's pictures, to be told along. */
  readonly grids: readonly (readonly number[])[] | null;
  sent(picture: SentPicture): void;
};

/** Turns that may be made up for, late: about what a camera's driver holds for an app that is away. Those before them have passed. */
const keptCount = 3;
/** Whoever cannot decode asks many times a second; browsers, too, make a key picture this often at most. */
const keyIntervalMs = 300;

/** Its first turn is now. */
export function startCamera({ loopCount, fps, clock, grids, sent }: CameraAbout, first: Sink): Camera {
  const intervalMs = 1000 / fps;
  const startedMs = clock.now();
  let sink: Sink | null = first;
  /** Of the next turn, and of the next picture. */
  let frame = 0;
  let index = 0;
  let keyMs = Number.NEGATIVE_INFINITY;
  let keyWanted = false;
  let timer: { cancel(): void };

  function show(to: Sink, dueMs: number): void {
    const sentMs = clock.now();
    if (keyWanted && sentMs - keyMs >= keyIntervalMs) index = 0;
    if (index === 0) {
      keyMs = sentMs;
      keyWanted = false;
    }
    to(frame, index, sentMs);
    sent({ frame, dueMs, sentMs, ...(grids && { luma: grids[index]! }) });
    index = (index + 1) % loopCount;
  }

  function takeTurns(): void {
    const nowMs = clock.now();
    const dueMsOf = (frame: number) => startedMs + frame * intervalMs;
    for (let dueMs = dueMsOf(frame); dueMs <= nowMs; dueMs = dueMsOf(++frame)) {
      if (sink && nowMs - dueMs < keptCount * intervalMs) show(sink, dueMs);
      else sent({ frame, dueMs, sentMs: null });
    }
    // Timers count whole milliseconds; one that came too early would have to be set again.
    timer = clock.after(Math.ceil(dueMsOf(frame) - nowMs), takeTurns);
  }

  takeTurns();
  return {
    aim(next) {
      sink = next;
      index = 0;
    },
    requestKey() {
      keyWanted = true;
    },
    close() {
      timer.cancel();
      sink = null;
    },
  };
}

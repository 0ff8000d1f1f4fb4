/**
 * Which packets of a stream are missing, and when each is asked for again: as libwebrtc does it, at once and then every round trip. werift asks
 * every 5 ms, so that a far server sends each lost packet ten times over, and never stops its timer (0.25.2). Knows sequence numbers only.
 */
import type { Clock } from "../../clock.ts";

export type MissingPackets = {
  take(sequenceNumber: number): void;
  close(): void;
};

export type MissingPacketsAbout = {
  readonly clock: Clock;
  /** `null`: not known yet. */
  roundTripMs(): number | null;
  ask(sequenceNumbers: readonly number[]): void;
};

/** libwebrtc's numbers: how often it looks, how often it asks, and what it takes a round trip for before it knows. */
const lookIntervalMs = 20;
const askedCountMax = 10;
const roundTripMsDefault = 100;
/** A gap larger than this is no loss but another stream. */
const gapMax = 1000;

export function createMissingPackets({ clock, roundTripMs, ask }: MissingPacketsAbout): MissingPackets {
  const missing = new Map<number, { askedMs: number; askedCount: number }>();
  let newest: number | null = null;
  let timer: { cancel(): void } | null = null;

  function look(): void {
    const nowMs = clock.now();
    const patienceMs = roundTripMs() ?? roundTripMsDefault;
    const due: number[] = [];
    for (const [sequenceNumber, one] of missing) {
      if (nowMs - one.askedMs < patienceMs) continue;
      if (one.askedCount >= askedCountMax) {
        missing.delete(sequenceNumber);
        continue;
      }
      one.askedMs = nowMs;
      one.askedCount++;
      due.push(sequenceNumber);
    }
    if (due.length > 0) ask(due);
    timer?.cancel();
    timer = missing.size > 0 ? clock.after(lookIntervalMs, look) : null;
  }

  return {
    take(sequenceNumber) {
      newest ??= sequenceNumber - 1;
      const ahead = ((sequenceNumber - newest) << 16) >> 16;
      if (ahead <= 0) return void missing.delete(sequenceNumber);
      if (ahead > gapMax) missing.clear();
      else {
        for (let step = 1; step < ahead; step++) {
          missing.set((newest + step) & 0xffff, { askedMs: Number.NEGATIVE_INFINITY, askedCount: 0 });
        }
      }
      newest = sequenceNumber;
      if (ahead > 1 && missing.size > 0) look();
    },
    close() {
      timer?.cancel();
      missing.clear();
    },
  };
}

/** The app's microphone: a tone, by the piece, as samples and as Opus has it, for whoever listens. It runs on real time, as the camera does. */
import { opusPacketMs, readOpusTone } from "../../../fixtures/opus-tone.ts";
import { soundRate, toneSamples } from "../../../fixtures/tone.ts";
import type { Clock, Timer } from "../../clock.ts";

/** A fiftieth of a second. */
export type Sound = {
  readonly samples: Int16Array<ArrayBuffer>;
  readonly packet: Uint8Array;
  /** RTP's time, in samples. */
  readonly timestamp: number;
};

export type Microphone = {
  /** Hands on each piece until the result is called. */
  listen(hear: (sound: Sound) => void): () => void;
  stop(): void;
};

export const soundSampleCount = (opusPacketMs * soundRate) / 1000;

export function openMicrophone(live: Clock): Microphone {
  const packets = readOpusTone();
  const listeners = new Set<(sound: Sound) => void>();
  const startedMs = live.now();
  let count = 0;
  let timer: Timer | null = null;

  function record(): void {
    const timestamp = count * soundSampleCount;
    const sound = {
      samples: toneSamples(timestamp, soundSampleCount),
      packet: packets[count % packets.length]!,
      timestamp,
    };
    for (const hear of [...listeners]) hear(sound);
    count++;
    timer = live.after(Math.max(0, startedMs + count * opusPacketMs - live.now()), record);
  }
  record();

  return {
    listen(hear) {
      listeners.add(hear);
      return () => listeners.delete(hear);
    },
    stop() {
      timer?.cancel();
      listeners.clear();
    },
  };
}

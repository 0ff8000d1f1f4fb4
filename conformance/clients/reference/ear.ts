/**
 * Where received sound is heard: tells of each tenth of a second that is not silent, with its pitch. Of samples it finds the pitch; of Opus it
 * knows the tone's own packets again, and decodes none.
 */
import { opusPacketMs, readOpusTone } from "../../../fixtures/opus-tone.ts";
import { pitchOf, soundRate, toneHz } from "../../../fixtures/tone.ts";
import type { ClientEvent } from "../../client.ts";
import type { Clock } from "../../clock.ts";

export type Ear = {
  /** Samples of one channel, 48,000 a second. */
  hearSamples(samples: Int16Array): void;
  hearPacket(packet: Uint8Array): void;
};

const toldMs = 100;
const toldSampleCount = (toldMs * soundRate) / 1000;
const toldPacketCount = toldMs / opusPacketMs;

/** Encoders say silence in so few bytes (discontinuous transmission: https://www.rfc-editor.org/rfc/rfc6716#section-2.1.9). */
const silentBytesMax = 3;

export function createEar({ live, tell }: { live: Clock; tell(event: ClientEvent): void }): Ear {
  const textOf = (packet: Uint8Array) => Buffer.from(packet).toString("latin1");
  const known = new Set(readOpusTone().map(textOf));
  let heard = new Int16Array(0);
  let packetCount = 0;
  let knownCount = 0;

  const tellOf = (hz: number | null) => tell({ event: "sound", timeMs: live.now(), hz });

  return {
    hearSamples(samples) {
      heard = Int16Array.from([...heard, ...samples]);
      if (heard.length < toldSampleCount) return;
      const hz = pitchOf(heard);
      if (hz !== null) tellOf(Math.round(hz));
      heard = new Int16Array(0);
    },
    hearPacket(packet) {
      if (packet.length <= silentBytesMax) return;
      packetCount++;
      if (known.has(textOf(packet))) knownCount++;
      if (packetCount < toldPacketCount) return;
      tellOf(knownCount === packetCount ? toneHz : null);
      packetCount = 0;
      knownCount = 0;
    },
  };
}

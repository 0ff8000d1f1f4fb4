/**
 * RTP packets of one video stream in, whole coded pictures in order out. Knows sequence numbers and payload formats, no
 * sockets and no codecs. Where a packet stays missing it gives nothing until a key picture, and says so once, so that no
 * decoder is ever fed a picture whose reference is gone.
 */
import type { PayloadFormat } from "./payloads/index.ts";

export type MediaPacket = {
  readonly sequenceNumber: number;
  /** RTP timestamp, 90 kHz. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  /** When it came in, on the server's clock. */
  readonly receivedMs: number;
};

export type CodedPicture = {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly key: boolean;
  readonly timestamp: number;
  /** When the first of its packets came in. */
  readonly receivedMs: number;
};

export type FrameAssembler = {
  /** Takes a packet, in any order; duplicates and latecomers are dropped. */
  push(packet: MediaPacket): void;
  /** True from a loss (or the start) until the next key picture. */
  readonly waitsForKey: boolean;
};

/**
 * Packets that may arrive after a missing one before it is given up: some five pictures of a 720p stream at 2.5 Mbit/s, or
 * 170 ms, in which a retransmission has had its chance.
 */
const reorderCountMax = 48;
/** Packets of one picture, 4.8 MB: more than any key picture has, and a bound for a sender that never ends one. */
const pictureCountMax = 4096;

export function createFrameAssembler(
  format: PayloadFormat,
  on: { picture(picture: CodedPicture): void; needsKey(why: "start" | "loss" | "damage"): void },
): FrameAssembler {
  /** Packets not yet used, by sequence number. */
  const held = new Map<number, MediaPacket>();
  let next: number | null = null;
  let waitsForKey = true;
  let told = false;
  let current: MediaPacket[] = [];

  function push(packet: MediaPacket): void {
    if (next === null) {
      next = packet.sequenceNumber;
      askForKey("start");
    }
    const ahead = distance(next, packet.sequenceNumber);
    // A jump this large is no loss but another stream (the sender started anew): begin again from here.
    if (Math.abs(ahead) > 0x2000) restartAt(packet.sequenceNumber);
    else if (ahead < 0) return;
    held.set(packet.sequenceNumber, packet);
    drain();
    while (held.size > reorderCountMax) giveUp();
  }

  function drain(): void {
    for (let packet = take(); packet; packet = take()) {
      // Padding: it may stand inside a picture and have a time of its own.
      if (packet.payload.length > 0) collect(packet);
      if (packet.marker) finish();
    }
  }

  function collect(packet: MediaPacket): void {
    if (current.length > 0 && current[0]!.timestamp !== packet.timestamp) {
      // The sender left out a marker: the picture before is whole, its packets are contiguous.
      finish();
    }
    current.push(packet);
    if (current.length > pictureCountMax) {
      current = [];
      askForKey("damage");
    }
  }

  function take(): MediaPacket | undefined {
    const packet = held.get(next!);
    if (!packet) return;
    held.delete(next!);
    next = (next! + 1) & 0xffff;
    return packet;
  }

  function finish(): void {
    const [first] = current;
    const payloads = current.map((packet) => packet.payload);
    current = [];
    if (!first) return;
    // Not the first only: an access unit of H.264 may begin with a delimiter or a message of its own.
    const key = payloads.some((payload) => format.startsKeyPicture(payload));
    if (waitsForKey && !key) return;
    const data = format.unpack(payloads);
    if (!data) {
      // The very first packet of a stream may come in the middle of a picture: that is no damage.
      askForKey("damage");
      return;
    }
    waitsForKey = false;
    told = false;
    on.picture({ data, key, timestamp: first.timestamp, receivedMs: first.receivedMs });
  }

  /** Skips to the oldest packet held and waits for a key picture from there. */
  function giveUp(): void {
    let nearest = Number.POSITIVE_INFINITY;
    for (const sequenceNumber of held.keys()) nearest = Math.min(nearest, distance(next!, sequenceNumber));
    next = (next! + nearest) & 0xffff;
    current = [];
    askForKey("loss");
    drain();
  }

  function restartAt(sequenceNumber: number): void {
    held.clear();
    current = [];
    next = sequenceNumber;
    askForKey("loss");
  }

  function askForKey(why: "start" | "loss" | "damage"): void {
    waitsForKey = true;
    if (told) return;
    told = true;
    on.needsKey(why);
  }

  return {
    push,
    get waitsForKey() {
      return waitsForKey;
    },
  };
}

/** How far `to` lies after `from`, negative where before, in sequence numbers that wrap at 2^16. */
function distance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

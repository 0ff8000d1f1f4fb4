/**
 * Where the packets of one connection become pictures again: whole, in order, told apart by what their trailer or their strip says. A picture
 * counts as come when the packet comes that completes it.
 */
import {
  createFrameAssembler,
  type MediaPacket,
  payloadFormats,
  readTrailer,
  stripTrailer,
} from "../../../mock-server/index.ts";
import type { Codec, ReceivedPicture } from "../../generator.ts";
import type { MissingPackets } from "./missing-packets.ts";
import type { Outcome, PictureReader, Reading } from "./picture-readers.ts";
import type { SentPictures } from "./sent-pictures.ts";
import type { Stamps } from "./stamps.ts";

export type ScreenAbout = {
  readonly codec: Codec;
  /** `null`: nobody looks into pictures. */
  readonly reader: PictureReader | null;
  readonly sent: SentPictures;
  readonly stamps: Stamps;
  received(picture: ReceivedPicture): void;
  /** It cannot go on without a key picture. */
  needsKey(): void;
  /** Of each packet, before anything comes of it. */
  readonly missing: MissingPackets;
};

export type Screen = {
  take(packet: MediaPacket): void;
  close(): void;
};

const unread: Reading = { input: null, output: null };
/** As libwebrtc's: an answer needs time to come. */
const keyIntervalMs = 300;

export function createScreen(about: ScreenAbout): Screen {
  const { reader, sent, stamps, missing } = about;
  let atMs = 0;
  let askedMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  function askForKey(): void {
    if (atMs - askedMs < keyIntervalMs) return;
    askedMs = atMs;
    about.needsKey();
  }

  function tell(atMs: number, stamp: bigint | null, outcome: Outcome): void {
    if (outcome === null) return askForKey();
    const { input, output, luma } = outcome === "unread" ? unread : outcome;
    const stamped = stamp === null ? null : stamps.frameOf(stamp);
    const frame = stamped ?? (input && sent.find(input.frameId, atMs));
    const carrier = stamped !== null ? "metadata" : frame !== null ? "strip" : null;
    about.received({ atMs, frame, carrier, output, ...(luma && frame === null && { luma }) });
  }

  const assembler = createFrameAssembler(payloadFormats[about.codec](), {
    picture({ data, key }) {
      const cameMs = atMs;
      const trailer = readTrailer(data);
      const stamp = trailer?.userTimestamp ?? null;
      const use = (outcome: Outcome) => tell(cameMs, stamp, outcome);
      if (reader) reader.read(trailer ? stripTrailer(data, trailer) : data, key, use);
      else use("unread");
    },
    needsKey() {
      // Asked for below, once it is sure that what comes is none.
    },
  });

  return {
    take(packet) {
      if (isClosed) return;
      atMs = packet.receivedMs;
      missing.take(packet.sequenceNumber);
      assembler.push(packet);
      if (packet.marker && assembler.waitsForKey) askForKey();
    },
    close() {
      isClosed = true;
      missing.close();
      reader?.close();
    },
  };
}

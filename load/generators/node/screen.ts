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
import type { PictureReader } from "./picture-reader.ts";
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
};

export type Screen = {
  take(packet: MediaPacket): void;
  close(): void;
};

/** As libwebrtc's: an answer needs time to come. */
const keyIntervalMs = 300;

export function createScreen(about: ScreenAbout): Screen {
  const { reader, sent, stamps } = about;
  let askedMs = Number.NEGATIVE_INFINITY;
  let atMs = 0;
  let isClosed = false;

  function askForKey(): void {
    if (atMs - askedMs < keyIntervalMs) return;
    askedMs = atMs;
    about.needsKey();
  }

  const assembler = createFrameAssembler(payloadFormats[about.codec](), {
    picture({ data }) {
      const trailer = readTrailer(data);
      const reading = reader?.read(trailer ? stripTrailer(data, trailer) : data);
      if (reading === null) return askForKey();
      const { input = null, output = null } = reading ?? {};
      const stamp = trailer?.userTimestamp ?? null;
      const stamped = stamp === null ? null : stamps.frameOf(stamp);
      const frame = stamped ?? (input && sent.find(input.frameId, atMs));
      const carrier = stamped !== null ? "metadata" : frame !== null ? "strip" : null;
      about.received({ atMs, frame, carrier, output });
    },
    needsKey() {
      // Asked below, once it is sure that what comes is none.
    },
  });

  return {
    take(packet) {
      if (isClosed) return;
      atMs = packet.receivedMs;
      assembler.push(packet);
      if (packet.marker && assembler.waitsForKey) askForKey();
    },
    close() {
      isClosed = true;
      reader?.close();
    },
  };
}

/**
 * One session's pictures, from the packets its sender sends to the packets its viewers get: assemble, decode, edit, encode,
 * packetize, or in `relay` mode just pass on. Dialects plug peers in at both ends; it knows neither signalling nor werift.
 */
import type { Clock, Timer } from "../clock.ts";
import type { OutgoingItem, PictureEffect, PictureItem } from "../faults/fault.ts";
import type { Look } from "../transforms/look.ts";
import type { EditedPicture, LookStep } from "./codec-messages.ts";
import type { PictureCodec } from "./codec-name.ts";
import type { CodecPool, CodecSession } from "./codec-pool.ts";
import { type CodedPicture, createFrameAssembler, type MediaPacket } from "./frame-assembler.ts";
import { readTrailer, stripTrailer, writeTrailer } from "./packet-trailer.ts";
import { payloadFormats } from "./payloads/index.ts";

/** `transcode`: decode, edit, encode. `relay`: what comes in goes out. `none`: what comes in is thrown away. */
export const mediaModes = ["transcode", "relay", "none"] as const;
export type MediaMode = (typeof mediaModes)[number];

/** Where edited pictures go: the sender's own peer, and each viewer's. */
export type Output = {
  /** `payloads` of one picture (relayed: of one packet), the last with the marker, and what its colours mean, if `ends`. */
  sendVideo(payloads: readonly Buffer[], timestamp: number, ends: boolean, colorSpace: Buffer | null): void;
  sendAudio(payload: Buffer, timestamp: number, marker: boolean): void;
  /** Whether packet trailers are understood at the other end. Anybody else gets pictures without. */
  readonly takesTrailers?: boolean;
};

/** Where faults get at pictures and sound. Called only while it is not idle. */
export type PipelineGates = {
  readonly idle: boolean;
  /**
   * A picture is about to be decoded and edited (`transcode` only); what `next` gets says with what effect. `next` counts before this
   * returns and not afterwards: a decoder needs pictures in their order. Without it the picture is decoded all the same, and skipped. To
   * send late or twice is `outgoing`'s affair.
   */
  picture(item: PictureItem, next: (item: PictureItem) => void): void;
  /**
   * What leaves, before it is numbered: a transcoded picture, a relayed packet, a piece of sound. It leaves with each `next`, then, with the
   * timestamp that `next` gets; but after a picture that never did, or was overtaken, only from the next key picture on. A relayed packet of a key picture that overtook the picture's first is not known as such.
   */
  outgoing(item: OutgoingItem, next: (item: OutgoingItem) => void): void;
};

/** A piece of sound past the gates: `leaves` with the timestamp that it gets there, once, never, twice or later. */
export function passSound(
  gates: PipelineGates,
  payload: Buffer,
  timestamp: number,
  leaves: (timestamp: number) => void,
): void {
  if (gates.idle) return leaves(timestamp);
  gates.outgoing(
    {
      direction: "to-client",
      kind: "sound",
      stream: "sound",
      isKey: false,
      timestamp,
      byteLength: () => payload.length,
    },
    (item) => leaves(item.timestamp),
  );
}

export type PipelineOptions = {
  readonly mode: MediaMode;
  /** What comes in. */
  readonly codec: PictureCodec;
  /** What goes out: the same, unless pictures are transcoded. */
  readonly outputCodec: PictureCodec;
  readonly clock: Clock;
  readonly codecs: CodecPool;
  readonly look: Look;
  readonly strips: boolean;
  /** Whether pictures carry a pixel marker that is to be kept through editing. */
  readonly pixelMarker: boolean;
  readonly outputSize: { readonly width: number; readonly height: number } | null;
  /** Bits per second. The encoder starts at `start` and never leaves `min`..`max`. */
  readonly bitrate: { readonly start: number; readonly min: number; readonly max: number };
  /** How old a picture is when it leaves, at least; what production's model takes. Milliseconds. */
  readonly latencyMs: number;
  readonly gates?: PipelineGates;
};

export type PipelineEvents = {
  /** The first picture of this revision has left. */
  shown(revision: number, outputCount: number): void;
  /** A picture has left, relayed: its last packet; with it so many have. `picture`: where it was edited. */
  left?(count: number, picture: EditedPicture | null): void;
  /** Ask the sender for a key picture. */
  needsKey(why: string): void;
  /** Something a person who debugs wants to know; `fields` go to the journal. */
  noted(kind: string, fields: Record<string, unknown>): void;
  failed(error: string): void;
};

export type PipelineStats = {
  packetsIn: number;
  picturesIn: number;
  picturesOut: number;
  bytesOut: number;
  dropped: number;
  /** Of those dropped, the ones that a fault has left out before they were edited. */
  skipped: number;
  undecodable: number;
  keyRequestsIn: number;
  keyRequestsOut: number;
  /** CPU milliseconds in the codec worker, over all pictures out. */
  decodeMs: number;
  transformMs: number;
  encodeMs: number;
  width: number;
  height: number;
  bitsPerSecond: number;
  /** First packet in to last packet handed to the network, of the last pictures. Milliseconds. */
  residenceMs: number[];
};

export type Pipeline = {
  /** What goes out. */
  readonly codec: PictureCodec;
  /** `colorSpace` as the packet's header extension says it, if it does. */
  receiveVideo(packet: MediaPacket, colorSpace?: Buffer | null): void;
  receiveAudio(payload: Buffer, timestamp: number, marker: boolean): void;
  /**
   * From the next picture on, prompt and image of a step together, one step after the other, the last for good. What is left of a sequence
   * before is not shown any more. None: nothing changes. A pipeline that is opened later begins with the look it is given.
   */
  show(steps: readonly LookStep[]): void;
  /** Adds a viewer, which gets a key picture first; call the result to remove it. */
  add(output: Output): () => void;
  /** A viewer cannot decode and asks for a key picture. */
  requestKey(): void;
  /** What a viewer thinks the network holds. */
  estimate(bitsPerSecond: number): void;
  readonly stats: Readonly<PipelineStats>;
  close(): void;
};

/** At most so often is a key picture made or asked for: a client in trouble asks many times a second. */
const keyIntervalMs = 300;
/** Pictures in the worker at once. Beyond it even decoding does not keep up, and a key picture is a better place to go on. */
const inFlightMax = 30;
/** The encoder's rate is looked at this often; VP8 pays for each change with a key picture. */
const rateIntervalMs = 2000;
const residenceCountMax = 3000;
/** A trailer comes on top: with all headers, such a packet still fits 1280 bytes, which every IPv6 link carries. */
const payloadSizeMax = 1180;

export function createPipeline(options: PipelineOptions, on: PipelineEvents): Pipeline {
  const { mode, clock, codec, outputCodec, gates } = options;
  const format = payloadFormats[codec]();
  const outputFormat = payloadFormats[outputCodec]();
  const outputs = new Set<Output>();
  const timers = new Set<Timer>();
  const stats: PipelineStats = {
    packetsIn: 0,
    picturesIn: 0,
    picturesOut: 0,
    bytesOut: 0,
    dropped: 0,
    skipped: 0,
    undecodable: 0,
    keyRequestsIn: 0,
    keyRequestsOut: 0,
    decodeMs: 0,
    transformMs: 0,
    encodeMs: 0,
    width: 0,
    height: 0,
    bitsPerSecond: clamp(options.bitrate.start),
    residenceMs: [],
  };
  let closed = false;
  let shownRevision = -1;
  let inFlight = 0;
  /** A picture was left out that those up to the next key picture are made from. */
  let lacksReference = false;
  /** What the sender said last; editing leaves it as it is, and so do we. */
  let colorSpace: Buffer | null = null;
  let saidTimestamp: number | null = null;
  let keyTimestamp: number | null = null;
  /** Of what gates were offered, by number: the last, the last that is no key picture's, the last that left. */
  const numbers = { offered: 0, delta: 0, left: 0 };
  /** Gates left out what the next pictures need. */
  let leavesOut = false;
  /** Pictures that are done and wait to be old enough. */
  let aging = 0;
  let rateSinceMs = clock.now();
  let bytesAtRate = 0;
  let session: CodecSession | null = mode === "transcode" ? openCodec() : null;

  const askSender = limited(() => {
    stats.keyRequestsOut++;
    on.needsKey("a viewer or the decoder cannot go on without one");
  });
  const forceKey = limited(() => session?.forceKey());
  const makeKey = mode === "transcode" ? forceKey : askSender;

  const assembler = createFrameAssembler(format, {
    picture(picture) {
      stats.picturesIn++;
      // What was made from a picture that is left out would be decoded to a ghost of it.
      if (picture.key) lacksReference = false;
      lacksReference ||= inFlight >= inFlightMax;
      if (lacksReference) {
        stats.dropped++;
        askSender();
        return;
      }
      inFlight++;
      const effect = !gates || gates.idle ? null : effectOn(picture, gates);
      const trailer = readTrailer(picture.data);
      // Whoever sends it, and whatever they announced: to a decoder it is damage.
      const data = trailer ? stripTrailer(picture.data, trailer) : picture.data;
      session?.decode(data, picture.timestamp, picture.receivedMs, trailer?.userTimestamp, effect);
    },
    needsKey(why) {
      on.noted("waiting-for-key", { why });
      askSender();
    },
  });

  /** What the gates want to become of a picture. */
  function effectOn({ data }: CodedPicture, from: PipelineGates): PictureEffect {
    let effect: PictureEffect = { skip: true };
    const item: PictureItem = {
      direction: "to-client",
      kind: "picture",
      endsFrame: true,
      effect: {},
      byteLength: () => data.length,
    };
    from.picture(item, (passed) => {
      effect = passed.effect;
    });
    return effect;
  }

  function openCodec(): CodecSession {
    const { strips, pixelMarker, outputSize } = options;
    const settings = {
      codec,
      outputCodec,
      bitsPerSecond: stats.bitsPerSecond,
      strips,
      pixelMarker,
      outputSize,
    };
    return options.codecs.open(settings, options.look, {
      picture(picture) {
        inFlight--;
        const waitMs = options.latencyMs - (clock.now() - picture.receivedMs);
        if (waitMs <= 0 && aging === 0) return deliver(picture);
        aging++;
        later(Math.max(0, waitMs), () => {
          aging--;
          deliver(picture);
        });
      },
      dropped(_timestamp, skipped) {
        inFlight--;
        stats.dropped++;
        if (skipped) stats.skipped++;
      },
      undecodable(timestamp, why) {
        inFlight--;
        stats.undecodable++;
        on.noted("undecodable-picture", { timestamp, ...(why && { why }) });
        askSender();
      },
      failed(error) {
        session = null;
        on.failed(error);
      },
    });
  }

  function deliver(picture: EditedPicture): void {
    if (closed) return;
    const { key: isKey, timestamp } = picture;
    if (passesGates()) return leave(picture, timestamp);
    offer(
      {
        direction: "to-client",
        kind: "encoded",
        endsFrame: true,
        isKey,
        timestamp,
        byteLength: () => picture.data.length,
      },
      isKey,
      (item) => leave(picture, item.timestamp),
    );
  }

  /** Whether it may leave unasked: nothing is spoilt, nor was anything that what comes now depends on. */
  function passesGates(): boolean {
    return !gates || (gates.idle && numbers.left === numbers.offered && !leavesOut);
  }

  function offer(item: OutgoingItem, startsKey: boolean, leaves: (item: OutgoingItem) => void): void {
    const number = ++numbers.offered;
    const { delta } = numbers;
    if (!item.isKey) numbers.delta = number;
    const pass = (passed: OutgoingItem) => {
      if (closed) return;
      if (canFollow(number, delta, startsKey)) leaves(passed);
      else if (item.endsFrame) stats.dropped++;
    };
    if (gates!.idle) pass(item);
    else gates!.outgoing(item, pass);
  }

  /**
   * Whether it leaves, now that a gate lets it. A picture without the one before it would be a smear, and no number tells the client that
   * something is missing: as behind a track that was muted in an SFU, nothing leaves until a key picture does. Where nothing but key pictures
   * was left out, to see what becomes of the rest is the point; then one is asked for, as it would be where they were lost.
   */
  function canFollow(number: number, delta: number, startsKey: boolean): boolean {
    const isGap = number > numbers.left + 1;
    const lacksDelta = delta > numbers.left;
    numbers.left = Math.max(numbers.left, number);
    if (startsKey) leavesOut = false;
    else if (lacksDelta && !leavesOut) {
      leavesOut = true;
      on.noted("waiting-for-key", { why: "faults left out what comes before" });
    }
    if (!startsKey && (isGap || leavesOut)) makeKey();
    return !leavesOut;
  }

  /** Packs it only now: a picture that never leaves has no picture id, either. */
  function leave(picture: EditedPicture, timestamp: number): void {
    if (closed) return;
    if (picture.width !== stats.width || picture.height !== stats.height) {
      on.noted("picture-size", { width: picture.width, height: picture.height });
    }
    stats.width = picture.width;
    stats.height = picture.height;
    stats.decodeMs += picture.cost.decodeMs;
    stats.transformMs += picture.cost.transformMs;
    stats.encodeMs += picture.cost.encodeMs;
    const payloads = outputFormat.pack(picture.data, picture.key, payloadSizeMax);
    send(payloads, withTrailer(payloads, picture.userTimestamp), timestamp, true);
    noteResidence(picture.receivedMs);
    if (picture.revision > shownRevision) {
      shownRevision = picture.revision;
      on.shown(picture.revision, picture.outputCount);
    }
    on.left?.(stats.picturesOut, picture);
  }

  function relay(packet: MediaPacket): void {
    const { timestamp, marker: endsFrame } = packet;
    if (passesGates()) return passOn(packet, timestamp);
    offer(
      {
        direction: "to-client",
        kind: "encoded",
        endsFrame,
        isKey: timestamp === keyTimestamp,
        timestamp,
        byteLength: () => packet.payload.length,
      },
      format.startsKeyPicture(packet.payload),
      (item) => passOn(packet, item.timestamp),
    );
  }

  function passOn(packet: MediaPacket, timestamp: number): void {
    if (closed) return;
    send([withoutTrailer(packet)], [packet.payload as Buffer], timestamp, packet.marker);
    if (!packet.marker) return;
    noteResidence(packet.receivedMs);
    on.left?.(stats.picturesOut, null);
  }

  function sendSound(payload: Buffer, timestamp: number, marker: boolean): void {
    for (const output of outputs) output.sendAudio(payload, timestamp, marker);
  }

  function noteResidence(receivedMs: number): void {
    stats.residenceMs.push(clock.now() - receivedMs);
    if (stats.residenceMs.length > residenceCountMax) stats.residenceMs.shift();
  }

  /**
   * The payloads of a picture that ends in a trailer: the same but for the last, whatever the codec, for an encoder's picture ends
   * in a slice. Packing it anew would cost more and count the picture twice (picture ids).
   */
  function withTrailer(payloads: readonly Buffer[], userTimestamp: bigint | null): readonly Buffer[] {
    if (userTimestamp === null) return payloads;
    return [...payloads.slice(0, -1), Buffer.concat([payloads.at(-1)!, writeTrailer(userTimestamp)])];
  }

  /**
   * A relayed packet for those who take no trailers. One that begins in the packet before stays, or else every packet would have to
   * wait for the next: a decoder then sees up to 15 bytes too many. Chromium cuts pictures into equal pieces and never does this.
   */
  function withoutTrailer({ payload }: MediaPacket): Buffer {
    // Not the last packet only: each spatial layer of VP9 ends in one.
    const trailer = readTrailer(payload);
    return ((trailer && format.cutTail(payload, trailer.byteLength)) ?? payload) as Buffer;
  }

  function send(
    plain: readonly Buffer[],
    trailed: readonly Buffer[],
    timestamp: number,
    ends: boolean,
  ): void {
    if (ends) stats.picturesOut++;
    for (const payload of plain) stats.bytesOut += payload.length;
    for (const output of outputs) {
      output.sendVideo(output.takesTrailers ? trailed : plain, timestamp, ends, ends ? colorSpace : null);
    }
  }

  /**
   * Said on the last packet of a key picture, or of the lowest of its layers (VP9 with several), and of another picture only where it
   * changes. A key picture that says none takes it back.
   */
  function noteColorSpace({ payload, timestamp, marker }: MediaPacket, said: Buffer | null): void {
    if (payload.length === 0) return;
    if (format.startsKeyPicture(payload)) keyTimestamp = timestamp;
    if (said) {
      colorSpace = said;
      saidTimestamp = timestamp;
    } else if (marker && timestamp === keyTimestamp && timestamp !== saidTimestamp) {
      colorSpace = null;
    }
  }

  /** Runs at most once in `keyIntervalMs`; a call that comes too soon runs when the time is up, however many there were. */
  function limited(run: () => void): () => void {
    let lastMs = Number.NEGATIVE_INFINITY;
    let waiting = false;
    return () => {
      if (closed || waiting) return;
      const waitMs = lastMs + keyIntervalMs - clock.now();
      if (waitMs <= 0) {
        lastMs = clock.now();
        return run();
      }
      waiting = true;
      later(waitMs, () => {
        waiting = false;
        lastMs = clock.now();
        run();
      });
    };
  }

  /** A timer that is gone when the pipeline is. */
  function later(delayMs: number, run: () => void): void {
    const timer = clock.after(delayMs, () => {
      timers.delete(timer);
      run();
    });
    timers.add(timer);
  }

  function requestKey(): void {
    stats.keyRequestsIn++;
    if (mode === "transcode") forceKey();
    else askSender();
  }

  function clamp(bitsPerSecond: number): number {
    return Math.round(Math.min(options.bitrate.max, Math.max(options.bitrate.min, bitsPerSecond)));
  }

  return {
    codec: outputCodec,
    stats,
    receiveVideo(packet, said = null) {
      if (closed) return;
      stats.packetsIn++;
      noteColorSpace(packet, said);
      if (mode === "transcode") {
        assembler.push(packet);
        if (assembler.waitsForKey) askSender();
      } else if (mode === "relay" && packet.payload.length > 0) {
        relay(packet);
      }
    },
    receiveAudio(payload, timestamp, marker) {
      if (closed || mode === "none") return;
      const leaves = (at: number) => sendSound(payload, at, marker);
      if (gates) passSound(gates, payload, timestamp, leaves);
      else leaves(timestamp);
    },
    show: (steps) => session?.show(steps),
    add(output) {
      outputs.add(output);
      requestKey();
      return () => {
        outputs.delete(output);
      };
    },
    requestKey,
    estimate(bitsPerSecond) {
      const elapsedMs = clock.now() - rateSinceMs;
      if (mode !== "transcode" || elapsedMs < rateIntervalMs) return;
      const sent = ((stats.bytesOut - bytesAtRate) * 8000) / elapsedMs;
      rateSinceMs = clock.now();
      bytesAtRate = stats.bytesOut;
      // An estimate cannot exceed what is sent by much: only one below that says that the network is full. A tenth is left
      // for audio, headers and retransmissions.
      const target = clamp(bitsPerSecond * 0.9);
      const congested = bitsPerSecond < sent;
      const recovered = target > stats.bitsPerSecond * 1.5;
      if (!congested && !recovered) return;
      stats.bitsPerSecond = target;
      session?.setBitrate(target);
      on.noted("bitrate", { kilobitsPerSecond: Math.round(target / 1000) });
    },
    close() {
      if (closed) return;
      closed = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
      outputs.clear();
      session?.close();
    },
  };
}

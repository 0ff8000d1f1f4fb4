/**
 * A worker thread that decodes, edits and encodes for one or more sessions. It takes everything that waits in its port at
 * once: every picture is decoded (later ones need it), the newest of each session that is not to be skipped is edited and sent, the
 * others are left out. That is the queue of depth one that drops the oldest.
 */
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { below, chroma, cloneFrame, type Frame } from "../../fixtures/frame.ts";
import { pixelMarkerFits, readPixelMarker, writePixelMarker } from "../../fixtures/pixel-marker.ts";
import {
  type Cell,
  type InputStrip,
  readInputStrip,
  stripsFit,
  stripsHeight,
  writeInputStrip,
  writeOutputStrip,
  writeUnreadableInputStrip,
} from "../../fixtures/strips.ts";
import type { Look } from "../transforms/look.ts";
import { plan, render } from "../transforms/plan.ts";
import type { Transform } from "../transforms/transform.ts";
import {
  type Colors,
  createDecoder,
  createEncoder,
  type Decoder,
  type Encoder,
  type PaddedFrame,
} from "./codec.ts";
import type { FromWorker, LookStep, PipelineSettings, ToWorker } from "./codec-messages.ts";
import { createI420Decoder, createI420Encoder } from "./i420.ts";

const port = parentPort!;

type Pipeline = {
  readonly settings: PipelineSettings;
  readonly decoder: Decoder;
  encoder: Encoder | null;
  bitsPerSecond: number;
  look: Look;
  /** What the look does to a picture; worked out once, not for each. */
  transforms: readonly Transform[];
  /** For so many pictures, if another look comes after it. */
  lookFrames: number;
  laterLooks: readonly LookStep[];
  forceKey: boolean;
  outputCount: number;
  /** The encoder holds its samples: it may be sent again. */
  sent: Sent | null;
};

/** What the picture sent last is, beside its samples. */
type Sent = {
  readonly look: Look;
  readonly outputCount: number;
  readonly input: (InputStrip & { cell: Cell }) | null;
  /** Whether it takes strips, where they fit. */
  readonly strips: boolean;
  readonly marker: number | null;
  readonly userTimestamp: bigint | null;
};

type Size = { readonly width: number; readonly height: number };

/**
 * The largest picture that is edited, and its longest side, either way up. A header can claim 16383×16383 in 10 bytes; one of
 * 8192×8192 keeps the worker, which others share, busy for 4 s (measured).
 */
const sizeMax = { width: 4096, height: 2304 };
/** Encoders of all three codecs take pictures from here on. */
const sideMin = 16;

const pipelines = new Map<number, Pipeline>();

port.on("message", (first: ToWorker) => {
  const batch = [first];
  for (let waiting = receiveMessageOnPort(port); waiting; waiting = receiveMessageOnPort(port)) {
    batch.push(waiting.message);
  }
  const newest = new Map<number, ToWorker>();
  for (const message of batch) {
    if (message.type === "picture" && !message.effect?.skip) newest.set(message.id, message);
  }
  for (const message of batch) {
    try {
      handle(message, message.type === "picture" && newest.get(message.id) === message);
    } catch (error) {
      if (message.type === "stop") throw error;
      close(message.id);
      send({ type: "failed", id: message.id, error: (error as Error).message });
    }
  }
});

function handle(message: ToWorker, isNewest: boolean): void {
  if (message.type === "stop") {
    for (const id of [...pipelines.keys()]) close(id);
    // With the port closed there is nothing left to wait for, and the thread ends by itself.
    port.close();
    return;
  }
  if (message.type === "open") {
    const { settings, look } = message;
    pipelines.set(message.id, {
      settings,
      decoder: settings.codec === "i420" ? createI420Decoder() : createDecoder(settings.codec),
      encoder: null,
      bitsPerSecond: settings.bitsPerSecond,
      look,
      transforms: plan(look),
      lookFrames: 0,
      laterLooks: [],
      forceKey: false,
      outputCount: 0,
      sent: null,
    });
    return;
  }
  const pipeline = pipelines.get(message.id);
  if (!pipeline) return;
  switch (message.type) {
    case "look":
      return show(pipeline, message.steps);
    case "key":
      pipeline.forceKey = true;
      return;
    case "bitrate":
      pipeline.bitsPerSecond = message.bitsPerSecond;
      pipeline.encoder?.setBitrate(message.bitsPerSecond);
      return;
    case "close":
      return close(message.id);
    case "picture":
      return edit(pipeline, message, isNewest);
  }
}

/** Goes on to the first of these that is to be seen at all. */
function show(pipeline: Pipeline, steps: readonly LookStep[]): void {
  const at = steps.findIndex(({ frames }, index) => frames > 0 || index === steps.length - 1);
  const { look, frames } = steps[at]!;
  pipeline.look = look;
  pipeline.transforms = plan(look);
  pipeline.lookFrames = frames;
  pipeline.laterLooks = steps.slice(at + 1);
}

function edit(pipeline: Pipeline, message: ToWorker & { type: "picture" }, isNewest: boolean): void {
  const { id, timestamp, receivedMs, userTimestamp, effect } = message;
  const frozen = effect?.freeze ? pipeline.sent : null;
  const startedMs = cpuMs();
  let decodedMs = startedMs;
  let encoder: Encoder | undefined;
  let why: string | undefined;
  let marker: number | null = null;
  const decoded = pipeline.decoder.decode(message.data, (picture) => {
    decodedMs = cpuMs();
    why = sizeRefusal(picture);
    if (why || !isNewest) return;
    if (frozen) {
      encoder = encoderHolding(pipeline, frozen, effect?.size, picture.colors);
      return;
    }
    encoder = encoderFor(pipeline, effect?.size ?? pipeline.settings.outputSize ?? picture);
    encoder.take(picture);
    // Not off what was taken: scaled to another shape, its blocks are no squares any more.
    if (pipeline.settings.pixelMarker) marker = readMarker(picture);
  });
  if (!decoded || why) return send({ type: "undecodable", id, timestamp, why });
  if (!encoder) return send({ type: "dropped", id, timestamp, skipped: effect?.skip ?? false });

  const sent = frozen ?? editFrame(pipeline, encoder.frame, marker, userTimestamp, effect?.black ?? false);
  pipeline.sent = sent;
  const renderedMs = cpuMs();
  const { data, key } = encoder.encode(pipeline.forceKey);
  const encodedMs = cpuMs();
  pipeline.forceKey = false;
  const { width, height } = encoder.frame;
  const cost = {
    decodeMs: decodedMs - startedMs,
    transformMs: renderedMs - decodedMs,
    encodeMs: encodedMs - renderedMs,
  };
  const picture = {
    data,
    key,
    width,
    height,
    timestamp,
    receivedMs,
    userTimestamp: sent.userTimestamp,
    revision: sent.look.revision,
    promptHash: sent.look.promptHash,
    imageHash: sent.look.imageHash,
    outputCount: sent.outputCount,
    input: sent.input,
    cost,
  };
  port.postMessage({ type: "picture", id, picture } satisfies FromWorker, [data.buffer]);
  if (!frozen && pipeline.laterLooks.length > 0 && --pipeline.lookFrames <= 0) {
    show(pipeline, pipeline.laterLooks);
  }
}

/** Edits the picture below the strips, and signs it. */
function editFrame(
  pipeline: Pipeline,
  frame: Frame,
  marker: number | null,
  userTimestamp: bigint | null,
  black: boolean,
): Sent {
  const { look, transforms, settings } = pipeline;
  const input = readInputStrip(frame);
  const covered = transforms.some(({ coversStrips }) => coversStrips);
  const strips = settings.strips && !covered;
  const picture =
    strips && hasRoomForStrips(frame, input?.cell)
      ? below(frame, stripsHeight(frame.width, input?.cell))
      : frame;
  if (black) blacken(picture);
  else render(picture, look, transforms);
  const sent = {
    ...{ look, outputCount: pipeline.outputCount++, input, strips, userTimestamp },
    marker: covered ? null : marker,
  };
  sign(frame, sent);
  return sent;
}

function blacken({ y, u, v }: Frame): void {
  y.fill(16);
  u.fill(128);
  v.fill(128);
}

/** Writes what a picture says of itself: both strips, and the sender's pixel marker. */
function sign(frame: Frame, { look, outputCount, input, strips, marker }: Sent): void {
  const cell = input?.cell;
  if (strips && hasRoomForStrips(frame, cell)) {
    if (input) writeInputStrip(frame, input, cell);
    else writeUnreadableInputStrip(frame);
    const { revision, promptHash, imageHash } = look;
    writeOutputStrip(
      frame,
      { revision: revision & 0xfff, promptHash, imageHash, outputCount: outputCount & 0xfff },
      cell,
    );
  }
  if (marker !== null && pixelMarkerFits(frame.width, frame.height)) writePixelMarker(frame, marker);
}

/** A picture that strips would fill wholly gets none. */
function hasRoomForStrips({ width, height }: Frame, cell?: Cell): boolean {
  return stripsFit(width, height, cell) && height > stripsHeight(width, cell);
}

function readMarker({ width, height, planes, strides }: PaddedFrame): number | null {
  return readPixelMarker({ width, height, y: planes[0]! }, strides[0]);
}

/** Why a picture of this size is not edited, if it is not. */
function sizeRefusal({ width, height }: Size): string | undefined {
  const picture = `a picture of ${width}×${height}`;
  if (width * height > sizeMax.width * sizeMax.height || Math.max(width, height) > sizeMax.width) {
    return `${picture} is larger than ${sizeMax.width}×${sizeMax.height}`;
  }
  return Math.min(width, height) < sideMin ? `${picture} is smaller than ${sideMin}×${sideMin}` : undefined;
}

/** The session's encoder with the picture sent last in it, brought to this size if there is one. `colors`: what its samples mean. */
function encoderHolding(pipeline: Pipeline, sent: Sent, size: Size | undefined, colors: Colors): Encoder {
  const before = pipeline.encoder!;
  if (!size || (size.width === before.frame.width && size.height === before.frame.height)) return before;
  const { width, height, y, u, v } = cloneFrame(before.frame);
  const strides = [width, chroma(width), chroma(width)];
  const encoder = encoderFor(pipeline, size);
  encoder.take({ width, height, planes: [y, u, v], strides, colors, native: null });
  sign(encoder.frame, sent);
  return encoder;
}

/** The session's encoder at this size; where it changes, there is a new one. */
function encoderFor(pipeline: Pipeline, { width, height }: Size): Encoder {
  const { encoder } = pipeline;
  if (encoder && encoder.frame.width === width && encoder.frame.height === height) return encoder;
  // Of what comes in and of our options none is left that is no good.
  const why = sizeRefusal({ width, height });
  if (why) throw new Error(`A fault asks for pictures of a size that is not encoded: ${why}.`);
  encoder?.close();
  const { outputCodec } = pipeline.settings;
  pipeline.encoder =
    outputCodec === "i420"
      ? createI420Encoder(width, height)
      : createEncoder(outputCodec, width, height, pipeline.bitsPerSecond);
  return pipeline.encoder;
}

function close(id: number): void {
  const pipeline = pipelines.get(id);
  pipelines.delete(id);
  pipeline?.decoder.close();
  pipeline?.encoder?.close();
}

function send(message: FromWorker): void {
  port.postMessage(message);
}

/** CPU time of this thread; where the runtime cannot tell (Node before 23.9), time on the wall. */
function cpuMs(): number {
  if (!process.threadCpuUsage) return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

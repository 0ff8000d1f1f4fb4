/**
 * A worker thread that decodes, edits and encodes for one or more sessions. It takes everything that waits in its port at
 * once: every picture is decoded (later ones need it), the newest of each session is edited and sent, the others are left
 * out. That is the queue of depth one that drops the oldest.
 */
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { below, type Frame } from "../../fixtures/frame.ts";
import { pixelMarkerFits, readPixelMarker, writePixelMarker } from "../../fixtures/pixel-marker.ts";
import {
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
import { createDecoder, createEncoder, type Decoder, type Encoder, type PaddedFrame } from "./codec.ts";
import type { FromWorker, PipelineSettings, ToWorker } from "./codec-messages.ts";
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
  forceKey: boolean;
  outputCount: number;
};

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
  for (const message of batch) if (message.type === "picture") newest.set(message.id, message);
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
      forceKey: false,
      outputCount: 0,
    });
    return;
  }
  const pipeline = pipelines.get(message.id);
  if (!pipeline) return;
  switch (message.type) {
    case "look":
      pipeline.look = message.look;
      pipeline.transforms = plan(message.look);
      return;
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

function edit(pipeline: Pipeline, message: ToWorker & { type: "picture" }, isNewest: boolean): void {
  const { id, timestamp, receivedMs, userTimestamp } = message;
  const startedMs = cpuMs();
  let decodedMs = startedMs;
  let encoder: Encoder | undefined;
  let why: string | undefined;
  let marker: number | null = null;
  const decoded = pipeline.decoder.decode(message.data, (picture) => {
    decodedMs = cpuMs();
    why = sizeRefusal(picture);
    if (why || !isNewest) return;
    encoder = encoderFor(pipeline, picture);
    encoder.take(picture);
    // Not off what was taken: scaled to another shape, its blocks are no squares any more.
    if (pipeline.settings.pixelMarker) marker = readMarker(picture);
  });
  if (!decoded || why) return send({ type: "undecodable", id, timestamp, why });
  if (!encoder) return send({ type: "dropped", id, timestamp });

  const input = editFrame(pipeline, encoder.frame);
  if (marker !== null && pixelMarkerFits(encoder.frame.width, encoder.frame.height)) {
    writePixelMarker(encoder.frame, marker);
  }
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
  const outputCount = pipeline.outputCount++;
  const picture = {
    data,
    key,
    width,
    height,
    timestamp,
    receivedMs,
    userTimestamp,
    revision: pipeline.look.revision,
    outputCount,
    input,
    cost,
  };
  port.postMessage({ type: "picture", id, picture } satisfies FromWorker, [data.buffer]);
}

/** Edits the picture below the strips and writes both strips; returns what the input strip said. */
function editFrame({ look, transforms, settings, outputCount }: Pipeline, frame: Frame) {
  const input = readInputStrip(frame);
  if (!settings.strips || !stripsFit(frame.width, frame.height, input?.cell)) {
    render(frame, look, transforms);
    return input;
  }
  const cell = input?.cell;
  render(below(frame, stripsHeight(frame.width, cell)), look, transforms);
  if (input) writeInputStrip(frame, input, cell);
  else writeUnreadableInputStrip(frame);
  const { revision, promptHash, imageHash } = look;
  writeOutputStrip(
    frame,
    { revision: revision & 0xfff, promptHash, imageHash, outputCount: outputCount & 0xfff },
    cell,
  );
  return input;
}

function readMarker({ width, height, planes, strides }: PaddedFrame): number | null {
  return readPixelMarker({ width, height, y: planes[0]! }, strides[0]);
}

/** Why a picture of this size is not edited, if it is not. */
function sizeRefusal({ width, height }: PaddedFrame): string | undefined {
  const picture = `a picture of ${width}×${height}`;
  if (width * height > sizeMax.width * sizeMax.height || Math.max(width, height) > sizeMax.width) {
    return `${picture} is larger than ${sizeMax.width}×${sizeMax.height}`;
  }
  return Math.min(width, height) < sideMin ? `${picture} is smaller than ${sideMin}×${sideMin}` : undefined;
}

/** The session's encoder at the size of this picture; a sender that changes its size gets a new one. */
function encoderFor(pipeline: Pipeline, picture: PaddedFrame): Encoder {
  const { width, height } = pipeline.settings.outputSize ?? picture;
  const { encoder } = pipeline;
  if (encoder && encoder.frame.width === width && encoder.frame.height === height) return encoder;
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

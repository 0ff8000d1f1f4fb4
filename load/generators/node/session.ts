/**
 * One session as an app has it, from its first connection to the end: the camera goes on whatever happens, a connection that is lost is
 * replaced, and what comes back is told. Which dialect it is, `connect` knows.
 */
import type { Clip } from "../../../fixtures/index.ts";
import { payloadFormats, writeTrailer } from "../../../mock-server/index.ts";
import {
  FILE_REF_PREFIX,
  isPermanent,
  retryPausesMs,
  type SetImageMessage,
} from "../../../protocol/index.ts";
import { type Clock, epochMs } from "../../clock.ts";
import type { LoadSession, Observer, SessionAbout } from "../../generator.ts";
import { type Camera, startCamera } from "./camera.ts";
import type { Connect, Connection } from "./connection.ts";
import { createMissingPackets } from "./missing-packets.ts";
import type { PictureReaders } from "./picture-readers.ts";
import { createScreen, type Screen } from "./screen.ts";
import { createSentPictures, type SentPictures } from "./sent-pictures.ts";
import { createStamps } from "./stamps.ts";

export type SessionOptions = {
  readonly about: SessionAbout;
  readonly observer: Observer;
  readonly clip: Clip;
  /** Of the clip's pictures; `null`: nobody looks into pictures. */
  readonly grids: readonly (readonly number[])[] | null;
  readonly clock: Clock;
  readonly connect: Connect;
  /** `null`: nobody looks into pictures. */
  readonly readers: PictureReaders | null;
  /** Aborted when the app leaves. */
  readonly app: AbortController;
  /** It is closed. */
  closed(): void;
};

/** A connection, and what goes over it. */
type Line = {
  readonly connection: Connection;
  readonly sent: SentPictures;
  readonly screen: Screen;
  readonly stoodMs: number;
};

/** Before attempts to connect again but the first, which is made at once. As every published SDK has it that connects again. */
const pausesMs = retryPausesMs("js", "0.1.20");
/** A connection that lasted shorter is no better than an attempt that failed: who began from the start after each would storm a server. */
const steadyMs = 10_000;
/** Of RTP, as the mock server's: with a trailer and all headers it fits 1280 bytes. */
const payloadBytesMax = 1180;

/** Makes one attempt to connect: that a server takes no more is what load is to find out. @throws Error with the server's own words, or a sentence */
export async function openSession(options: SessionOptions): Promise<LoadSession> {
  const { about, observer, clip, clock, app } = options;
  const format = payloadFormats[clip.codec]();
  const stamps = createStamps(epochMs(), clip.fps);
  /** What is not closed yet: a server that may be gone is waited for only when the app leaves. */
  const closings = new Set<Promise<void>>();
  /** Of connections that are gone. */
  const counted = { packetsReceived: 0, packetsLost: 0, keyRequests: 0 };
  let camera: Camera | null = null;
  let line: Line | null = null;
  let failedCount = 0;
  let climbing: Promise<void> = Promise.resolve();
  let wake = () => {};

  async function openLine(): Promise<Line> {
    let connection: Connection | null = null;
    const sent = createSentPictures((clip.frames.length * 1000) / clip.fps);
    const screen = createScreen({
      codec: clip.codec,
      reader: options.readers?.open(clip.codec) ?? null,
      sent,
      stamps,
      received: observer.received,
      needsKey: () => connection?.peer.requestKey(),
      missing: createMissingPackets({
        clock,
        roundTripMs: () => connection?.peer.roundTripMs() ?? null,
        ask: (sequenceNumbers) => connection?.peer.requestAgain(sequenceNumbers),
      }),
    });
    try {
      connection = await options.connect({
        session: about,
        clip,
        clock,
        signal: app.signal,
        packet: screen.take,
        keyRequested: () => camera?.requestKey(),
        lost: lose,
      });
      return { connection, sent, screen, stoodMs: clock.now() };
    } catch (error) {
      screen.close();
      throw error;
    }
  }

  function send({ connection, sent }: Line, frame: number, index: number, sentMs: number): void {
    const { data, key } = clip.frames[index]!;
    const payloads = format.pack(data, key, payloadBytesMax);
    if (connection.carriesTrailers) {
      payloads.push(Buffer.concat([payloads.pop()!, writeTrailer(stamps.of(frame))]));
    }
    sent.add(frame, index, sentMs);
    connection.peer.send(payloads, Math.round((frame * 90_000) / clip.fps) >>> 0);
  }

  function closeLine(closed: Line): Promise<void> {
    const closing = (async () => {
      const { connection, screen } = closed;
      screen.close();
      const stats = await connection.peer.stats();
      for (const name of Object.keys(counted) as (keyof typeof counted)[]) counted[name] += stats[name] ?? 0;
      await connection.close();
    })();
    closings.add(closing);
    return closing.finally(() => closings.delete(closing));
  }

  function lose(why: string, isFinal: boolean): void {
    const lost = line!;
    line = null;
    camera?.aim(null);
    void closeLine(lost);
    if (isFinal) return end(why);
    observer.lost(clock.now(), why);
    if (clock.now() - lost.stoodMs >= steadyMs) failedCount = 0;
    climbing = climb(why);
  }

  function end(why: string): void {
    camera?.close();
    observer.ended(clock.now(), why);
  }

  async function climb(why: string): Promise<void> {
    let last = why;
    while (!app.signal.aborted) {
      const pauseMs = failedCount === 0 ? 0 : pausesMs[failedCount - 1];
      if (pauseMs === undefined || isPermanent(last)) return end(last);
      if (pauseMs > 0) await rest(pauseMs);
      if (app.signal.aborted) return;
      failedCount++;
      try {
        const opened = await openLine();
        line = opened;
        observer.recovered(clock.now());
        camera?.aim((...picture) => send(opened, ...picture));
        return;
      } catch (error) {
        last = (error as Error).message;
      }
    }
  }

  /** Shorter where the app leaves meanwhile. */
  function rest(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(pauseMs, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  const calledMs = clock.now();
  const first = await openLine();
  const connected = { calledMs, connectedMs: clock.now() };
  line = first;
  camera = startCamera(
    { loopCount: clip.frames.length, fps: clip.fps, clock, grids: options.grids, sent: observer.sent },
    (...picture) => send(first, ...picture),
  );

  return {
    connected,
    get id() {
      return line?.connection.id ?? null;
    },
    async set(call) {
      const message = messageOf(call);
      if (!line) throw new Error("Nothing can be set: the connection is lost.");
      const calledMs = clock.now();
      return { calledMs, ackedMs: await line.connection.change(message) };
    },
    async stats() {
      const now = await line?.connection.peer.stats();
      return {
        roundTripMs: now?.roundTripMs ?? null,
        jitterMs: now?.jitterMs ?? null,
        packetsReceived: counted.packetsReceived + (now?.packetsReceived ?? 0),
        packetsLost: counted.packetsLost + (now?.packetsLost ?? 0),
        keyRequests: counted.keyRequests + (now?.keyRequests ?? 0),
      };
    },
    async close() {
      app.abort();
      camera?.close();
      wake();
      await climbing;
      if (line) void closeLine(line);
      line = null;
      await Promise.all(closings);
      options.closed();
    },
  };
}

/** As every published SDK says it: an image that is not named goes as one that is cleared. @throws Error */
function messageOf({ prompt, image }: Parameters<LoadSession["set"]>[0]): SetImageMessage {
  if (prompt === undefined && image === undefined) {
    throw new Error("Nothing to set: give `prompt`, `image` or both.");
  }
  return {
    type: "set_image",
    ...(image?.startsWith(FILE_REF_PREFIX) ? { image_ref: image } : { image_data: image ?? null }),
    ...(prompt !== undefined && { prompt }),
    enhance_prompt: true,
  };
}

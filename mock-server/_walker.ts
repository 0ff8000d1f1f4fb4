/**
 * Does the steps of a random walk to a running server, over real sockets, and says what is wrong afterwards. Expects of a step nothing but
 * that it ends; what must hold after any walk is in `inspect`.
 */
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { WebSocket } from "ws";
import { readClip } from "../fixtures/clips.ts";
import { nothingOpen } from "./_running-server.ts";
import type { SignalName, Step } from "./_walk-steps.ts";
import { type Clock, realClock } from "./clock.ts";
import { FaultError } from "./faults/declare.ts";
import { writeMockKey } from "./faults/mock-key.ts";
import type { Plan } from "./faults/plan.ts";
import type { JournalLine } from "./journal.ts";
import { type SignalMessage, signalQuery, TrackType, writeSignal } from "./livekit/_signal-client.ts";
import { payloadFormats } from "./media/payloads/index.ts";
import type { Pipeline } from "./media/pipeline.ts";
import type { MockServer } from "./server.ts";
import type { Session } from "./session.ts";

/** A step, or an answer, that takes longer hangs: each takes some milliseconds on a machine with nothing else to do. */
const patienceMsDefault = 5000;
/** Rounds of the event loop in which a message comes over loopback and is answered, and some more. */
const roundsPerStep = 6;
/** Longer than any fault holds anything, the longest timer of a fault's apart, and longer than a room waits for those who lost it. */
const quietMs = 60_000;
const quietStepsMax = 30;
/** In which a picture comes out of its codec on a machine with nothing else to do; where a fault keeps it, none does. */
const filmRoundsMax = 2000;

/** How long the walker's server lets those wait who join. */
export const queueMs = 100;

const clip = readClip("vp8-180p15");
const pack = payloadFormats.vp8();
const offer = readFileSync(`${import.meta.dirname}/media/offers/chromium-vp8.sdp`, "utf8");
const camera = "26b5ec4f-d064-4002-9559-8335f6d3d8bf";
const requests: Record<SignalName, SignalMessage> = {
  addTrack: { case: "addTrack", value: { cid: camera, type: TrackType.VIDEO } },
  mute: { case: "mute", value: { sid: "TR_000000000000", muted: true } },
  pingReq: { case: "pingReq", value: { timestamp: 1n } },
  leave: { case: "leave", value: {} },
  offer: { case: "offer", value: { type: "offer", sdp: offer, id: 1 } },
  trickle: { case: "trickle", value: { candidateInit: '{"candidate":"","sdpMid":"0"}' } },
  syncState: { case: "syncState", value: {} },
};

/** A socket that the walk has opened, and those to its room: the last is the one it speaks on. */
type Slot = {
  readonly socket: WebSocket;
  readonly waiting: (string | Buffer)[];
  readonly origin: string;
  readonly heard: Record<string, unknown>[];
  session: string | null;
  readonly rooms: WebSocket[];
};

export type Walker = {
  /** Has everything loaded that the server loads when it is first needed: a first walk would else go another way than the hundredth. */
  warmUp(): Promise<void>;
  /** Names of faults that were declared so far. */
  readonly declared: ReadonlySet<string>;
  /** What is wrong afterwards, a sentence each: nothing, if all is well. */
  walk(steps: readonly Step[]): Promise<string[]>;
  /** Stops listening. */
  end(): void;
};

export function createWalker(
  server: MockServer,
  clock: Clock = realClock(),
  patienceMs: number = patienceMsDefault,
): Walker {
  let openedCount = 0;
  let wrong: string[] = [];
  /** By their origin: sessions say who opened them. */
  let slots: Slot[] = [];
  let plans = new Set<Plan>();
  /** How much each has been given. */
  const cameras = new WeakMap<Pipeline, { pictures: number; packets: number; sounds: number }>();
  const declared = new Set<string>();

  const stop = server.journal.follow((line) => {
    const sentence = wrongIn(line);
    if (sentence) wrong.push(sentence);
    for (const name of declaredIn(line)) declared.add(name);
    if (line.kind !== "open" || line.session === null) return;
    const slot = slots.find(({ origin }) => origin === line.fields.origin);
    if (slot) slot.session = line.session;
  });
  const see = (error: unknown) => void wrong.push(`Nobody caught ${(error as Error)?.stack ?? error}`);
  process.on("unhandledRejection", see);
  process.on("uncaughtException", see);

  const slotOf = (who: number | null) => (who === null ? undefined : slots[who % slots.length]);
  const sessionOf = (slot: Slot | undefined) => server.sessions.find(({ id }) => id === slot?.session);

  function open(key: string, watches: string | null = null): Slot {
    const origin = `http://walk-${++openedCount}`;
    const path = watches === null ? "/v1/stream" : `/subscribe/${watches}`;
    const query = new URLSearchParams({ api_key: key, model: "lucy_2_rt" });
    const socket = connect(`${server.realtimeUrl}${path}?${query}`, origin);
    const slot: Slot = { socket, origin, waiting: [], heard: [], session: null, rooms: [] };
    slots.push(slot);
    socket.on("open", () => {
      for (const data of slot.waiting) socket.send(data);
    });
    socket.on("message", (data: Buffer) => {
      // It may be what a fault has made of it.
      const message = parsed(data.toString("utf8"));
      if (message) slot.heard.push(message);
    });
    return slot;
  }

  function say(slot: Slot | undefined, data: string | Buffer): void {
    if (slot?.socket.readyState === WebSocket.CONNECTING) slot.waiting.push(data);
    else if (slot?.socket.readyState === WebSocket.OPEN) slot.socket.send(data);
  }

  function enter(slot: Slot, path: "/rtc/v1" | "/rtc", resumes: boolean): void {
    const info = slot.heard.findLast(({ type }) => type === "livekit_room_info");
    if (typeof info?.token !== "string" || slot.rooms.at(-1)?.readyState === WebSocket.CONNECTING) return;
    const sid = resumes ? sidOf(slot) : undefined;
    const again =
      path === "/rtc"
        ? { query: { reconnect: "1", sid: sid! } }
        : { join: { reconnect: true, participantSid: sid! } };
    const query = signalQuery({ path, token: info.token, ...(sid !== undefined && again) });
    slot.rooms.push(connect(`${server.realtimeUrl}${path}?${query}`, slot.origin));
  }

  async function arrive(slot: Slot, { dialect, goes }: Step & { does: "open" }): Promise<void> {
    await rounds();
    if (goes === "in") return;
    say(slot, dialect === "livekit" ? '{"type":"livekit_join"}' : '{"type":"prompt","prompt":"P"}');
    await rounds();
    if (goes === "first-message") return;
    if (dialect === "livekit") {
      await server.clock.advance(queueMs);
      await rounds();
      enter(slot, "/rtc/v1", false);
      await rounds();
    }
    if (goes === "connected") mediaFlows(sessionOf(slot));
  }

  /** As the server told it; a fault may have kept it from the client. */
  function sidOf({ session }: Slot): string | undefined {
    const joined = server.journal.lines.findLast(
      (line) => line.kind === "livekit-join" && line.session === session,
    );
    return (joined?.fields.participant as { sid?: string } | undefined)?.sid;
  }

  async function request(path: string, key: string): Promise<void> {
    const paths: Record<string, [method: string, path: string, body?: BodyInit]> = {
      tokens: ["POST", "/v1/client/tokens", '{"expiresIn":60}'],
      files: ["POST", "/v1/files", fileForm()],
      "watch-stream": ["POST", `/watch-stream/${server.sessions[0]?.id ?? "none"}`],
      sessions: ["GET", "/_lucy/sessions"],
      reset: ["POST", "/_lucy/reset"],
    };
    const [method, where, body] = paths[path]!;
    const isJson = typeof body === "string" || path === "reset";
    const headers = { "x-api-key": key, ...(isJson && { "content-type": "application/json" }) };
    // What is held back waits for the clock; nobody waits for it here.
    void fetch(`${server.url}${where}`, { method, headers, body: body ?? null, signal: leaving.signal })
      .then((response) => response.arrayBuffer())
      .catch(() => {});
  }
  let leaving = new AbortController();

  async function take(step: Step): Promise<void> {
    const slot = "who" in step ? slotOf(step.who) : undefined;
    switch (step.does) {
      case "open": {
        const watched = slotOf(step.watches);
        const key = keyOf(step.faults);
        return arrive(open(key, step.watches === null ? null : (watched?.session ?? "none")), step);
      }
      case "say":
        return say(slot, step.text);
      case "say-bytes":
        return say(slot, Buffer.from(step.hex, "hex"));
      case "say-huge":
        return say(slot, JSON.stringify({ type: "prompt", prompt: "x".repeat(step.megabytes * 1e6) }));
      case "enter":
        return slot && enter(slot, step.path, step.resumes);
      case "signal":
      case "signal-bytes": {
        const bytes =
          step.does === "signal" ? writeSignal(requests[step.request]) : Buffer.from(step.hex, "hex");
        const room = slot?.rooms.at(-1);
        if (room?.readyState === WebSocket.OPEN) room.send(bytes);
        return;
      }
      case "connect":
        return mediaFlows(sessionOf(slot));
      case "disconnect":
        return sessionOf(slot)?.disconnected();
      case "film":
        return film(sessionOf(slot), step);
      case "declare": {
        const session = step.who === null ? undefined : sessionOf(slot)?.id;
        if (step.who !== null && session === undefined) return;
        if (step.over === "process") return declare(() => server.faults.add(step.faults, { session }));
        const body = JSON.stringify(step.faults);
        const query = session === undefined ? "" : `?session=${session}`;
        const headers = { "content-type": "application/json" };
        const answer = await fetch(`${server.url}/_lucy/faults${query}`, { method: "POST", headers, body });
        await answer.arrayBuffer();
        if (answer.status >= 500) wrong.push(`POST /_lucy/faults answers ${answer.status}.`);
        return;
      }
      case "heal":
        return server.faults.list[step.which % server.faults.list.length]?.heal();
      case "heal-all":
        return server.faults.healAll();
      case "advance":
        return server.clock.advance(step.ms);
      case "request":
        return request(step.path, keyOf(step.faults.length > 0 ? step.faults : null));
      case "end":
        return sessionOf(slot)?.end("disconnect", null);
      case "close":
        return slot?.socket.close(step.code);
      case "drop":
        return slot?.socket.terminate();
      case "stop-reading":
        if (slot?.socket.readyState === WebSocket.OPEN) slot.socket.pause();
        return;
      case "read-on":
        if (slot?.socket.readyState === WebSocket.OPEN) slot.socket.resume();
    }
  }

  async function film(
    session: Session | undefined,
    { pictures, sounds }: Step & { does: "film" },
  ): Promise<void> {
    if (!session || session.phase === "opened") return;
    const pipeline = session.pipeline ?? session.openMedia("vp8", null, { needsKey() {} });
    if (pipeline.codec !== "vp8") return;
    let camera = cameras.get(pipeline);
    if (!camera) {
      camera = { pictures: 0, packets: 0, sounds: 0 };
      cameras.set(pipeline, camera);
      pipeline.add({ sendVideo() {}, sendAudio() {} });
    }
    const before = session.frameCount;
    for (let n = 0; n < pictures; n++) {
      const { data, key } = clip.frames[camera.pictures % clip.frames.length]!;
      const timestamp = camera.pictures++ * 6000;
      const payloads = pack.pack(data, key, 1180);
      for (const [index, payload] of payloads.entries()) {
        const marker = index === payloads.length - 1;
        const sequenceNumber = camera.packets++ & 0xffff;
        pipeline.receiveVideo({ sequenceNumber, timestamp, marker, payload, receivedMs: clock.now() });
      }
    }
    for (let n = 0; n < sounds; n++)
      pipeline.receiveAudio(Buffer.from([0xfc, 1]), camera.sounds++ * 960, false);
    for (let n = 0; n < filmRoundsMax && pictures > 0 && session.frameCount === before; n++) await turn();
  }

  /** Whatever a walk has done, this holds. */
  async function inspect(): Promise<void> {
    server.faults.healAll();
    for (const plan of plans) for (const { id } of plan.faults) plan.heal(id);
    for (const { socket } of slots) if (socket.readyState === WebSocket.OPEN) socket.resume();
    await rounds();
    const still = slots.filter((slot) => slot.socket.readyState === WebSocket.OPEN && sessionOf(slot));
    const fresh = open("dct_probe");
    for (const slot of [...still, fresh]) await probe(slot, slot === fresh);
    leaving.abort();
    leaving = new AbortController();
    for (const { socket, rooms } of slots) for (const each of [socket, ...rooms]) each.terminate();
    await emptied();
  }

  /** One prompt, one ack: the server does not hang. Who was refused meanwhile gets none. */
  async function probe(slot: Slot, isFresh: boolean): Promise<void> {
    const prompt = `probe ${slot.origin}`;
    const mine = ({ type, prompt: said }: Record<string, unknown>) =>
      type === "prompt_ack" && said === prompt;
    say(slot, JSON.stringify({ type: "prompt", prompt }));
    const isGone = () =>
      slot.socket.readyState !== WebSocket.OPEN && slot.socket.readyState !== WebSocket.CONNECTING;
    const came = await within(() => slot.heard.some(mine) || (!isFresh && (isGone() || !sessionOf(slot))));
    const who = isFresh ? "A fresh session" : `Session ${slot.session}, which is still open,`;
    if (!came) return void wrong.push(`${who} gets no ack.`);
    await rounds();
    const count = slot.heard.filter(mine).length;
    if (count > 1) wrong.push(`${who} gets ${count} acks for one prompt.`);
  }

  /** Nothing may be left, once those who might come back no longer may. */
  async function emptied(): Promise<void> {
    const isEmpty = () =>
      server.faults.planCount === 0 && Object.values(server.open).every((count) => count === 0);
    await within(() => server.open.sockets === 0);
    for (let times = 0; times < quietStepsMax && !isEmpty(); times++) {
      await server.clock.advance(quietMs);
      await rounds();
    }
    if (await within(isEmpty)) return;
    const left = Object.entries(server.open).filter(
      ([name, count]) => count !== nothingOpen[name as keyof typeof nothingOpen],
    );
    const counts = [...left, ["plans", server.faults.planCount]].map(([name, count]) => `${count} ${name}`);
    wrong.push(`The clients are gone, and there are still ${counts.join(", ")}.`);
  }

  /** Whether it holds now or soon: asks once a round, as what it asks for tells nobody. */
  async function within(done: () => boolean): Promise<boolean> {
    const startMs = clock.now();
    while (!done()) {
      if (clock.now() - startMs > patienceMs) return false;
      await turn();
    }
    return true;
  }

  async function orHangs(what: string, work: Promise<void>): Promise<void> {
    let hung = () => {};
    const timer = clock.after(patienceMs, () => hung());
    await Promise.race([
      work,
      new Promise<void>((resolve) => {
        hung = () => {
          wrong.push(`${what} takes more than ${patienceMs} ms.`);
          resolve();
        };
      }),
    ]);
    timer.cancel();
  }

  function begin(): void {
    wrong = [];
    slots = [];
    plans = new Set();
  }

  return {
    declared,
    async warmUp() {
      begin();
      const [joined, offered] = [open("dct_walk"), open("dct_walk")];
      say(joined, '{"type":"livekit_join"}');
      say(offered, JSON.stringify({ type: "offer", sdp: offer }));
      await within(() => joined.heard.some(({ type }) => type === "queue_position"));
      await server.clock.advance(queueMs);
      await within(() => joined.heard.some(({ type }) => type === "livekit_room_info"));
      await within(() => offered.heard.some(({ type }) => type === "answer"));
      enter(joined, "/rtc/v1", false);
      await within(() => sidOf(joined) !== undefined);
      await fetch(`${server.url}/_lucy/health`).then((answer) => answer.text());
      await fetch(`${server.url}/v1/files`, { method: "POST", body: fileForm() }).then((answer) =>
        answer.text(),
      );
      await inspect();
    },
    async walk(steps) {
      begin();
      for (const step of steps) {
        await orHangs(JSON.stringify(step), take(step));
        await rounds();
        for (const { plan } of server.sessions) plans.add(plan);
      }
      await inspect();
      return wrong;
    },
    end() {
      stop();
      process.off("unhandledRejection", see);
      process.off("uncaughtException", see);
    },
  };
}

async function rounds(): Promise<void> {
  for (let i = 0; i < roundsPerStep; i++) await turn();
}

function mediaFlows(session: Session | undefined): void {
  session?.connected();
  session?.generate();
}

function connect(url: string, origin: string): WebSocket {
  const socket = new WebSocket(url, { origin, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
  // Refused, reset, or ended before it began: all of it may happen.
  socket.on("error", () => {});
  return socket;
}

/** One that is too long for a key counts for none. */
function keyOf(given: Parameters<typeof writeMockKey>[0] | null): string {
  if (given === null) return "dct_walk";
  try {
    return typeof given === "string" ? `mock:${given}` : writeMockKey(given);
  } catch (error) {
    if (error instanceof FaultError) return "dct_walk";
    throw error;
  }
}

function declare(add: () => unknown): void {
  try {
    add();
  } catch (error) {
    if (!(error instanceof FaultError) && !/as many as/.test((error as Error).message)) throw error;
  }
}

function declaredIn({ kind, fields }: JournalLine): string[] {
  if (kind === "fault-declared") return [String(fields.name)];
  return kind === "faults" ? (fields.declared as { name: string }[]).map(({ name }) => name) : [];
}

/** What a client did wrong it is told in an error of its own; one of JavaScript's is a defect, whoever catches it. */
function wrongIn({ kind, fields }: JournalLine): string | null {
  if (kind === "defect") return `A defect: ${fields.error}`;
  const isOurs =
    /^(Type|Reference|Range|Syntax)Error$/.test(String(fields.name)) ||
    /cannot become/.test(String(fields.error));
  return kind === "message-failed" && isOurs ? `A message failed of ${fields.name}: ${fields.error}` : null;
}

function fileForm(): FormData {
  const form = new FormData();
  form.append("file", new Blob([Buffer.from("89504e470d0a1a0a", "hex")], { type: "image/png" }), "a.png");
  return form;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

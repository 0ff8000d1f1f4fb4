import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { crc32c, RtpHeader } from "werift";
import { readClip } from "../fixtures/clips.ts";
import { type InvalidMessage, invalidMessages, messageText } from "../fixtures/signal-messages.ts";
import { parseClientMessage } from "../protocol/index.ts";
import { createMediaClient, type MediaClient } from "./_media-client.ts";
import { closeLater, emptied, runServer, until } from "./_running-server.ts";
import { openSocket, type SocketClient } from "./_socket-client.ts";
import { createDice, type Dice } from "./dice.ts";
import { openSignal } from "./livekit/_signal-client.ts";
import type { MockServer } from "./server.ts";

/** What would have ended the process. vitest fails the run for it too, but not the test. */
const fatal: unknown[] = [];
const see = (error: unknown) => void fatal.push(error);

beforeEach(() => {
  fatal.length = 0;
  process.on("uncaughtException", see);
  process.on("unhandledRejection", see);
});
afterEach(() => {
  process.off("uncaughtException", see);
  process.off("unhandledRejection", see);
  expect(fatal).toEqual([]);
});

/** Every worker that was started, oldest first. */
const workers = vi.hoisted(() => [] as Worker[]);
vi.mock(import("node:worker_threads"), async (original) => {
  const threads = await original();
  class KnownWorker extends threads.Worker {
    constructor(...about: ConstructorParameters<typeof Worker>) {
      super(...about);
      workers.push(this);
    }
  }
  return { ...threads, Worker: KnownWorker };
});

const clip = readClip("vp8-180p15");

type Witness = { control: SocketClient; media: MediaClient; ok(): Promise<void> };

/** A well-behaved session beside the hostile one: its acks and its pictures must go on. */
async function witness(server: MockServer): Promise<Witness> {
  const control = closeLater(await openSocket(server.realtimeUrl));
  const media = closeLater(createMediaClient(control, { codec: "vp8" }));
  await media.negotiate();
  await media.connected();
  await until(server, () => server.journal.lines.some(({ kind }) => kind === "peer-connected"));
  let index = 0;
  return {
    control,
    media,
    async ok() {
      const prompt = `still here ${index}`;
      control.send({ type: "prompt", prompt });
      expect((await control.take("prompt_ack")).prompt).toBe(prompt);
      const { data, key } = clip.frames[index]!;
      const count = media.pictures.length;
      media.sendPicture(data, key, index * 6000);
      const picture = await media.picture(({ input }) => input?.frameId === index, count);
      expect(picture.output?.revision).toBe(++index);
    },
  };
}

const attack = async (server: MockServer) => closeLater(await openSocket(server.realtimeUrl));

/** Resolves when the server has taken everything that was sent before. */
async function processed(client: SocketClient): Promise<void> {
  client.send({ type: "prompt", prompt: "the last" });
  while ((await client.take("prompt_ack")).prompt !== "the last");
}

describe("messages that are none", () => {
  /** Without what a dialect begins with: a join whose state is no good is a join. */
  const answers = ({ received }: SocketClient) =>
    received.filter(({ type }) => type !== "session_id" && type !== "livekit_room_info");
  const small = invalidMessages.filter(({ kind }) => kind !== "limit");
  /** An object of a type that we do not know: only the direct dialect answers, and these sockets have not begun with it. */
  const isUnknown = (message: InvalidMessage) => {
    const parsed = parseClientMessage(messageText(message));
    return !parsed.ok && (parsed.kind === "unknown-type" || parsed.kind === "no-type");
  };

  test.each(small)("$name: $why", async (message) => {
    const server = await runServer({ mode: "none" });
    const client = await attack(server);
    client.send(messageText(message));
    await processed(client);
    const [answer, ...rest] = answers(client);
    if (isUnknown(message)) {
      expect(rest).toEqual([]);
      expect(server.journal.lines.filter(({ kind }) => kind === "malformed")).toHaveLength(1);
      return;
    }
    expect(rest).toHaveLength(1);
    // A bad state message is owed its ack; all else gets an error.
    expect(["error", "prompt_ack", "set_image_ack"]).toContain(answer!.type);
    const { error } = answer as { error: string };
    expect(error).toMatch(/^["A-Z].{20,}[.?]$/s);
    expect(error.length).toBeLessThan(600);
    if ("success" in answer!) expect(answer.success).toBe(false);
    expect(server.sessions[0]!.state.revision).toBe(1);
  });

  test("all of them on one socket: one answer each, but for what a later client may say, and the next good one is acked", async () => {
    const server = await runServer({ mode: "none" });
    const client = await attack(server);
    for (const message of small) client.send(messageText(message));
    await processed(client);
    expect(answers(client)).toHaveLength(small.filter((message) => !isUnknown(message)).length + 1);
  });

  test.each([
    ["sdp-too-large", "error", "bytes; at most 262144 are read"],
    ["image-too-large", "set_image_ack", "characters of base64; at most 10485760 are taken"],
    ["message-too-large", "error", "is too large: at most 16777216 are read."],
  ] as const)("%s gets a clear %s", async (name, type, sentence) => {
    const server = await runServer();
    const client = await attack(server);
    client.send(messageText(invalidMessages.find((message) => message.name === name)!));
    expect((await client.take(type)).error).toContain(sentence);
    if (name === "message-too-large") expect((await client.closed).code).toBe(1009);
  });

  test("20 MB: a sentence, then close 1009", async () => {
    const server = await runServer();
    const client = await attack(server);
    client.send("x".repeat(20 * 1024 * 1024));
    expect((await client.take("error")).error).toContain("A message of 20971520 bytes is too large");
    expect((await client.closed).code).toBe(1009);
  });

  test("40 MB: close 1009 before it is read", async () => {
    const server = await runServer();
    const client = await attack(server);
    client.send("x".repeat(40 * 1024 * 1024));
    expect([1009, 1006]).toContain((await client.closed).code);
    await until(server, () => server.open.sockets === 0);
    expect(server.journal.lines.find(({ kind }) => kind === "socket-error")?.fields.error).toMatch(
      /payload/i,
    );
  });

  test("binary frames are answered, and do not end the session", async () => {
    const server = await runServer({ mode: "none" });
    const client = await attack(server);
    const dice = createDice("binary");
    client.send(Buffer.from(JSON.stringify({ type: "prompt", prompt: "a" })));
    for (let round = 0; round < 50; round++) client.send(randomBytes(dice, Math.floor(dice.next() * 2000)));
    await processed(client);
    const errors = client.received.filter(({ type }) => type === "error");
    expect(errors).toHaveLength(51);
    expect(new Set(errors.map((message) => "error" in message && message.error))).toEqual(
      new Set(["A binary frame is no message of this protocol. Send JSON text."]),
    );
    expect(server.sessions[0]!.state.revision).toBe(1);
  });

  test("a text frame that is not UTF-8 ends that socket with 1007", async () => {
    const server = await runServer({ mode: "none" });
    const client = await attack(server);
    client.socket.send(Buffer.from([0x7b, 0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });

  test.each([
    ["good prompts", { type: "prompt", prompt: "again" }],
    ["bad prompts", { type: "prompt", prompt: "" }],
    ["candidates", { type: "ice-candidate", candidate: null }],
    ["mirrors", { type: "switch_camera", rotateY: 2 }],
  ])("5000 %s at once: refused or worked off, never piled up", async (_name, message) => {
    const server = await runServer({ mode: "none" });
    const client = await attack(server);
    // One packet, so that they come in together: no server works them off between two.
    const stream = Reflect.get(client.socket, "_socket") as { cork(): void; uncork(): void };
    stream.cork();
    for (let count = 0; count < 5000; count++) client.send(message);
    stream.uncork();
    await Promise.race([client.closed, processed(client).catch(() => {})]);
    const acks = client.received.filter(({ type }) => type.endsWith("_ack")).length;
    if (client.socket.readyState === client.socket.OPEN) {
      expect(acks).toBe(message.type === "prompt" ? 5001 : 1);
    } else {
      const refusal = client.received.at(-1) as { error: string };
      expect(refusal.error).toMatch(/^More than \d+ (state )?messages (or \d+ MB of them )?wait/);
      expect((await client.closed).code).toBe(1008);
    }
  });
});

const notSdp = [
  "",
  "hello",
  "v=0",
  "v=0\r\n",
  '{"type":"offer"}',
  "m=video",
  "\u0000",
  "v=0\r\no=- 1 1 IN IP4 x\r\nm=",
  "é".repeat(1000),
];

describe("offers that are none", () => {
  test("garbage is answered with a sentence each, and the witness goes on", async () => {
    const server = await runServer();
    const { ok } = await witness(server);
    await ok();
    const client = await attack(server);
    for (const sdp of notSdp) {
      client.send({ type: "offer", sdp });
      expect((await client.take("error")).error).toMatch(/^The offer .*\.$/);
    }
    await processed(client);
    await ok();
  });

  test.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "mutations of a good offer, seed %i: each answered, with an answer or a sentence",
    { timeout: 60_000 },
    async (seed) => {
      const server = await runServer();
      const { ok, media } = await witness(server);
      await ok();
      const good = media.pc.localDescription!.sdp;
      const dice = createDice(`hostile offers/${seed}`);
      const client = await attack(server);
      let answered = 0;
      for (let round = 0; round < 12; round++) {
        client.send({ type: "offer", sdp: mutate(good, dice) });
        const reply = await client.take("answer", "error");
        if (reply.type === "error") expect(reply.error).toMatch(/^[A-Z].*[.?]$/s);
        else answered++;
      }
      await processed(client);
      await ok();
      expect(answered).toBeLessThanOrEqual(12);
      expect(server.journal.lines.filter(({ kind }) => kind === "defect")).toEqual([]);
    },
  );

  test("candidates that are none are answered or passed over", async () => {
    const server = await runServer();
    const { ok, control } = await witness(server);
    await ok();
    const dice = createDice("candidates");
    const good = "candidate:1 1 udp 2113937151 127.0.0.1 9 typ host generation 0 ufrag abcd";
    const bad = [
      "hello",
      "candidate:",
      "candidate:1",
      "candidate:1 1 udp",
      "candidate:1 1 udp -1 999.999.999.999 99999999 typ host",
      "candidate:1 1 udp 1 :: 0 typ host",
      "candidate:1 1 udp 1 no.such.host.invalid 9 typ host",
      "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
      "candidate:1 1 udp 1 127.0.0.1 9 typ relay raddr 0.0.0.0 rport 0",
      "x".repeat(100_000),
      ...Array.from({ length: 100 }, () => scramble(good, dice)),
    ];
    const places = [{ sdpMid: "0", sdpMLineIndex: 0 }, { sdpMid: "nowhere" }, { sdpMLineIndex: -7 }, {}];
    for (const candidate of bad) {
      for (const place of places) control.send({ type: "ice-candidate", candidate: { candidate, ...place } });
      // The same queue answers this one, so the candidates have been taken by then.
      control.send({ type: "answer", sdp: "" });
      for (;;) {
        const { error } = await control.take("error");
        expect(error).toMatch(/^\S.*/);
        if (error.includes("has no place in the direct dialect")) break;
      }
    }
    await ok();
  });
});

/** One to four changes to lines or characters. */
function mutate(sdp: string, dice: Dice): string {
  let lines = sdp.split("\r\n");
  for (let count = 1 + Math.floor(dice.next() * 4); count > 0; count--) {
    const at = Math.floor(dice.next() * lines.length);
    const line = lines[at] ?? "";
    const kind = Math.floor(dice.next() * 5);
    const changed = [
      [],
      [line, line],
      [scramble(line, dice)],
      [line.slice(0, line.length / 2)],
      [line.replace(/\d+/g, "99999")],
    ][kind]!;
    lines = [...lines.slice(0, at), ...changed, ...lines.slice(at + 1)];
  }
  return lines.join("\r\n");
}

function scramble(text: string, dice: Dice): string {
  const at = Math.floor(dice.next() * text.length);
  return text.slice(0, at) + String.fromCharCode(32 + Math.floor(dice.next() * 95)) + text.slice(at + 1);
}

function randomBytes(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(dice.next() * 256)));
}

describe("datagrams that are none", () => {
  /** First bytes by which RFC 7983 tells STUN, ZRTP, DTLS, TURN channels and RTP apart; and whatever. */
  const firsts = [0, 1, 3, 16, 20, 21, 22, 23, 63, 64, 79, 128, 129, 144, 191, 200, 255];

  function datagrams(dice: Dice): Buffer[] {
    const random = Array.from({ length: 400 }, () => {
      const bytes = randomBytes(dice, Math.floor(dice.next() * 300));
      if (bytes.length > 0 && dice.next() < 0.8) bytes[0] = firsts[Math.floor(dice.next() * firsts.length)]!;
      return bytes;
    });
    const stun = Buffer.from("000100002112a442000000000000000000000000", "hex");
    const rtp = Buffer.from("8061000100000bb8deadbeef", "hex");
    const senderReport = Buffer.from("80c80006deadbeef0000000000000000000000000000000000000000", "hex");
    const dtls = Buffer.from("16fefd0000000000000000003e010000320000000000000032fefd", "hex");
    const truncated = [stun, rtp, senderReport, dtls].flatMap((whole) =>
      Array.from({ length: whole.length + 1 }, (_, length) => whole.subarray(0, length)),
    );
    return [...random, ...truncated, Buffer.alloc(0), Buffer.alloc(60_000, 0x80)];
  }

  async function bombard(address: { ip: string; port: number }, dice: Dice): Promise<void> {
    const socket = createSocket("udp4");
    for (const datagram of datagrams(dice)) {
      await new Promise((resolve) => socket.send(datagram, address.port, address.ip, resolve));
    }
    socket.close();
    await once(socket, "close");
  }

  test.each([0, 1, 2])("before and after DTLS, seed %i: that session and the witness go on", async (seed) => {
    const server = await runServer();
    const dice = createDice(`datagrams/${seed}`);
    const { ok, media } = await witness(server);
    await ok();
    await bombard(media.remoteAddress(), dice);
    await ok();

    const control = await attack(server);
    const waiting = closeLater(createMediaClient(control, { codec: "vp8" }));
    await waiting.offer();
    await bombard(waiting.remoteAddress(), dice);
    await waiting.accept();
    await waiting.connected();
    await ok();
    const { data, key } = clip.frames[0]!;
    await until(
      server,
      () => server.journal.lines.filter(({ kind }) => kind === "peer-connected").length === 2,
    );
    waiting.sendPicture(data, key, 0);
    await waiting.picture(({ input }) => input?.frameId === 0);
    await ok();
  });

  test.each([0, 1, 2])("from a peer's own address, seed %i: the witness goes on", async (seed) => {
    const server = await runServer();
    const { ok } = await witness(server);
    const control = await attack(server);
    const media = closeLater(createMediaClient(control, { codec: "vp8" }));
    await media.negotiate();
    await media.connected();
    const { data, key } = clip.frames[0]!;
    await until(
      server,
      () => server.journal.lines.filter(({ kind }) => kind === "peer-connected").length === 2,
    );
    media.sendPicture(data, key, 0);
    await media.picture(({ input }) => input?.frameId === 0);
    for (const datagram of datagrams(createDice(`own address/${seed}`))) {
      // More than a datagram holds on its way out is this side's error, not the server's.
      await media.sendDatagram(datagram.subarray(0, 8_000));
    }
    await processed(control);
    await ok();
    await ok();
  });

  test("what a real peer encrypts: RTP and RTCP of random bytes, cut short, of unknown streams and types", async () => {
    const server = await runServer();
    const { ok } = await witness(server);
    await ok();
    const control = await attack(server);
    const media = closeLater(createMediaClient(control, { codec: "vp8", audio: true }));
    await media.negotiate();
    await media.connected();
    const dice = createDice("encrypted");
    for (let round = 0; round < 300; round++) {
      media.sendPicture(
        randomBytes(dice, 1 + Math.floor(dice.next() * 3000)),
        dice.next() < 0.5,
        round * 3000,
      );
      media.sendPayload(randomBytes(dice, Math.floor(dice.next() * 40)), round * 3000);
      media.sendAudio(randomBytes(dice, Math.floor(dice.next() * 40)), round * 960);
      await media.sendRawRtp(strangeHeader(dice), randomBytes(dice, round % 30));
      await media.sendRawRtcp(
        Buffer.concat([
          Buffer.from([0x80 | (round & 0x3f), 192 + (round % 32)]),
          randomBytes(dice, 6 + (round % 40)),
        ]),
      );
    }
    await processed(control);
    await ok();
    await ok();
  });
});

describe("data channels that are none", () => {
  test("acknowledgements, openings and chunks of random bytes: told once, and the witness goes on", async () => {
    const server = await runServer();
    const { ok } = await witness(server);
    await ok();
    const control = await attack(server);
    const media = closeLater(createMediaClient(control, { codec: "vp8" }));
    const channel = media.pc.createDataChannel("any");
    await media.negotiate();
    await media.connected();
    if (channel.readyState !== "open") await channel.stateChanged.watch((state) => state === "open");
    const { sctp, dtlsTransport } = media.pc.sctpTransport!;
    // What the server answers is not this side's affair, which would stumble as the server did.
    sctp.onReceive.allUnsubscribe();
    await sctp.send(17, 50, Buffer.of(2));
    const dice = createDice("data channels");
    for (let round = 0; round < 100; round++) {
      const stream = 100 + Math.floor(dice.next() * 50);
      const message = Buffer.concat([Buffer.of(round % 5), randomBytes(dice, Math.floor(dice.next() * 40))]);
      await sctp.send(stream, 49 + (round % 9), message);
    }
    const tag: number = Reflect.get(sctp, "remoteVerificationTag");
    for (let round = 0; round < 300; round++) {
      const packet = randomBytes(dice, 13 + Math.floor(dice.next() * 80));
      packet.writeUInt32BE(round % 7 === 0 ? 0 : tag, 4);
      packet.writeUInt32LE(0, 8);
      // Neither the end of the association nor data, which would be taken for more of it.
      packet[12] = [1, 3, 4, 5, 9, 10, 11, 130, 192, 77][round % 10]!;
      packet.writeUInt32LE(crc32c(packet), 8);
      await dtlsTransport.sendData(packet);
    }
    await processed(control);
    await ok();
    await until(server, () => server.journal.lines.some(({ kind }) => kind === "peer-misread"));
    await ok();
    expect(server.journal.lines.filter(({ kind }) => kind === "peer-misread")).toHaveLength(1);
  });

  test("sections first apart, then in one bundle: no socket stays open behind the session", async () => {
    const server = await runServer({ mode: "none" });
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === "UDPWrap").length;
    const before = sockets();
    const control = await attack(server);
    control.send({ type: "livekit_join" });
    const { token } = await control.take("livekit_room_info");
    const signal = closeLater(await openSignal(server.realtimeUrl, { token }));
    await signal.take("join");
    const sdp = readFileSync(new URL("media/offers/aiortc-whole.sdp", import.meta.url), "utf8");
    const [head, audio] = sdp.split(/(?=m=)/);
    const mids = Array.from({ length: 12 }, (_, mid) => String(mid));
    const sections = mids.map((mid) => audio!.replace(/a=mid:\S+/, `a=mid:${mid}`)).join("");
    for (const line of ["a=x", `a=group:BUNDLE ${mids.join(" ")}`]) {
      const offer = head!.replace(/a=group:BUNDLE.*/, line) + sections;
      signal.send({ case: "offer", value: { type: "offer", sdp: offer, id: 1 } });
      await signal.take("answer");
    }
    await control[Symbol.asyncDispose]();
    await signal[Symbol.asyncDispose]();
    await emptied(server);
    // A socket is gone a few turns after it was closed.
    for (let turn = 0; turn < 100 && sockets() > before; turn++) await new Promise(setImmediate);
    expect(sockets()).toBeLessThanOrEqual(before);
  });
});

/** Streams, types and marks that nobody negotiated, padding that is none, sources and extensions. */
function strangeHeader(dice: Dice): RtpHeader {
  const number = (below: number) => Math.floor(dice.next() * below);
  return new RtpHeader({
    payloadType: number(128),
    sequenceNumber: number(0x10000),
    timestamp: number(2 ** 32),
    ssrc: number(2 ** 32),
    marker: dice.next() < 0.5,
    padding: dice.next() < 0.5,
    csrc: Array.from({ length: number(4) }, () => number(2 ** 32)),
    ...(dice.next() < 0.5 && {
      extension: true,
      extensionProfile: dice.next() < 0.5 ? 0xbede : 0x1000,
      extensions: [{ id: 1 + number(14), payload: randomBytes(dice, 1 + number(16)) }],
    }),
  });
}

describe("a codec worker that dies", () => {
  test.each([
    ["stops", (worker: Worker) => void worker.terminate()],
    ["throws", (worker: Worker) => worker.postMessage(null)],
  ])("%s: its session is told, the server and sessions to come live", async (_name, kill) => {
    const server = await runServer();
    const client = await attack(server);
    const media = closeLater(createMediaClient(client, { codec: "vp8" }));
    await media.negotiate();
    await media.connected();
    kill(workers.at(-1)!);
    expect((await client.take("error")).error).toContain(
      "The mock server lost its codec: The codec worker stopped",
    );
    expect(await client.take("generation_ended")).toMatchObject({ reason: "error" });
    expect((await client.closed).code).toBe(1011);
    await (await witness(server)).ok();
  });
});

/** Faults of the connection itself, beneath the packet, as a WebRTC client meets them; what browsers make of them is a spec's (`faults-network`). */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { createMediaClient, type MediaClient } from "../_media-client.ts";
import { closeLater, runServer } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import { picturesAwaited } from "../media/first-pictures.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

const { frames } = readClip("vp8-180p15");

type Way = {
  /** In the client's key. */
  keyFaults?: readonly Declaration[];
  /** For whoever comes. */
  added?: Declaration;
  trickles?: boolean;
  /** Its offer names no address, nor does anything after it: as with a browser that hides them all. */
  hides?: boolean;
};

/** A client that has offered and been answered; nothing but `clock` moves the server's time. */
async function begin({ keyFaults = [], added, trickles = false, hides = false }: Way = {}) {
  const clock = manualClock();
  const server = await runServer({ mode: "relay" }, clock);
  const fault = added && server.faults.add(added)[0]!;
  const next = server.nextSession();
  const query = keyFaults.length > 0 ? { api_key: writeMockKey(keyFaults) } : {};
  const control = closeLater(await openSocket(server.realtimeUrl, { query }));
  const session = await next;
  const through = hides ? hiding(control) : control;
  const media = closeLater(createMediaClient(through, { codec: "vp8", audio: true, trickles }));
  await media.negotiate();
  let sounds = 0;
  return {
    clock,
    server,
    session,
    control,
    media,
    /** The one that was added. */
    fault: fault!,
    /** How often each fault has fired, in order of their declaration. */
    fired: () => session.plan.faults.map((one) => one.fired),
    /** Numbered from 1, a packet each. */
    play(count: number) {
      for (let n = 0; n < count; n++) media.sendAudio(Buffer.from([0xfc, ++sounds]), 960 * sounds);
    },
    heard: () => media.audio.map((payload) => payload[1]!),
    film(index: number) {
      media.sendPicture(frames[index]!.data, frames[index]!.key, 6000 * index);
    },
    add: (declaration: Declaration) => server.faults.add(declaration, { session: session.id })[0]!,
    /** What the journal says happened to the connection, and who did it. */
    told: () =>
      server.journal.lines
        .filter(({ session: of, kind }) => of === session.id && toldKinds.has(kind))
        .map(({ kind, fields: { name, to, state } }) => [kind, name ?? to ?? state].join(" ").trim()),
  };
}

const toldKinds = new Set([
  "fault-fired",
  "fault-healed",
  "path-stays",
  "peer-connected",
  "peer-lost",
  "phase",
]);
const hasMedia = ["phase joined", "peer-connected", "phase connected"];
const wellBegun = [...hasMedia, "phase generating"];

/** The same, once media flows both ways. */
async function connect(way?: Way) {
  const client = await begin(way);
  const { media, session, film } = client;
  await media.connected();
  await session.until("peer-connected");
  for (let index = 0; index < picturesAwaited; index++) film(index);
  await session.until("generation-started");
  await media.picture(() => true, picturesAwaited - 1);
  return client;
}

function hiding(control: SocketClient): SocketClient {
  const send: SocketClient["send"] = (message) => {
    const { sdp } = message as { sdp: string };
    control.send({ ...(message as object), sdp: sdp.replace(candidateLines, "") });
  };
  return { ...control, send };
}

const candidateLines = /^a=(candidate:.*|end-of-candidates)\r?\n/gm;

/** A change is applied: the control socket stands, and what was on its way over loopback has come. */
async function acked(control: SocketClient): Promise<void> {
  control.send({ type: "prompt", prompt: "P" });
  expect((await control.take("prompt_ack")).success).toBe(true);
}

/** What is lost tells nobody but the fault that took it. */
async function happens(done: () => boolean): Promise<void> {
  while (!done()) await setImmediate();
}

/** Once called, resolves when all that the client has sent before has come as far as the server's faults. */
function markerOf({ add, media }: Awaited<ReturnType<typeof begin>>): () => Promise<void> {
  // Nobody says anything in DTLS once the connection stands.
  const marks = add({ name: "nothing", channel: "ice", direction: "to-server", only: "dtls" });
  return async () => {
    const before = marks.fired;
    await media.sendDatagram(Buffer.from([22]));
    await happens(() => marks.fired > before);
  };
}

describe("connection-lost", () => {
  test.each<[Declaration["direction"], firedMin: number]>([
    [undefined, 3],
    ["both", 3],
    ["to-client", 3],
    ["to-server", 3],
  ])("%s: nothing comes for 3 s, and then all is as before", async (direction, firedMin) => {
    const client = await connect();
    const { clock, media, play, heard, add, told, session } = client;
    const arrived = markerOf(client);
    play(2);
    await media.audioAt(1);
    const lost = add({ name: "connection-lost", direction });
    play(3);
    await arrived();
    await happens(() => lost.fired >= firedMin);
    clock.advance(2999);
    play(1);
    await arrived();
    await happens(() => lost.fired > firedMin);
    expect(heard()).toEqual([1, 2]);
    clock.advance(1);
    play(2);
    await media.audioAt(3);
    expect(heard()).toEqual([1, 2, 7, 8]);
    expect(media.pc.connectionState).toBe("connected");
    expect(session.phase).toBe("generating");
    const marked = ["fault-fired connection-lost", "fault-fired nothing"].toSorted();
    expect(told().filter((line) => !line.startsWith("fault"))).toEqual(wellBegun);
    expect(
      told()
        .filter((line) => line.startsWith("fault-fired"))
        .toSorted(),
    ).toEqual(marked);
    expect(told().at(-1)).toBe("fault-healed connection-lost");
  });

  test("in a key: it begins with the first picture, of which nothing comes back", async () => {
    const client = await begin({ keyFaults: [{ name: "connection-lost" }] });
    const { clock, media, session, film, told, fired } = client;
    await media.connected();
    film(0);
    await session.until("connected");
    await happens(() => fired()[0]! > 0);
    clock.advance(3000);
    const [before, after] = [hasMedia, ["fault-fired connection-lost", "fault-healed connection-lost"]];
    expect(told()).toEqual([...before, ...after]);
    film(0);
    await media.picture(() => true);
    film(1);
    await media.picture(({ key }) => !key);
    // Of those from before nothing was only late.
    expect(media.pictures.map(({ key }) => key)).toEqual([true, false]);
    expect(media.pc.connectionState).toBe("connected");
  });
});

describe("ice-never", () => {
  test.each<[string, Way]>([
    ["added, it heals when it is told to", { added: { name: "ice-never" } }],
    ["trickling", { added: { name: "ice-never" }, trickles: true }],
    [
      "in a key, it heals once so many checks are lost",
      { keyFaults: [{ name: "ice-never", when: { for: { packets: 8 } } }] },
    ],
  ])("%s: the client checks in vain, and connects when it has healed", async (_name, way) => {
    const { media, session, fault, fired, told, film } = await begin(way);
    if (way.added) {
      // More than it takes to connect.
      await happens(() => fired()[0]! >= 7);
      expect(media.pc.connectionState).toBe("connecting");
      expect(told()).toEqual(["phase joined", "fault-fired ice-never"]);
      fault.heal();
    }
    await media.connected();
    await session.until("peer-connected");
    film(0);
    await media.picture(() => true);
    const [joined, ...connected] = hasMedia;
    expect(told()).toEqual([joined, "fault-fired ice-never", "fault-healed ice-never", ...connected]);
    expect(fired()[0]).toBeGreaterThanOrEqual(7);
  });

  test("what is connected goes on: checks are lost, and packets are not", async () => {
    const client = await connect();
    const { media, play, heard, add } = client;
    const never = add({ name: "ice-never" });
    play(3);
    await media.audioAt(2);
    expect(heard()).toEqual([1, 2, 3]);
    expect(media.pc.connectionState).toBe("connected");
    never.heal();
  });
});

describe("no-candidates", () => {
  test.each<[string, Way]>([
    ["added: whose offer has addresses", { added: { name: "no-candidates" } }],
    ["in a key: who trickles them", { keyFaults: [{ name: "no-candidates" }], trickles: true }],
  ])("%s is found by them, and connects all the same", async (_name, way) => {
    const { media, play, heard, fired, told } = await connect(way);
    expect(media.answers.join()).not.toMatch(candidateLines);
    play(1);
    await media.audioAt(0);
    expect(heard()).toEqual([1]);
    expect(fired()).toEqual([1]);
    expect(told().toSpliced(1, 1)).toEqual(wellBegun);
    expect(told()[1]).toBe("fault-fired no-candidates");
  });

  test("who names none waits for good: neither side knows where to go; the answer to its next offer says it", async () => {
    const { media, session, control, fault, told, film } = await begin({
      added: { name: "no-candidates" },
      hides: true,
    });
    // Time for many a check, if anybody had where to send one.
    await acked(control);
    expect(media.pc.connectionState).toBe("connecting");
    fault.heal();
    await media.negotiate();
    expect(media.answers.map((sdp) => /^a=candidate:/m.test(sdp))).toEqual([false, true]);
    await media.connected();
    await session.until("peer-connected");
    film(0);
    await media.picture(() => true);
    const [joined, ...connected] = hasMedia;
    // It has healed for those to come, too.
    expect(told()).toEqual([joined, "fault-fired no-candidates", "fault-healed no-candidates", ...connected]);
  });
});

describe("dtls-closed", () => {
  test.each<[string, Way, added: Declaration | null]>([
    ["added", {}, { name: "dtls-closed" }],
    ["in a key", { keyFaults: [{ name: "dtls-closed", when: { at: "ack-sent" } }] }, null],
  ])("%s: the transport closes, the socket stands", async (_name, way, added) => {
    const { server, media, control, session, add, told, play, heard } = await connect(way);
    const [transport] = media.pc.dtlsTransports;
    const closed = new Promise((resolve) => transport!.onStateChange.subscribe(resolve));
    if (added) add(added);
    await acked(control);
    // What is in flight when it hears of it may come; werift's connection itself takes no notice (0.25.2).
    expect(await closed).toBe("closed");
    expect(told()).toEqual([...wellBegun, "fault-fired dtls-closed", "peer-lost closed", "phase joined"]);
    // Nobody listens there any more, and no healing opens it again; another connection does.
    const heardThere = add({ name: "nothing", channel: "ice", direction: "to-server" });
    for (let n = 0; n < 3; n++) await media.sendDatagram(Buffer.from([0x80]));
    await acked(control);
    expect(heardThere.fired).toBe(0);
    server.faults.healAll();
    const before = heard().length;
    play(2);
    const again = closeLater(createMediaClient(control, { codec: "vp8" }));
    await again.negotiate();
    await again.connected();
    again.sendPicture(frames[0]!.data, true, 0);
    await again.picture(() => true);
    expect(heard()).toHaveLength(before);
    expect(session.phase).toBe("connected");
  });
});

type Seen = { port: number; isCheck: boolean };

/** From which ports of ours datagrams come, and which of them ask for connectivity. */
function datagramsSeen({ pc }: MediaClient): Seen[] {
  const seen: Seen[] = [];
  const { transport } = pathOf(pc).protocol;
  const { onData } = transport;
  transport.onData = (bytes: Buffer, from: [string, number]) => {
    seen.push({ port: from[1], isCheck: bytes[0]! < 4 });
    onData(bytes, from);
  };
  return seen;
}

/** Sends to this port from now on, as a browser does once checks from there have come; werift stays with the path it has (0.25.2). */
function follow({ pc }: MediaClient, port: number): void {
  pathOf(pc).remoteCandidate.port = port;
}

type Path = {
  remoteCandidate: { port: number };
  protocol: { transport: { onData(bytes: Buffer, from: [string, number]): void } };
};

function pathOf(pc: MediaClient["pc"]): Path {
  return pc.dtlsTransports[0]!.iceTransport.connection.nominated as unknown as Path;
}

describe("path-change", () => {
  test.each<[string, Way, added: Declaration | null]>([
    ["added", {}, { name: "path-change" }],
    ["in a key", { keyFaults: [{ name: "path-change", when: { at: "ack-sent" } }] }, null],
  ])("%s: we go on from another port, and are deaf on the one before", async (_name, way, added) => {
    const client = await connect(way);
    const { clock, server, media, control, session, add, told, play, heard, film } = client;
    const arrived = markerOf(client);
    const seen = datagramsSeen(media);
    // This one has come to us when the path changes, and leaves afterwards.
    const late = add({ name: "delay", channel: "media", direction: "to-server", only: "audio" });
    play(1);
    await happens(() => late.fired === 1);
    const before = media.remoteAddress().port;
    if (added) add(added);
    await acked(control);
    const elsewhere = () => seen.filter(({ port }) => port !== before);
    // At once, and not with the next request for consent, seconds later.
    await happens(() => elsewhere().some(({ isCheck }) => isCheck));
    clock.advance(1000);
    await media.audioAt(0);
    late.heal();

    const [{ port: after }] = elsewhere() as [Seen];
    expect(elsewhere().some(({ isCheck }) => !isCheck)).toBe(true);
    play(1);
    follow(media, after);
    play(1);
    await arrived();
    await media.audioAt(1);
    film(picturesAwaited);
    await media.picture(() => true, picturesAwaited);
    expect(new Set(elsewhere().map(({ port }) => port))).toEqual(new Set([after]));
    // The next answer names it.
    await media.negotiate();
    expect(media.remoteAddress().port).toBe(after);
    expect(heard()).toEqual([1, 3]);
    expect(media.pc.connectionState).toBe("connected");
    expect(session.phase).toBe("generating");
    expect(told().filter((line) => !/delay|nothing/.test(line))).toEqual([
      ...wellBegun,
      "fault-fired path-change",
    ]);
    expect(server.open.peers).toBe(1);
  });
});

describe("rate-cap of the whole connection", () => {
  const cap = (queueMsMax: number, more: Partial<Declaration> = {}): Declaration => {
    return { name: "rate-cap", channel: "ice", with: { kilobitsPerSecond: 10, queueMsMax }, ...more };
  };

  type Row = { healsEarly?: true; firedMin?: number; losesMost?: true };

  test.each<[string, Declaration, Row]>([
    ["to the client: it waits, and comes in its order", cap(9999), {}],
    ["to the server: the same", cap(9999, { direction: "to-server" }), {}],
    [
      "in a key, both ways: what has come to us waits once more",
      cap(9999, { direction: "both", when: { at: "ack-sent" } }),
      { firedMin: 8 },
    ],
    ["healed, it gives out what waits", cap(9999), { healsEarly: true }],
    ["no queue: all but the first is lost", cap(0), { losesMost: true }],
  ])("%s", async (_name, declaration, { healsEarly, firedMin = 4, losesMost }) => {
    const inKey = declaration.when !== undefined;
    const client = await connect(inKey ? { keyFaults: [declaration] } : {});
    const { clock, media, control, session, add, told, play, heard, fired } = client;
    if (!inKey) add(declaration);
    await acked(control);
    play(4);
    await happens(() => fired()[0]! >= 4);
    await acked(control);
    expect(heard()).toEqual([]);
    // A datagram of sound takes some 30 ms, and a report about as much.
    if (!healsEarly) clock.advance(2000);
    if (!healsEarly && !losesMost) await media.audioAt(3);
    expect(fired()[0]).toBeGreaterThanOrEqual(firedMin);
    session.plan.heal(inKey ? "key-1" : "f1");
    play(1);
    await media.until(() => heard().includes(5));
    // Without a queue a report may have taken the link before the first.
    if (losesMost) expect(heard().filter((sound) => sound > 1)).toEqual([5]);
    else expect(heard()).toEqual([1, 2, 3, 4, 5]);
    expect(told()).toEqual([...wellBegun, "fault-fired rate-cap", "fault-healed rate-cap"]);
  });
});

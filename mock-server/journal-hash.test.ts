import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { manualClock } from "./clock.ts";
import { createDice } from "./dice.ts";
import { createJournal, type JournalEntry, type JournalLine } from "./journal.ts";
import { journalHash, normalJournal } from "./journal-hash.ts";

/** What a run has of its own though the client says the same. */
type Run = { seed: string; port: number; wallMs: number };
const one: Run = { seed: "one", port: 40_000, wallMs: 1 };
const other: Run = { seed: "other", port: 51_234, wallMs: 1e9 };

function sdp({ seed, port }: Run, direction = "sendrecv", codecs = ["VP8", "H264"], refused = false): string {
  const dice = createDice(seed);
  const types = codecs.map((_, index) => 96 + index);
  return [
    "v=0",
    `o=- ${dice.hex(12)} 2 IN IP4 127.0.0.1`,
    "s=-",
    "t=0 0",
    `m=video ${refused ? 0 : port} UDP/TLS/RTP/SAVPF ${types.join(" ")}`,
    `a=ice-ufrag:${dice.hex(4 + (port % 3))}`,
    `a=fingerprint:sha-256 ${dice.hex(64)}`,
    ...Array.from(
      { length: 1 + (port % 5) },
      (_, i) => `a=candidate:${i} 1 udp 1 127.0.0.1 ${port + i} typ host`,
    ),
    `a=${direction}`,
    // Not in the order of the list above, which is what counts.
    ...codecs.map((codec, index) => `a=rtpmap:${types[index]} ${codec}/90000`).reverse(),
    `a=ssrc:${port} cname:x`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=sctp-port:5000",
    "",
  ].join("\r\n");
}

/** A session's life in both dialects at once, with all that varies in it, lane by lane. */
function life(run: Run) {
  const dice = createDice(run.seed);
  const id = dice.hex(16);
  const [room, client, model, track] = ["RM", "PA", "PA", "TR"].map((kind) => `${kind}_${dice.hex(12)}`);
  const file = `file_${dice.hex(32)}`;
  const uuid = [8, 4, 4, 4, 12].map((length) => dice.hex(length)).join("-");
  const url = `ws://127.0.0.1:${run.port}`;
  const said = (kind: string, fields = {}): JournalEntry => ({
    session: id,
    direction: "to-server",
    kind,
    fields,
  });
  const told = (kind: string, fields = {}): JournalEntry => ({
    session: id,
    direction: "to-client",
    kind,
    fields,
  });
  const inside = (kind: string, fields = {}): JournalEntry => ({ session: id, kind, fields });
  const lanes = {
    client: [
      said("open", { query: { model: "lucy_2_rt" }, origin: `http://localhost:${run.port}` }),
      said("livekit_join", { initial_state: { prompt: "a cat" } }),
      said("offer", { sdp: sdp(run) }),
      said("set_image", { image_ref: file, image_data: null }),
      said("prompt", { prompt: "PA_0123456789ab", enhance_prompt: true }),
      said("close", { code: 1005, reason: "" }),
    ],
    state: [
      inside("state", { revision: 1, prompt: "a cat" }),
      told("prompt_ack", { prompt: "a cat", success: true, error: null }),
      inside("state-refused", { error: `There is no file ${file}.` }),
      told("set_image_ack", { success: false }),
    ],
    negotiation: [
      told("session_id", { session_id: id, server_ip: run.seed, server_port: run.port }),
      told("livekit_room_info", { livekit_url: url, token: "x", room_name: id, session_id: id }),
      told("answer", { sdp: sdp(run, "recvonly", ["VP8"]) }),
    ],
    room: [
      said("livekit-open", { room: id, identity: `client-${id}` }),
      said("livekit-addTrack", { cid: uuid }),
      said("livekit-mute", { sid: track, muted: true }),
      said("livekit-syncState", { bytes: { sha256: dice.hex(16), length: 40_000 + (run.port % 100) } }),
    ],
    roomAnswers: [
      told("livekit-join", {
        room: { sid: room, name: id },
        participant: { sid: client, joinedAt: `${run.wallMs}`, joinedAtMs: `${run.wallMs}000` },
        otherParticipants: [{ sid: model, identity: `inference-server-${id}` }],
      }),
      told("livekit-trackPublished", { cid: uuid, track: { sid: track } }),
      told("livekit-answer", { sdp: sdp(run), midToTrackId: { 0: track } }),
      inside("left-room", { identity: `client-${id}`, reason: "client left" }),
    ],
    session: [
      inside("phase", { from: "opened", to: "joined" }),
      inside("phase", { from: "joined", to: "connected" }),
      told("generation_started"),
      told("generation_tick", { seconds: 1 }),
      inside("defect", { error: `Error: broken\n    at ${run.seed}.ts:${run.port}` }),
      inside("phase", { from: run.port % 2 ? "joined" : "generating", to: "ended" }),
      inside("session-ended", { reason: "disconnect", seconds: 1 }),
    ],
    controlFault: [
      inside("fault-fired", { fault: "f1", name: "delay", channel: "control", on: "prompt_ack" }),
      inside("fault-healed", { fault: "f1", name: "delay", channel: "control", why: "for" }),
    ],
    mediaFault: [
      inside("fault-fired", { fault: "f2", name: "packet-loss", channel: "media", on: run.seed }),
      inside("fault-healed", { fault: "f2", name: "packet-loss", channel: "media", why: "for" }),
    ],
    iceFault: [inside("fault-fired", { fault: "f3", name: "jitter", channel: "ice", on: run.seed })],
  };
  return { id, said, told, inside, lanes };
}

type Life = ReturnType<typeof life>;

/** As `run` might have it: lanes mesh by its dice, and noise stands between. */
function linesOf(
  run: Run,
  change: (life: Life) => void = () => {},
): { lines: readonly JournalLine[]; id: string } {
  const lived = life(run);
  change(lived);
  const dice = createDice(run.seed).split("mesh");
  const clock = manualClock();
  const journal = createJournal(clock);
  const left = Object.values(lived.lanes).map((lane) => [...lane]);
  while (left.some((lane) => lane.length > 0)) {
    clock.advance(dice.next() * 100);
    const filled = left.filter((lane) => lane.length > 0);
    journal.add(filled[Math.floor(dice.next() * filled.length)]!.shift()!);
    for (const noise of noiseOf(lived, run)) if (dice.next() < 0.2) journal.add(noise);
  }
  return { lines: journal.lines, id: lived.id };
}

function noiseOf({ id, said, told, inside }: Life, { port }: Run): JournalEntry[] {
  return [
    { kind: "server-thing", fields: { port } },
    { session: `${id}-viewer`, kind: "open", fields: { watches: id } },
    { session: "another", kind: "prompt" },
    { ...inside("peer-lost", { port }), measured: true },
    said("ice-candidate", { candidate: { candidate: `candidate:1 1 udp 1 127.0.0.1 ${port}` } }),
    told("ice-candidate", { candidate: null }),
    inside("phase", { from: "generating", to: "joined" }),
    inside("socket-error", { code: "ECONNRESET", error: "read ECONNRESET" }),
    said("livekit-close", { code: port % 2 ? 1000 : 1006, reason: "" }),
  ];
}

const hashOf = (run: Run, change?: (life: Life) => void) => {
  const { lines, id } = linesOf(run, change);
  return journalHash(lines, id);
};

test("runs that differ in everything but what their client said have one hash, of 64 digits", () => {
  const runs = Array.from({ length: 50 }, (_, i) => ({
    seed: `run ${i}`,
    port: 40_000 + i * 17,
    wallMs: i * 1e6,
  }));
  const hashes = new Set(runs.map((run) => hashOf(run)));
  expect([...hashes]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
});

test("two runs have one text, and it is a person's to read", () => {
  const [first, second] = [one, other].map((run) => {
    const { lines, id } = linesOf(run);
    return normalJournal(lines, id);
  });
  expect(first).toEqual(second);
  expect(first).toHaveLength(Object.values(life(one).lanes).flat().length);
  expect(first).toContain(
    'client  to-server  offer  {"sdp":["video sendrecv VP8 H264","application webrtc-datachannel"]}',
  );
  expect(first).toContain(
    'negotiation  to-client  session_id  {"server_ip":"<address>","server_port":"<address>","session_id":"<session>"}',
  );
  expect(first).toContain('room-client  to-server  livekit-mute  {"muted":true,"sid":"<TR-1>"}');
  expect(first).toContain('client  to-server  prompt  {"enhance_prompt":true,"prompt":"PA_0123456789ab"}');
  expect(first!.at(-1)).toMatch(/^fault-packets media f2 {2}inside {2}fault-healed/);
});

describe("a difference of the client's, the scenario's or ours is one of the hash", () => {
  const swap = (lane: JournalEntry[], index: number) => lane.splice(index, 2, lane[index + 1]!, lane[index]!);
  const set = (lane: JournalEntry[], kind: string, fields: object) => {
    const index = lane.findIndex((entry) => entry.kind === kind);
    lane[index] = { ...lane[index]!, fields: { ...lane[index]!.fields, ...fields } };
  };

  test.each<[string, (life: Life) => void]>([
    ["a message more", ({ lanes, said }) => lanes.client.push(said("prompt", { prompt: "x" }))],
    ["a message less", ({ lanes }) => lanes.client.pop()],
    ["messages in another order", ({ lanes }) => swap(lanes.client, 3)],
    ["a prompt", ({ lanes }) => set(lanes.client, "prompt", { prompt: "another" })],
    ["an id in a prompt", ({ lanes }) => set(lanes.client, "prompt", { prompt: "PA_0123456789ac" })],
    ["a field less", ({ lanes }) => set(lanes.client, "prompt", { enhance_prompt: undefined })],
    ["a field more", ({ lanes }) => set(lanes.client, "prompt", { more: 1 })],
    ["a number for a text", ({ lanes }) => set(lanes.session, "generation_tick", { seconds: "1" })],
    ["a tick", ({ lanes }) => set(lanes.session, "generation_tick", { seconds: 2 })],
    ["an ack twice", ({ lanes }) => lanes.state.splice(1, 0, lanes.state[1]!)],
    ["an ack less", ({ lanes }) => lanes.state.splice(1, 1)],
    ["an ack before its state", ({ lanes }) => swap(lanes.state, 0)],
    ["a refusal's sentence", ({ lanes }) => set(lanes.state, "state-refused", { error: "Another." })],
    ["another file", ({ lanes }) => set(lanes.client, "set_image", { image_ref: "https://x/y.png" })],
    [
      "another host",
      ({ lanes }) => set(lanes.negotiation, "livekit_room_info", { livekit_url: "ws://10.0.0.1:1" }),
    ],
    ["an offer's direction", ({ lanes }) => set(lanes.client, "offer", { sdp: sdp(one, "sendonly") })],
    ["an offer's codecs", ({ lanes }) => set(lanes.client, "offer", { sdp: sdp(one, "sendrecv", ["VP8"]) })],
    [
      "their order",
      ({ lanes }) => set(lanes.client, "offer", { sdp: sdp(one, "sendrecv", ["H264", "VP8"]) }),
    ],
    [
      "a section that is refused",
      ({ lanes }) => set(lanes.client, "offer", { sdp: sdp(one, "sendrecv", ["VP8", "H264"], true) }),
    ],
    [
      "a track of another id than the one told",
      ({ lanes }) => set(lanes.room, "livekit-mute", { sid: "TR_000000000000" }),
    ],
    ["a close code", ({ lanes }) => set(lanes.client, "close", { code: 1006 })],
    ["a close of ours", ({ lanes, told }) => lanes.session.push(told("close", { code: 1000, reason: "" }))],
    ["connecting once more", ({ lanes }) => lanes.session.splice(1, 0, lanes.session[1]!)],
    ["a defect", ({ lanes }) => set(lanes.session, "defect", { error: "Error: another\n at x" })],
    [
      "a WebSocket's misuse",
      ({ lanes, inside }) => lanes.session.push(inside("socket-error", { code: "WS_ERR_INVALID_UTF8" })),
    ],
    ["a direction", ({ lanes }) => Object.assign(lanes.session[2]!, { direction: "inside" })],
    ["a line of an unknown kind", ({ lanes, inside }) => lanes.session.push(inside("new-kind"))],
    ["a fault that did not fire", ({ lanes }) => lanes.controlFault.splice(0, 2)],
    ["what a fault of messages met", ({ lanes }) => set(lanes.controlFault, "fault-fired", { on: "tick" })],
    ["a fault of packets that did not heal", ({ lanes }) => lanes.mediaFault.pop()],
    ["a fault of packets by name", ({ lanes }) => set(lanes.iceFault, "fault-fired", { name: "loss" })],
  ])("%s", (_name, change) => {
    const changed = hashOf(one, change);
    expect(changed).not.toBe(hashOf(one));
    // And that is the same, whoever runs it.
    expect(hashOf({ ...one, wallMs: 5 }, change)).toBe(changed);
  });
});

test("an answer to our own close means nothing, whenever it comes", () => {
  const closes = (answers: boolean) => (lived: Life) => {
    const { lanes, said, told } = lived;
    lanes.client.pop();
    lanes.session.push(told("close", { code: 1000, reason: "timeout" }));
    if (answers) lanes.session.push(said("close", { code: 1000, reason: "" }));
  };
  expect(hashOf(other, closes(true))).toBe(hashOf(one, closes(false)));
});

test("each session has its own; whom a viewer watches is one that runs beside it", () => {
  const texts = [one, other].map((run) => {
    const { lines, id } = linesOf(run);
    return normalJournal(lines, `${id}-viewer`)[0];
  });
  expect(texts).toEqual(Array(2).fill('session  inside  open  {"watches":"<other-session-1>"}'));
  const { lines } = linesOf(one);
  expect(normalJournal(lines, "another")[0]).toBe("session  inside  prompt  {}");
});

test("whoever is in an open room goes by a name of its own, which is no id", () => {
  const journal = createJournal(manualClock());
  journal.add({ session: "a", kind: "entered-room", fields: { identity: "a", room: "a cat" } });
  expect(normalJournal(journal.lines, "a")).toEqual([
    'room  inside  entered-room  {"identity":"a","room":"a cat"}',
  ]);
});

test("an offer that the journal had to cut counts by its whole sections", () => {
  const long = (port: number) => {
    const journal = createJournal(manualClock());
    const text = sdp({ ...one, port }).replace("m=application", `a=x:${"x".repeat(30_000)}\r\nm=application`);
    journal.add({
      session: "a",
      kind: "offer",
      direction: "to-server",
      fields: { sdp: `${sdp(one)}${text}` },
    });
    return normalJournal(journal.lines, "a")[0];
  };
  expect(long(40_000)).toBe(
    'client  to-server  offer  {"sdp":["video sendrecv VP8 H264","application webrtc-datachannel"]}',
  );
  expect(long(41_234)).toBe(long(40_000));
});

test("what browsers and native clients offer has an outline", () => {
  const folder = join(import.meta.dirname, "media/offers");
  for (const name of readdirSync(folder)) {
    const journal = createJournal(manualClock());
    journal.add({ session: "a", kind: "offer", fields: { sdp: readFileSync(join(folder, name), "utf8") } });
    const { sdp } = JSON.parse(normalJournal(journal.lines, "a")[0]!.split("  ").at(-1)!);
    for (const section of sdp) {
      expect(section).toMatch(
        /^((audio|video) (sendrecv|sendonly|recvonly|inactive)( [A-Za-z][\w-]*)+|application webrtc-datachannel)$/,
      );
    }
    expect(sdp.length).toBeGreaterThan(0);
  }
});

test.each<[name: string, session: unknown, sentence: string]>([
  ["a session that never was", "nobody", 'None of 2 lines has the session "nobody"'],
  ["a text of nothing", "", 'None of 2 lines has the session ""'],
  [
    "a session in place of its id",
    { id: "a" },
    "It takes the journal's lines and a session's id, a text: (journal.lines, session.id).",
  ],
  ["nothing", undefined, "The session is of the type undefined. It takes"],
  ["null, as lines of no session have it", null, "The session is of the type null."],
])("there is no normal journal and no hash of %s", (_name, session, sentence) => {
  const journal = createJournal(manualClock());
  journal.add({ kind: "server-thing" });
  journal.add({ session: "a", kind: "measured-thing", measured: true });
  for (const read of [normalJournal, journalHash]) {
    expect(() => read(journal.lines, session as string)).toThrow(sentence);
  }
  // That all of its lines are the machine's is no mistake.
  expect(journalHash(journal.lines, "a")).toMatch(/^[0-9a-f]{64}$/);
});

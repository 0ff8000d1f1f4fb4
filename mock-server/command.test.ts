import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { banner, tell } from "./command.ts";
import { defaultOptions } from "./options.ts";
import type { MockServer } from "./server.ts";

const line = (kind: string, fields: Record<string, unknown>) => ({
  seq: 1,
  atMs: 1235,
  session: "0123456789abcdef",
  direction: "to-server" as const,
  kind,
  fields,
  measured: false,
});

test.each<[string, Record<string, unknown>, string]>([
  ["open", { query: { model: "lucy_2_rt" } }, "    1.235  01234567  connected   model lucy_2_rt"],
  [
    "open",
    { query: { model: "a\u001b[2J\u0007b" } },
    "    1.235  01234567  connected   model a\\u001b[2J\\u0007b",
  ],
  ["open", { watches: "a\r\nb\u2028c" }, "    1.235  01234567  viewer of a\\u000d\\u000ab\\u2028c"],
  [
    "upgrade-refused",
    { path: "/\u009b31m\u007f", status: 401, error: "unauthorized: \u001b[2J." },
    "    1.235  01234567  401         WebSocket /\\u009b31m\\u007f: unauthorized: \\u001b[2J.",
  ],
  ["refused", { error: "abc \u202egnp" }, "    1.235  01234567  refused     abc \\u202egnp"],
  [
    "malformed",
    { error: "not \u001b]0;title\u0007" },
    "    1.235  01234567  malformed   not \\u001b]0;title\\u0007",
  ],
  [
    "state",
    { revision: 1, prompt: "👩‍🚀 قط \u009b1m", imageHash: 0 },
    '    1.235  01234567  revision 1  prompt "👩‍🚀 قط \\u009b1m" · image none',
  ],
  ["queue_position", { position: 2, queue_size: 3 }, "    1.235  01234567  queue       2 of 3"],
  [
    "livekit_room_info",
    { livekit_url: "ws://127.0.0.1:8787", token: "[redacted]" },
    "    1.235  01234567  room        at ws://127.0.0.1:8787",
  ],
  ["room-opened", { room: "r\u001b" }, "    1.235  01234567  room        r\\u001b opened"],
  ["room-closed", { room: "r" }, "    1.235  01234567  room        r closed"],
  ["entered-room", { identity: "me\n", room: "r" }, "    1.235  01234567  entered     me\\u000a in room r"],
  [
    "faults",
    { declared: [{ name: "drop" }, { name: "delay" }] },
    "    1.235  01234567  faults      drop, delay",
  ],
  ["fault-declared", { fault: "f1", name: "drop" }, "    1.235  01234567  fault       f1 drop declared"],
  ["fault-removed", { fault: "f1", name: "drop" }, "    1.235  01234567  fault       f1 drop removed"],
  ["fault-fired", { name: "drop", on: "prompt_ack" }, "    1.235  01234567  fault       drop on prompt_ack"],
  [
    "fault-fired",
    { name: "drop", on: "prompt_ack", time: 2 },
    "    1.235  01234567  fault       drop on prompt_ack, time 2",
  ],
  ["fault-fired", { name: "close", on: "strike" }, "    1.235  01234567  fault       close"],
  ["close", { code: 1000, reason: "bye" }, "    1.235  01234567  closed      by client, code 1000 (bye)"],
  ["close", { code: 1006, reason: "" }, "    1.235  01234567  lost        its socket, without a close frame"],
  [
    "http-refused",
    { status: 422, method: "POST", path: "/_lucy/faults", detail: 'There is no fault "drpo".' },
    '    1.235  01234567  422         POST /_lucy/faults: There is no fault "drpo".',
  ],
  ["fault-healed", { name: "drop", why: "for" }, "    1.235  01234567  healed      drop"],
  ["faults-ended", { fired: [], neverFired: ["f1 drop"] }, "    1.235  01234567  never fired f1 drop"],
  [
    "defect",
    { seed: 7, error: "TypeError: a is not b\n    at c (file:///d.ts:1:2)\n    at e" },
    "    1.235  01234567  defect      TypeError: a is not b · at c (file:///d.ts:1:2) · seed 7",
  ],
  ["defect", { error: "words" }, "    1.235  01234567  defect      words"],
  ["resumed", { identity: "me" }, "    1.235  01234567  resumed     me"],
  [
    "resume-refused",
    { identity: "me" },
    "    1.235  01234567  refused     me has nothing to resume; it starts over",
  ],
  [
    "left-room",
    { identity: "me", reason: "client left" },
    "    1.235  01234567  left        me: client left",
  ],
  ["track-published", { media: "video", codec: "vp8" }, "    1.235  01234567  publishes   video in vp8"],
  ["track-published", { media: "audio", codec: null }, "    1.235  01234567  publishes   audio"],
  ["track-unpublished", { media: "video" }, "    1.235  01234567  publishes   video no more"],
  [
    "no-section",
    { media: "video", codec: "vp9" },
    "    1.235  01234567  not watched video in vp9: the client offers no section for it",
  ],
  [
    "not-imitated",
    { message: "simulate" },
    "    1.235  01234567  passed over simulate, which is not imitated",
  ],
  ["livekit-close", { code: 1006 }, "    1.235  01234567  lost        its socket to the room, code 1006"],
  [
    "file-uploaded",
    { id: "file_1", mime: "image/png", sizeBytes: 12 },
    "    1.235  01234567  file        file_1, image/png, 12 bytes",
  ],
  [
    "file-uploaded",
    { id: "file_1", mime: "image/png", sizeBytes: 12, warning: "It was sent as \u001b/jpeg." },
    "    1.235  01234567  file        file_1, image/png, 12 bytes. It was sent as \\u001b/jpeg.",
  ],
  [
    "file-deleted",
    { id: "file_1", mime: "image/png", sizeBytes: 12 },
    "    1.235  01234567  deleted     file_1, image/png, 12 bytes",
  ],
])("%s is told on one line that does nothing to a terminal: %j", (kind, fields, told) => {
  expect(tell(line(kind, fields))).toBe(told);
});

test("a long line is cut, and not within a character", () => {
  const told = tell(line("refused", { error: "🦊".repeat(9999) }))!;
  expect(told).toMatch(/^ +1\.235 {2}01234567 {2}refused {5}🦊{180,190}\ufffd?…$/u);
});

test.each<[string, Record<string, unknown>]>([
  ["generation_tick", { seconds: 1 }],
  ["livekit-close", { code: 1000 }],
  ["close", { code: 1013, reason: "the echo of ours" }],
  ["livekit-offer", { sdp: "v=0" }],
  ["livekit-trickle", { candidateInit: "{}" }],
  ["livekit-update", { participants: [] }],
])("most lines of the journal are not told: %s", (kind, fields) => {
  expect(tell(line(kind, fields))).toBeNull();
});

test.each([
  [null, "Open      http://127.0.0.1:1/  ", "Watch     http://127.0.0.1:1/_lucy/health\n"],
  ["t0ken", "Open      http://127.0.0.1:1/#token=t0ken  ", "with authorization: Bearer t0ken\n"],
])("the token %s is printed with the addresses that need it", (controlToken, open, watch) => {
  const url = "http://127.0.0.1:1";
  const about = { url, realtimeUrl: "ws://127.0.0.1:1", options: defaultOptions(), limits: { sessions: 1 } };
  const printed = banner({ ...about, controlToken } as MockServer);
  expect(printed).toContain(open);
  expect(printed).toContain(watch);
});

const address = (address: string, about: Partial<NetworkInterfaceInfo> = {}) =>
  ({ address, family: "IPv4", internal: false, ...about }) as NetworkInterfaceInfo;
const interfaces = {
  lo: [address("127.0.0.1", { internal: true })],
  eth0: [address("fe80::1", { family: "IPv6" }), address("192.168.1.5"), address("10.0.0.5")],
  gone: undefined,
  wlan0: [address("192.168.2.5"), address("192.168.3.5")],
};

test.each<[string, object, string[]]>([
  ["0.0.0.0", interfaces, ["192.168.1.5", "10.0.0.5", "192.168.2.5"]],
  ["::", interfaces, ["192.168.1.5", "10.0.0.5", "192.168.2.5"]],
  ["0.0.0.0", { lo: interfaces.lo }, []],
  ["127.0.0.1", interfaces, []],
  ["192.168.1.5", interfaces, []],
])("started with --host %s, it prints where others reach it", (host, found, others) => {
  const about = {
    url: "https://127.0.0.1:4321",
    realtimeUrl: "wss://127.0.0.1:4321",
    options: { ...defaultOptions(), host },
    limits: { sessions: 1 },
    controlToken: "t0ken",
  };
  const lines = banner(about as MockServer, found as typeof interfaces).split("\n");
  const opened = lines.findIndex((line) =>
    line.startsWith("  Open      https://127.0.0.1:4321/#token=t0ken "),
  );
  expect(lines.slice(opened + 1, opened + 1 + others.length)).toEqual(
    others.map((other) => `            https://${other}:4321/#token=t0ken        from another machine`),
  );
  expect(lines.filter((line) => line.includes("from another machine"))).toHaveLength(others.length);
});

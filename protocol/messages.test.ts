import { describe, expect, test } from "vitest";
import {
  CLIENT_MESSAGES,
  CLIENT_TYPES,
  FIRST_TYPES,
  parseClientMessage,
  parseServerMessage,
  SERVER_MESSAGES,
  SERVER_TYPES,
} from "./index.ts";

const SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n";
const CANDIDATE = {
  candidate: "candidate:1 1 udp 2113937151 a.local 9 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
};
const IMAGE = "iVBORw0KGgo=";

/** Who sends it, word for word as it crosses the wire. */
const CLIENT_WIRE: readonly [who: string, frame: object][] = [
  ["every direct client", { type: "offer", sdp: SDP }],
  ["a client that was offered to", { type: "answer", sdp: SDP }],
  ["JS in Chromium", { type: "ice-candidate", candidate: { ...CANDIDATE, usernameFragment: "xPzq" } }],
  ["Android 0.6.1", { type: "ice-candidate", candidate: CANDIDATE }],
  [
    "a candidate with nulls",
    { type: "ice-candidate", candidate: { candidate: "", sdpMid: null, sdpMLineIndex: null } },
  ],
  ["JS 0.0.5 and later, end of candidates", { type: "ice-candidate", candidate: null }],
  ["JS up to 0.0.3", { type: "prompt", prompt: "P" }],
  ["setPrompt", { type: "prompt", prompt: "P", enhance_prompt: true }],
  ["setPrompt with enhance off", { type: "prompt", prompt: "P", enhance_prompt: false }],
  ["avatar image, JS 0.0.28", { type: "set_image", image_data: IMAGE }],
  ["setImage with a prompt, JS 0.0.38", { type: "set_image", image_data: IMAGE, prompt: "P" }],
  ["set with both", { type: "set_image", image_data: IMAGE, prompt: "P", enhance_prompt: true }],
  [
    "set with a prompt, JS 0.0.43 to 0.1.20",
    { type: "set_image", image_data: null, prompt: "P", enhance_prompt: true },
  ],
  ["set with image null", { type: "set_image", image_data: null, enhance_prompt: true }],
  ["set with an image", { type: "set_image", image_data: IMAGE, enhance_prompt: true }],
  ["set with a file, JS 0.1.1", { type: "set_image", image_ref: "file_1", enhance_prompt: true }],
  ["set with a file, before 0.1.1", { type: "set_image", image_data: "file_1", enhance_prompt: true }],
  ["passthrough, JS 0.0.52 and Python 0.0.24", { type: "set_image", image_data: null, prompt: null }],
  ["passthrough, Android", { type: "set_image", image_data: null }],
  ["set with a prompt, Python 0.0.19", { type: "set_image", prompt: "P", enhance_prompt: true }],
  ["clearing, Python 0.0.19", { type: "set_image" }],
  ["mirror on, JS up to 0.0.17", { type: "switch_camera", rotateY: 2 }],
  ["mirror off", { type: "switch_camera", rotateY: 0 }],
  ["JS 0.1.3 and Python 0.1.x", { type: "livekit_join" }],
  [
    "JS 0.1.6, passthrough",
    { type: "livekit_join", initial_state: { type: "set_image", image_data: null, prompt: null } },
  ],
  [
    "JS 0.1.6, with a prompt",
    { type: "livekit_join", initial_state: { type: "prompt", prompt: "P", enhance_prompt: true } },
  ],
  ["Android 0.7.5, no state", { type: "livekit_join", initial_state: null }],
  [
    "Android 0.7.5, passthrough",
    { type: "livekit_join", initial_state: { type: "set_image", image_data: null } },
  ],
  ["JS 0.1.14, bare stream", { type: "livekit_join", passthrough: true }],
  ["JS 0.1.14, with a prompt", { type: "livekit_join", passthrough: false }],
  [
    "JS 0.1.20, debugQuality",
    { type: "livekit_join", passthrough: true, client_capabilities: { frame_timing: true } },
  ],
  [
    "a client that writes null for what it leaves out",
    { type: "livekit_join", initial_state: null, passthrough: null, client_capabilities: null },
  ],
  [
    "an unreleased branch",
    { type: "set_image", image_data: IMAGE, sample_frame_data: "AAAA", enhance_prompt: true },
  ],
  ["an unreleased branch", { type: "livekit_join", passthrough: true, pause_mode: "freeze" }],
];

const SERVER_WIRE: readonly [note: string, frame: object][] = [
  ["a second offer follows", { type: "ready" }],
  ["supported, not used", { type: "offer", sdp: SDP }],
  ["", { type: "answer", sdp: SDP }],
  ["", { type: "ice-candidate", candidate: CANDIDATE }],
  ["", { type: "ice-candidate", candidate: null }],
  [
    "",
    {
      type: "ice-restart",
      turn_config: { username: "u", credential: "c", server_url: "turn:127.0.0.1:3478" },
    },
  ],
  ["the client does nothing", { type: "ice-restart" }],
  ["", { type: "prompt_ack", prompt: "P", success: true, error: null }],
  ["moderation", { type: "prompt_ack", prompt: "P", success: false, error: "Refused." }],
  ["Python and Android read this too", { type: "prompt_ack", prompt: "P", success: true }],
  ["JS 0.0.28", { type: "image_set", status: "ok" }],
  ["", { type: "set_image_ack", success: true, error: null }],
  ["", { type: "set_image_ack", success: false, error: "No such file." }],
  ["", { type: "error", error: "Invalid API key" }],
  ["", { type: "generation_started" }],
  ["", { type: "session_id", session_id: "S", server_ip: "1.2.3.4", server_port: 99 }],
  ["", { type: "generation_tick", seconds: 1 }],
  ["JS and Android take fractions", { type: "generation_tick", seconds: 1.5 }],
  ["", { type: "generation_ended", seconds: 12, reason: "insufficient_credits" }],
  ["a reason not in the list", { type: "generation_ended", seconds: 12, reason: "bored" }],
  ["JS 0.0.62", { type: "status", status: "loading" }],
  ["", { type: "queue_position", position: 3, queue_size: 9 }],
  [
    "",
    {
      type: "livekit_room_info",
      livekit_url: "ws://127.0.0.1:7880",
      token: "t",
      room_name: "r",
      session_id: "s",
    },
  ],
  ["an unreleased branch", { type: "error", error: "No.", error_type: "moderation_violation" }],
  [
    "an unreleased branch",
    {
      type: "session_id",
      session_id: "S",
      server_ip: "1.2.3.4",
      server_port: 99,
      turn_config: { urls: ["turn:127.0.0.1"], username: "u", credential: "c" },
    },
  ],
];

describe("every frame seen on the wire parses, and comes out as it went in", () => {
  test.each(CLIENT_WIRE)("client → server: %s %j", (_who, frame) => {
    expect(parseClientMessage(JSON.stringify(frame))).toEqual({ ok: true, message: frame });
  });

  test.each(SERVER_WIRE)("server → client: %s %j", (_note, frame) => {
    expect(parseServerMessage(JSON.stringify(frame))).toEqual({ ok: true, message: frame });
  });

  test("the tables above hold every type there is", () => {
    const typesIn = (wire: readonly (readonly [string, object])[]) =>
      new Set(wire.map(([, frame]) => (frame as { type: string }).type));
    expect(typesIn(CLIENT_WIRE)).toEqual(new Set(Object.keys(CLIENT_MESSAGES)));
    expect(typesIn(SERVER_WIRE)).toEqual(new Set(Object.keys(SERVER_MESSAGES)));
  });

  test.each([...CLIENT_WIRE])("an unknown field is let through: client → server: %s %j", (_who, frame) => {
    const extended = { ...frame, from_the_future: { deep: [1] } };
    expect(parseClientMessage(extended)).toEqual({ ok: true, message: extended });
  });

  test.each([...SERVER_WIRE])("an unknown field is let through: server → client: %s %j", (_note, frame) => {
    const extended = { ...frame, from_the_future: { deep: [1] } };
    expect(parseServerMessage(extended)).toEqual({ ok: true, message: extended });
  });
});

test.each(["  q  ", "a\u0000b\r\n", "e\u0301 ≠ é", "👩‍🚀", " "])(
  "prompt text %j is kept byte for byte",
  (prompt) => {
    expect(parseClientMessage(JSON.stringify({ type: "prompt", prompt }))).toEqual({
      ok: true,
      message: { type: "prompt", prompt },
    });
  },
);

test("each message type is spoken in at least one dialect, and only catalogued ones are", () => {
  expect(new Set(Object.values(CLIENT_TYPES).flat())).toEqual(new Set(Object.keys(CLIENT_MESSAGES)));
  expect(new Set(Object.values(SERVER_TYPES).flat())).toEqual(new Set(Object.keys(SERVER_MESSAGES)));
});

test("a first message tells the dialect: it is one of that dialect, and of no other", () => {
  for (const era of ["direct", "livekit"] as const) {
    for (const type of FIRST_TYPES[era]) expect(CLIENT_TYPES[era]).toContain(type);
  }
  expect(FIRST_TYPES.direct.filter((type) => FIRST_TYPES.livekit.includes(type))).toEqual([]);
});

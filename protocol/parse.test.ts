import { describe, expect, test } from "vitest";
import { type ParseFailure, PERMANENT_SUBSTRINGS, parseClientMessage, parseServerMessage } from "./index.ts";

const CLIENT_LIST = "offer, answer, ice-candidate, prompt, set_image, switch_camera, livekit_join";
const SECRET = "c2VjcmV0IGltYWdlIGJ5dGVz";

function failureOf(result: ReturnType<typeof parseClientMessage | typeof parseServerMessage>): ParseFailure {
  if (result.ok) throw new Error(`Expected a failure, got the message ${JSON.stringify(result.message)}.`);
  return result;
}

describe("a text that is not JSON is refused with the place and what belongs there", () => {
  test.each([
    ["", 'The frame is empty; send one JSON object with a string "type".'],
    [" \n", 'The frame is empty; send one JSON object with a string "type".'],
    ["hello", 'The frame is not JSON: a value was expected at character 1 of 5, near "hello".'],
    [
      '{"type":"prompt",}',
      'The frame is not JSON: a quoted key was expected at character 18 of 18, near "{\\"type\\":\\"prompt\\",}".',
    ],
    [
      "{type:1}",
      'The frame is not JSON: a quoted key or "}" was expected at character 2 of 8, near "{type:1}".',
    ],
    ['{"type" 1}', 'The frame is not JSON: a ":" was expected at character 9 of 10, near "{\\"type\\" 1}".'],
    [
      '{"a":1 "b":2}',
      'The frame is not JSON: "," or "}" was expected at character 8 of 13, near "{\\"a\\":1 \\"b\\":2}".',
    ],
    ["[1 2]", 'The frame is not JSON: "," or "]" was expected at character 4 of 5, near "[1 2]".'],
    [
      '{"a":1} x',
      'The frame is not JSON: nothing more was expected at character 9 of 9, near "{\\"a\\":1} x".',
    ],
    ['{"a":"b', 'The frame is not JSON: it ends after character 7 where a closing quote (") was expected.'],
    ['{"a":', "The frame is not JSON: it ends after character 5 where a value was expected."],
    [
      '{"a":"b\nc"}',
      'The frame is not JSON: an escape such as "\\n" in place of the control character was expected at character 8 of 11, near "{\\"a\\":\\"b\\nc\\"}".',
    ],
  ])("%j", (frame, error) => {
    expect(parseClientMessage(frame)).toEqual({ ok: false, kind: "not-json", type: null, error });
  });
});

describe("JSON that is no message is refused", () => {
  test.each<[unknown, string]>([
    ["null", "null"],
    ["[1,2]", "a list of 2"],
    ["42", "a number (42)"],
    ["true", "a boolean (true)"],
    ['"prompt"', 'the string "prompt"'],
    [undefined, "missing"],
    [new Uint8Array(3), "a binary frame of 3 bytes"],
    [new ArrayBuffer(4), "a binary frame of 4 bytes"],
  ])("%j", (frame, words) => {
    expect(parseClientMessage(frame)).toEqual({
      ok: false,
      kind: "not-an-object",
      type: null,
      error: `The frame is ${words}; send one JSON object with a string "type" in each text frame.`,
    });
  });

  test.each<[object, string]>([
    [{}, `The message has no "type"; it must be one of ${CLIENT_LIST}.`],
    [{ type: null }, `The message's "type" is null; it must be one of ${CLIENT_LIST}.`],
    [{ type: 7 }, `The message's "type" is a number (7); it must be one of ${CLIENT_LIST}.`],
  ])("%j", (frame, error) => {
    expect(parseClientMessage(JSON.stringify(frame))).toEqual({
      ok: false,
      kind: "no-type",
      type: null,
      error,
      raw: frame,
    });
  });
});

describe("an unknown type is told apart from wrong fields, and the nearest one is named", () => {
  test.each([
    ["promt", ' Did you mean "prompt"?'],
    ["setImage", ' Did you mean "set_image"?'],
    ["icecandidate", ' Did you mean "ice-candidate"?'],
    ["LIVEKIT_JOIN", ' Did you mean "livekit_join"?'],
    ["pause", ""],
    ["constructor", ""],
    ["__proto__", ""],
  ])("%s", (type, hint) => {
    // JSON.parse keeps a "__proto__" value as plain text; an object literal would not.
    const raw = JSON.parse(`{"type":${JSON.stringify(type)}}`);
    expect(parseClientMessage(raw)).toEqual({
      ok: false,
      kind: "unknown-type",
      type,
      error: `There is no message of type ${JSON.stringify(type)}; a client sends one of ${CLIENT_LIST}.${hint}`,
      raw,
    });
  });

  test("a message of the other direction is recognised", () => {
    expect(failureOf(parseClientMessage({ type: "ready" })).error).toBe(
      `"ready" is a message that the server sends; a client sends one of ${CLIENT_LIST}.`,
    );
    expect(failureOf(parseServerMessage({ type: "prompt", prompt: "P" })).error).toMatch(
      /^"prompt" is a message that the client sends; a server sends one of ready, offer, /,
    );
  });
});

describe("wrong fields are refused with the field, what came and what it must be", () => {
  test.each<[object, string]>([
    [{ type: "offer" }, 'In "offer", the field "sdp" is missing; it must be a string.'],
    [{ type: "offer", sdp: 5 }, 'In "offer", the field "sdp" is a number (5); it must be a string.'],
    [{ type: "answer", sdp: null }, 'In "answer", the field "sdp" is null; it must be a string.'],
    [
      { type: "ice-candidate" },
      'In "ice-candidate", the field "candidate" is missing; it must be an ICE candidate object or null.',
    ],
    [
      { type: "ice-candidate", candidate: "candidate:1" },
      'In "ice-candidate", the field "candidate" is the string "candidate:1"; it must be an ICE candidate object or null.',
    ],
    [
      { type: "ice-candidate", candidate: { candidate: "", sdpMLineIndex: 0.5 } },
      'In "ice-candidate", the field "candidate.sdpMLineIndex" is a number (0.5); it must be a whole number or null.',
    ],
    [
      { type: "ice-candidate", candidate: {} },
      'In "ice-candidate", the field "candidate.candidate" is missing; it must be a string.',
    ],
    [
      { type: "prompt", prompt: "" },
      'In "prompt", the field "prompt" is the string ""; it must be a string of at least 1 character.',
    ],
    [
      { type: "prompt", prompt: null },
      'In "prompt", the field "prompt" is null; it must be a string of at least 1 character.',
    ],
    [
      { type: "prompt", prompt: ["a"], enhance_prompt: "yes" },
      'In "prompt", the field "prompt" is a list of 1; it must be a string of at least 1 character. Also wrong: enhance_prompt.',
    ],
    [
      { type: "prompt", prompt: "P", enhance_prompt: null },
      'In "prompt", the field "enhance_prompt" is null; it must be true or false.',
    ],
    [
      { type: "set_image", image_data: 12345 },
      'In "set_image", the field "image_data" is a number; it must be a string of base64 or null.',
    ],
    [
      { type: "set_image", image_data: { base64: SECRET } },
      'In "set_image", the field "image_data" is an object; it must be a string of base64 or null.',
    ],
    [
      { type: "set_image", image_ref: "abc" },
      'In "set_image", the field "image_ref" is the string "abc"; it must be a string that starts with "file_".',
    ],
    [
      { type: "set_image", image_ref: null },
      'In "set_image", the field "image_ref" is null; it must be a string that starts with "file_".',
    ],
    [
      { type: "set_image", image_data: SECRET, image_ref: "file_1" },
      'In "set_image", the field "image_ref" is the string "file_1"; it must be left out when "image_data" holds an image.',
    ],
    [
      { type: "set_image", prompt: 5 },
      'In "set_image", the field "prompt" is a number (5); it must be a string or null.',
    ],
    [
      { type: "switch_camera", rotateY: 1 },
      'In "switch_camera", the field "rotateY" is a number (1); it must be 0 or 2.',
    ],
    [{ type: "switch_camera" }, 'In "switch_camera", the field "rotateY" is missing; it must be 0 or 2.'],
    [
      { type: "livekit_join", passthrough: "true" },
      'In "livekit_join", the field "passthrough" is the string "true"; it must be true or false.',
    ],
    [
      { type: "livekit_join", initial_state: "P" },
      'In "livekit_join", the field "initial_state" is the string "P"; it must be a "prompt" or "set_image" message, or null.',
    ],
    [
      { type: "livekit_join", initial_state: { type: "offer" } },
      'In "livekit_join", the field "initial_state.type" is the string "offer"; it must be "prompt" or "set_image".',
    ],
    [
      { type: "livekit_join", initial_state: { type: "set_image", image_data: true } },
      'In "livekit_join", the field "initial_state.image_data" is a boolean; it must be a string of base64 or null.',
    ],
    [
      { type: "livekit_join", client_capabilities: { frame_timing: 1 } },
      'In "livekit_join", the field "client_capabilities.frame_timing" is a number (1); it must be true or false.',
    ],
  ])("client → server: %j", (frame, error) => {
    expect(parseClientMessage(JSON.stringify(frame))).toEqual({
      ok: false,
      kind: "wrong-fields",
      type: (frame as { type: string }).type,
      error,
      raw: frame,
    });
  });

  test.each<[object, string, string]>([
    [{ type: "prompt_ack", success: true }, "prompt", "it must be a string."],
    [
      { type: "prompt_ack", prompt: "P", success: "yes", error: null },
      "success",
      "it must be true or false.",
    ],
    [{ type: "set_image_ack", success: false, error: 5 }, "error", "it must be a string or null."],
    [{ type: "error", error: { message: "no" } }, "error", "it must be a string."],
    [{ type: "generation_tick", seconds: "1" }, "seconds", "it must be a number."],
    [{ type: "generation_ended", seconds: 1 }, "reason", "it must be a string."],
    [
      { type: "session_id", session_id: "S", server_ip: "::1", server_port: "99" },
      "server_port",
      "it must be a whole number.",
    ],
    [
      { type: "session_id", session_id: "S", server_ip: "::1", server_port: 9.5 },
      "server_port",
      "it must be a whole number.",
    ],
    [{ type: "queue_position", position: 1 }, "queue_size", "it must be a whole number."],
    [{ type: "status", status: null }, "status", "it must be a string."],
    [{ type: "image_set" }, "status", "it must be a string."],
    [
      { type: "ice-restart", turn_config: { username: "u" } },
      "turn_config.credential",
      "it must be a string.",
    ],
    [
      { type: "ice-restart", turn_config: "turn:x" },
      "turn_config",
      "it must be an object with username, credential and server_url.",
    ],
    [
      { type: "livekit_room_info", livekit_url: "ws://x", token: "t", room_name: "r" },
      "session_id",
      "it must be a string.",
    ],
  ])("server → client: %j", (frame, field, must) => {
    const failure = failureOf(parseServerMessage(JSON.stringify(frame)));
    expect(failure).toMatchObject({ kind: "wrong-fields", raw: frame });
    expect(failure.error).toContain(`field "${field}" is `);
    expect(failure.error).toContain(must);
  });
});

describe("an error never carries much of the client's input, nor any of an image", () => {
  const long = "x".repeat(5000);
  test.each<[string, unknown]>([
    ["a type", { type: long }],
    ["a field", { type: "switch_camera", rotateY: long }],
    ["a list", { type: "offer", sdp: [long] }],
    ["a bare string", JSON.stringify(long)],
    ["broken JSON", `{"type": ${long}}`],
  ])("%s of 5000 characters", (_what, frame) => {
    const { error } = failureOf(parseClientMessage(frame));
    expect(error.match(/x/g)?.length ?? 0).toBeLessThanOrEqual(50);
    expect(error.length).toBeLessThan(300);
  });

  test.each<[string, unknown]>([
    ["cut off inside the image", `{"type":"set_image","image_data":"${SECRET}`],
    ["broken right after the image", `{"type":"set_image","image_data":"${SECRET}" "prompt":"P"}`],
    ["broken right before the image", `{"type":"set_image" "image_data":"${SECRET}"}`],
    ["broken inside the image", `{"image_data":"${SECRET}\\x${SECRET}","type":"set_image"}`],
    ["an image in a list", { type: "set_image", image_data: [SECRET] }],
    ["an image beside another mistake", { type: "set_image", image_data: SECRET, prompt: 5 }],
    ["a megabyte of image, cut off", `{"image_data":"${SECRET.repeat(50_000)}`],
  ])("%s", (_what, frame) => {
    const { error } = failureOf(parseClientMessage(frame));
    for (let at = 0; at + 6 <= SECRET.length; at++) expect(error).not.toContain(SECRET.slice(at, at + 6));
  });

  test("line breaks and control characters are escaped", () => {
    const { error } = failureOf(parseClientMessage({ type: "a\nb\u0000" }));
    expect(error).toContain('"a\\nb\\u0000"');
  });
});

test("our own words never make a client give up for good", () => {
  const errors = [
    parseClientMessage("{"),
    parseClientMessage("[]"),
    parseClientMessage({}),
    parseClientMessage({ type: "nothing" }),
    parseClientMessage({ type: "ready" }),
    parseClientMessage({ type: "prompt", prompt: 1 }),
    parseClientMessage({ type: "set_image", image_data: "AAAA", image_ref: "file_1" }),
  ].map((result) => failureOf(result).error.toLowerCase());
  for (const substring of PERMANENT_SUBSTRINGS) {
    for (const error of errors) expect(error).not.toContain(substring);
  }
});

test("nesting a hundred thousand deep neither throws nor hangs", () => {
  expect(failureOf(parseClientMessage("[".repeat(100_000))).kind).toBe("not-json");
});

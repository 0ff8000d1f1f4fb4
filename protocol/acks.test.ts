import { expect, test } from "vitest";
import { ackFor, type ClientMessage, parseClientMessage, refusalFor, stateMessageOf } from "./index.ts";

test.each<[ClientMessage, object | null]>([
  [
    { type: "prompt", prompt: "P" },
    { type: "prompt", prompt: "P" },
  ],
  [{ type: "set_image" }, { type: "set_image" }],
  [{ type: "livekit_join" }, null],
  [{ type: "livekit_join", initial_state: null }, null],
  [{ type: "livekit_join", passthrough: true }, null],
  [
    { type: "livekit_join", initial_state: { type: "set_image", image_data: null, prompt: null } },
    { type: "set_image", image_data: null, prompt: null },
  ],
  [{ type: "offer", sdp: "" }, null],
  [{ type: "switch_camera", rotateY: 2 }, null],
])("the state asked for by %j is %j", (message, state) => {
  expect(stateMessageOf(message)).toEqual(state);
});

test("an ack repeats the prompt untouched, and says why when it refuses", () => {
  expect(ackFor({ type: "prompt", prompt: "  q  " })).toEqual({
    type: "prompt_ack",
    prompt: "  q  ",
    success: true,
    error: null,
  });
  expect(ackFor({ type: "prompt", prompt: "P" }, "Refused.")).toEqual({
    type: "prompt_ack",
    prompt: "P",
    success: false,
    error: "Refused.",
  });
  expect(ackFor({ type: "set_image", prompt: "P" })).toEqual({
    type: "set_image_ack",
    success: true,
    error: null,
  });
  expect(ackFor({ type: "set_image" }, "Refused.")).toEqual({
    type: "set_image_ack",
    success: false,
    error: "Refused.",
  });
});

test.each<[unknown, object | null]>([
  [
    { type: "prompt", prompt: "P", enhance_prompt: 1 },
    { type: "prompt_ack", prompt: "P", success: false },
  ],
  [
    { type: "prompt", prompt: 5 },
    { type: "prompt_ack", prompt: "", success: false },
  ],
  [
    { type: "set_image", image_data: 5 },
    { type: "set_image_ack", success: false },
  ],
  [
    { type: "livekit_join", initial_state: { type: "set_image", image_data: 5 } },
    { type: "set_image_ack", success: false },
  ],
  [
    { type: "livekit_join", passthrough: 5, initial_state: { type: "prompt", prompt: "P" } },
    { type: "prompt_ack", prompt: "P", success: false },
  ],
  [{ type: "livekit_join", passthrough: 5 }, null],
  [{ type: "livekit_join", initial_state: { type: "offer" } }, null],
  [{ type: "livekit_join", initial_state: 5 }, null],
  [{ type: "offer" }, null],
  [{ type: "unheard_of", prompt: "P" }, null],
  ["{", null],
  ["[]", null],
])("the refusal owed to the broken %j is %j", (frame, ack) => {
  const failure = parseClientMessage(frame);
  if (failure.ok) throw new Error("Expected a frame that does not parse.");
  expect(refusalFor(failure)).toEqual(ack === null ? null : { ...ack, error: failure.error });
});

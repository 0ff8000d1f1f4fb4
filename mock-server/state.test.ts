import { describe, expect, test } from "vitest";
import { createFrame } from "../fixtures/frame.ts";
import type { SetImageMessage, StateMessage } from "../protocol/index.ts";
import {
  initialState,
  nextState,
  promptOnlySets,
  type ReferenceImage,
  readChange,
  type State,
} from "./state.ts";

const image = (hash: number): ReferenceImage => ({
  hash,
  mime: "image/png",
  width: 512,
  height: 512,
  byteLength: 100,
  picture: createFrame(2, 2),
});

const before: State = {
  revision: 41,
  prompt: "old",
  enhance: true,
  image: image(1),
  mirrored: true,
};

type After = { image: "kept" | "set" | "cleared"; prompt: string | null };

/** The table of the design, a row a line. `promptOnlySet` counts in one of them only. */
const rows: [name: string, message: Omit<SetImageMessage, "type">, keep: After, clear?: After][] = [
  ["image_data, no prompt key", { image_data: "QUJD" }, { image: "set", prompt: "old" }],
  ["image_ref, no prompt key", { image_ref: "file_1" }, { image: "set", prompt: "old" }],
  ["image_data and prompt", { image_data: "QUJD", prompt: "new" }, { image: "set", prompt: "new" }],
  ["image_ref and prompt", { image_ref: "file_1", prompt: "new" }, { image: "set", prompt: "new" }],
  ["image_data and prompt null", { image_data: "QUJD", prompt: null }, { image: "set", prompt: null }],
  ["null image, no prompt key", { image_data: null }, { image: "cleared", prompt: "old" }],
  ["null image, null prompt", { image_data: null, prompt: null }, { image: "cleared", prompt: null }],
  [
    "null image and prompt",
    { image_data: null, prompt: "new" },
    { image: "kept", prompt: "new" },
    { image: "cleared", prompt: "new" },
  ],
  ["no image key, prompt", { prompt: "new" }, { image: "kept", prompt: "new" }],
  ["neither key", {}, { image: "cleared", prompt: "old" }],
  ["an empty image_data is an image, a bad one", { image_data: "" }, { image: "set", prompt: "old" }],
  ["an empty prompt is none", { prompt: "" }, { image: "cleared", prompt: null }],
  [
    "an empty prompt beside an image clears it",
    { image_data: "YQ==", prompt: "" },
    { image: "set", prompt: null },
  ],
];

describe.each(promptOnlySets)("promptOnlySet %s", (promptOnlySet) => {
  test.each(rows)("set_image: %s", (_name, fields, keep, clear = keep) => {
    const expected = promptOnlySet === "keep" ? keep : clear;
    const change = readChange({ type: "set_image", ...fields }, promptOnlySet);
    const next = nextState(before, change, change.image ? image(2) : null);
    const images = { kept: 1, set: 2, cleared: undefined };
    expect({ prompt: next.prompt, image: next.image?.hash }).toEqual({
      prompt: expected.prompt,
      image: images[expected.image],
    });
  });

  test("a prompt message never touches the image", () => {
    const change = readChange({ type: "prompt", prompt: "new" }, promptOnlySet);
    expect(change).toEqual({ prompt: "new" });
    expect(nextState(before, change, null)).toEqual({ ...before, revision: 42, prompt: "new" });
  });
});

test.each<[StateMessage, boolean]>([
  [{ type: "prompt", prompt: "new" }, true],
  [{ type: "prompt", prompt: "new", enhance_prompt: false }, false],
  [{ type: "prompt", prompt: "new", enhance_prompt: true }, true],
  [{ type: "set_image", image_data: null }, true],
  [{ type: "set_image", image_data: null, enhance_prompt: false }, false],
])("enhance after %o is %s", (message, enhance) => {
  expect(nextState(before, readChange(message, "keep"), null).enhance).toBe(enhance);
});

test("enhance stays off until a message says otherwise", () => {
  const off = { ...before, enhance: false };
  expect(nextState(off, readChange({ type: "prompt", prompt: "new" }, "keep"), null).enhance).toBe(false);
});

test("text is kept byte for byte", () => {
  const prompt = "  👩‍🚀\u0000\ud83d ";
  expect(nextState(initialState, readChange({ type: "prompt", prompt }, "keep"), null).prompt).toBe(prompt);
});

test("each message makes exactly one revision, an empty change too, and leaves the state before alone", () => {
  const frozen = Object.freeze({ ...before });
  expect(nextState(frozen, {}, null)).toEqual({ ...before, revision: 42 });
  expect(initialState).toEqual({ revision: 0, prompt: null, enhance: true, image: null, mirrored: false });
});

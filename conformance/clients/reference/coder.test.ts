import { expect, test } from "vitest";
import { readClip } from "../../../fixtures/clips.ts";
import { createFrame } from "../../../fixtures/frame.ts";
import { openCoder } from "./coder.ts";

const camera = { width: 320, height: 180, fps: 15 };
const picture = createFrame(320, 180);

test.each(["vp8", "h264"] as const)("without a codec it plays the %s clip, from its key picture", (codec) => {
  const { frames } = readClip(`${codec}-180p15`);
  const coder = openCoder(null, codec, camera);
  const sent = [true, false, false, true].map((forceKey) => coder.encode(picture, forceKey));
  expect(sent).toEqual([0, 1, 2, 0].map((at) => frames[at]!.data));
});

test("it has no VP9 clip, and says what to do", () => {
  expect(() => openCoder(null, "vp9", camera)).toThrow("ask for vp8 or h264");
});

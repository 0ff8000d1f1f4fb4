import { describe, expect, it } from "vitest";
import { sentenceOf } from "./sentence-of.ts";

describe("sentenceOf()", () => {
  it.each([
    ["an Error", new Error("Prompt timed out"), "Prompt timed out."],
    ["a sentence that ends already", new Error("The file is empty."), "The file is empty."],
    ["the bare string that SDKs before 0.0.44 reject with", "It is a GIF", "It is a GIF."],
    ["null, which they reject with as well", null, "It failed and gave no reason."],
    [
      "an SDK's error around the reason",
      { code: "WEB_RTC_ERROR", message: "WebRTC error", data: { cause: new Error("No more sessions.") } },
      "No more sessions.",
    ],
    [
      "zod's issues",
      { issues: [{ message: "Too short" }, { message: "Not a URL" }] },
      "Too short; Not a URL.",
    ],
    ["an SDK's error without a cause", { message: "Model x not found", data: {} }, "Model x not found."],
  ])("reads %s", (_what, error, sentence) => {
    expect(sentenceOf(error)).toBe(sentence);
  });
});

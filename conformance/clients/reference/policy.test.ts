import { describe, expect, test } from "vitest";
import { CLIENT_MESSAGES, retryPausesMs } from "../../../protocol/index.ts";
import { correct, type StateMessage, type Wanted } from "./policy.ts";

describe("the ladder", () => {
  test("is the documented one, and ends", () => {
    const delays = [1, 2, 3, 4, 5, 6, 7].map(correct.retryDelayMs);
    expect(delays).toEqual([...retryPausesMs("js", "0.1.20"), null, null]);
  });

  test.each([
    ["a session that lasted begins it anew", 60_000, 3, 0],
    ["one that was closed at once goes on with it", 200, 3, 3],
    ["the first one that was closed at once is followed at once", 200, 0, 0],
  ])("%s", (_what, lastedMs, failedCount, expected) => {
    expect(correct.failedCountAfter(lastedMs, failedCount)).toBe(expected);
  });

  test.each([
    ["Invalid API key", true],
    ["Unauthorized", true],
    ["WebSocket closed: 4401 ", true],
    ["WebSocket error: Unexpected server response: 401", true],
    ["Insufficient credits.", true],
    ["Maximum session duration reached.", true],
    ["The session was ended by moderation.", true],
    ["Concurrent session limit reached.", false],
    ["answer timeout (14401ms)", false],
    ["WebSocket closed: 1011 nope", false],
    ["WebSocket closed: 1013 ", false],
    ["Internal server error.", false],
  ])("%s: permanent is %s", (why, expected) => {
    expect(correct.isPermanent(why)).toBe(expected);
  });

  test.each([
    ["insufficient_credits", true],
    ["timeout", true],
    ["moderation_violation", true],
    ["error", false],
    ["disconnect", false],
    ["something new", false],
  ])("generation that ended by %s: for good is %s", (reason, expected) => {
    expect(correct.endsForGood(reason)).toBe(expected);
  });
});

describe("encoding", () => {
  const cases: [string, readonly StateMessage[], readonly object[]][] = [
    [
      "set({ prompt })",
      correct.encodeSet({ prompt: "P" }),
      [{ type: "prompt", prompt: "P", enhance_prompt: true }],
    ],
    [
      "set({ prompt, image: null })",
      correct.encodeSet({ prompt: "P", image: null }),
      [{ type: "set_image", image_data: null, prompt: "P", enhance_prompt: true }],
    ],
    [
      "set({ image: null })",
      correct.encodeSet({ image: null }),
      [{ type: "set_image", image_data: null, enhance_prompt: true }],
    ],
    [
      "set({ prompt, image })",
      correct.encodeSet({ prompt: "  q  ", image: "aGk=", enhance: false }),
      [{ type: "set_image", image_data: "aGk=", prompt: "  q  ", enhance_prompt: false }],
    ],
    [
      "set({ image: file_… })",
      correct.encodeSet({ image: "file_1" }),
      [{ type: "set_image", image_ref: "file_1", enhance_prompt: true }],
    ],
    [
      "setImage of a data URL",
      correct.encodeImage({ image: "data:image/png;base64,aGk=" }),
      [{ type: "set_image", image_data: "aGk=" }],
    ],
    [
      "setPrompt",
      correct.encodePrompt({ prompt: "P", enhance: false }),
      [{ type: "prompt", prompt: "P", enhance_prompt: false }],
    ],
    ["nothing to begin with", correct.encodeInitial({}), []],
    [
      "a prompt to begin with",
      correct.encodeInitial({ prompt: "P" }),
      [{ type: "prompt", prompt: "P", enhance_prompt: true }],
    ],
    [
      "both to begin with",
      correct.encodeInitial({ prompt: "P", image: "aGk=", enhance: false }),
      [{ type: "set_image", image_data: "aGk=", prompt: "P", enhance_prompt: false }],
    ],
  ];

  test.each(cases)("%s", (_what, messages, expected) => {
    expect(messages).toEqual(expected);
    for (const message of messages) {
      expect(CLIENT_MESSAGES[message.type].safeParse(message).success).toBe(true);
    }
  });

  test.each([
    [{}, "connected", /Nothing to set/],
    [{ prompt: "" }, "connected", /at least one character/],
    [{ prompt: "P" }, "reconnecting", /connection is reconnecting/],
    [{ image: null }, "disconnected", /connection is disconnected/],
    [{ prompt: "P" }, "generating", null],
    [{ image: null }, "connected", null],
  ] as const)("%j while %s", (change, state, expected) => {
    const refused = correct.refuses(change, state);
    if (expected === null) expect(refused).toBeNull();
    else expect(refused).toMatch(expected);
  });
});

describe("what is restored", () => {
  const nothing: Wanted = { prompt: null, enhance: true, image: null };
  test.each<[string, Wanted, readonly object[]]>([
    ["nothing", nothing, []],
    [
      "a prompt",
      { ...nothing, prompt: "P", enhance: false },
      [{ type: "set_image", image_data: null, prompt: "P", enhance_prompt: false }],
    ],
    [
      "an image",
      { ...nothing, image: "aGk=" },
      [{ type: "set_image", image_data: "aGk=", enhance_prompt: true }],
    ],
    [
      "both, in one",
      { prompt: "P", enhance: true, image: "file_1" },
      [{ type: "set_image", image_ref: "file_1", prompt: "P", enhance_prompt: true }],
    ],
  ])("%s", (_what, wanted, expected) => {
    expect(correct.restore(wanted)).toEqual(expected);
  });

  test("a change keeps what it does not name", () => {
    const wanted = correct.wantedAfter(
      { prompt: "P", enhance: true, image: "aGk=" },
      { prompt: "Q", enhance: false },
    );
    expect(wanted).toEqual({ prompt: "Q", enhance: false, image: "aGk=" });
  });
});

test("a key of any characters stays one parameter", () => {
  const about = { realtimeUrl: "ws://127.0.0.1:1", apiKey: "a&b+c#d", model: "m", userAgent: "u" };
  const { searchParams, pathname } = new URL(correct.streamUrl(about));
  expect(pathname).toBe("/v1/stream");
  expect(Object.fromEntries(searchParams)).toEqual({ api_key: "a&b+c#d", model: "m", user_agent: "u" });
});

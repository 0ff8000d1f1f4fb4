import { describe, expect, test } from "vitest";
import { createGuard, creditsPerSecond, isLoopback, RemoteRefused, readEndpoint } from "./remote-guard.ts";

const whole = { sessionsMax: 2, secondsMax: 60, creditsMax: 1 };
const key = { DECART_API_KEY: "k" };

test.each([
  ["ws://127.0.0.1:8787", true],
  ["ws://127.9.9.9", true],
  ["ws://localhost:1", true],
  ["ws://[::1]:1", true],
  ["wss://api3.decart.ai", false],
  ["ws://127.0.0.1.example.com", false],
  ["ws://10.0.0.1", false],
  ["ws://localhost.example.com", false],
  ["nonsense", false],
])("%s is this machine: %s", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

describe("what is refused", () => {
  test.each<[string, Parameters<typeof readEndpoint>[1], RegExp]>([
    [
      "https://api3.decart.ai",
      { allowRemote: true, budget: whole, environment: key },
      /takes a WebSocket's address/,
    ],
    [
      "wss://u:p@api3.decart.ai",
      { allowRemote: true, budget: whole, environment: key },
      /DECART_API_KEY only/,
    ],
    [
      "wss://api3.decart.ai?api_key=k",
      { allowRemote: true, budget: whole, environment: key },
      /DECART_API_KEY only/,
    ],
    [
      "wss://api3.decart.ai",
      { allowRemote: false, budget: whole, environment: key },
      /Say --allow-remote as well/,
    ],
    ["wss://api3.decart.ai", { allowRemote: true, budget: {}, environment: key }, /all three/],
    [
      "wss://api3.decart.ai",
      { allowRemote: true, budget: { sessionsMax: 1, secondsMax: 1 }, environment: key },
      /all three/,
    ],
    [
      "wss://api3.decart.ai",
      { allowRemote: true, budget: whole, environment: {} },
      /taken from DECART_API_KEY/,
    ],
  ])("%s, %j", (address, about, sentence) => {
    expect(() => readEndpoint(address, about)).toThrow(RemoteRefused);
    expect(() => readEndpoint(address, about)).toThrow(sentence);
  });
});

test("this machine needs no leave, no budget and no key", () => {
  const read = readEndpoint("ws://127.0.0.1:9", { allowRemote: false, budget: {}, environment: {} });
  expect(read).toEqual({
    endpoint: { url: "http://127.0.0.1:9", realtimeUrl: "ws://127.0.0.1:9", apiKey: "dct_local" },
    budget: null,
  });
});

describe("a budget", () => {
  function begin(budget: typeof whole | null) {
    let nowMs = 0;
    const clock = { now: () => nowMs, after: () => ({ cancel() {} }) };
    const guard = createGuard(budget, clock);
    const pass = (seconds: number) => {
      nowMs += seconds * 1000;
    };
    return { guard, pass };
  }

  test("of sessions ends the run", () => {
    const { guard } = begin(whole);
    guard.open()();
    guard.open()();
    expect(() => guard.open()).toThrow("The budget of 2 sessions is spent");
  });

  test("of seconds ends the run", () => {
    const { guard, pass } = begin(whole);
    pass(60);
    expect(() => guard.open()).toThrow("60 seconds");
  });

  test("of credits ends the run: sessions that are open count, and that were", () => {
    const { guard, pass } = begin({ ...whole, sessionsMax: 9, secondsMax: 999 });
    const close = guard.open();
    pass(0.5 / creditsPerSecond);
    close();
    guard.open();
    pass(0.5 / creditsPerSecond + 1);
    expect(() => guard.open()).toThrow("1 credits");
  });

  test("of nothing is none, and all is counted", () => {
    const { guard, pass } = begin(null);
    for (let n = 0; n < 100; n++) guard.open();
    pass(1);
    expect(guard.spent).toMatchObject({ sessions: 100, seconds: 1 });
  });
});

import { Ping, SignalRequest, SignalResponse } from "@livekit/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../_running-server.ts";
import { createWaiters } from "../_waiters.ts";
import { signalQuery } from "../livekit/_signal-client.ts";
import { type ControlClient, controlFixture } from "./_control-client.ts";
import type { Declaration } from "./fault.ts";

const running = controlFixture();
const channel = "livekit";
const only = "pongResp";

/** A room's socket, with whatever comes on it. */
type Signal = {
  readonly control: ControlClient;
  readonly socket: WebSocket;
  /** `join`, `pong 3`, …; what is no message as what it is instead. */
  readonly heard: readonly string[];
  /** Asks with these numbers. */
  ask(...numbers: number[]): void;
  hears(line: string): Promise<void>;
  /** Everything that was asked before is dealt with. */
  settled(): Promise<void>;
  readonly closed: Promise<[code: number, reason: string]>;
};

/** The session brings its faults in its key, and meets them in its room. */
async function enter(fault: Declaration): Promise<Signal> {
  const control = await running.open({ channel, ...fault });
  control.send({ type: "livekit_join" });
  await control.hears("livekit_room_info");
  const info = control.frames.map((frame) => JSON.parse(String(frame))).find(({ token }) => token);
  return enterRoom(control, info.token);
}

async function enterRoom(control: ControlClient, token: string): Promise<Signal> {
  const { server, clock } = running;
  const socket = new WebSocket(`${server.realtimeUrl}/rtc/v1?${signalQuery({ token })}`);
  const { wake, until: whenFound } = createWaiters();
  const heard: string[] = [];
  let pongs = 0;
  socket.on("message", (data: Buffer, isBinary) => {
    heard.push(isBinary ? inWords(data) : "text");
    wake();
  });
  socket.on("pong", () => {
    pongs++;
    wake();
  });
  const closed = new Promise<[number, string]>((resolve) => {
    socket.on("close", (code, reason) => resolve([code, reason.toString("utf8")]));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  onTestFinished(async () => {
    socket.terminate();
    await closed;
    await until(server, () => control.lines("livekit-close").length > 0);
    // Who lost its socket may come back so long.
    clock.advance(20_000);
  });
  const send = (message: SignalRequest["message"]) => socket.send(new SignalRequest({ message }).toBinary());
  return {
    control,
    socket,
    heard,
    closed,
    ask(...numbers) {
      for (const n of numbers) send({ case: "pingReq", value: new Ping({ timestamp: BigInt(n) }) });
    },
    hears: async (line) => void (await whenFound(() => heard.includes(line) || undefined)),
    async settled() {
      const count = heard.filter((line) => line === "pong").length + 1;
      send({ case: "ping", value: 1n });
      await whenFound(() => heard.filter((line) => line === "pong").length >= count || undefined);
      const wanted = pongs + 1;
      socket.ping();
      await whenFound(() => pongs >= wanted || undefined);
    },
  };
}

function inWords(bytes: Buffer): string {
  try {
    const { message } = SignalResponse.fromBinary(bytes);
    if (message.case === "pongResp") return `pong ${message.value.lastPingTimestamp}`;
    return message.case ?? `unknown, ${bytes.length} bytes`;
  } catch {
    return "unreadable";
  }
}

const pongs = ["pong 1", "pong 2", "pong 3"];

test.each<[fault: Declaration, hears: string[], fired?: number]>([
  [{ name: "nothing", only }, pongs, 3],
  [{ name: "drop", only }, [], 3],
  [{ name: "drop", only, with: { every: 3 } }, ["pong 1", "pong 2"]],
  [{ name: "drop", direction: "to-server", only: "pingReq", when: { times: 1 } }, ["pong 2", "pong 3"]],
  [{ name: "duplicate", only, when: { times: 1 } }, ["pong 1", ...pongs]],
  [{ name: "reorder", only, when: { times: 1 } }, ["pong 2", "pong 1", "pong 3"]],
  [{ name: "corrupt-signal", only, when: { times: 1 } }, ["unreadable", "pong 2", "pong 3"]],
  [{ name: "corrupt-signal", only, with: { how: "text" }, when: { times: 1 } }, ["text", "pong 2", "pong 3"]],
  [
    { name: "corrupt-signal", only, with: { how: "unknown-type" }, when: { times: 1 } },
    ["unknown, 4 bytes", "pong 2", "pong 3"],
  ],
  [
    { name: "corrupt-signal", only, with: { how: "huge", bytes: 100_000 }, when: { times: 1 } },
    ["unknown, 100005 bytes", "pong 2", "pong 3"],
  ],
])("%j", async (fault, hears, fired = 1) => {
  const signal = await enter(fault);
  await signal.hears("join");
  signal.ask(1, 2, 3);
  await signal.settled();
  expect(signal.heard.filter((line) => line !== "join" && line !== "pong")).toEqual(hears);
  const { control } = signal;
  expect(control.lines("fault-fired").map(({ fields }) => fields.channel)).toEqual(
    Array(fired).fill(channel),
  );
  const told = control.lines("livekit-pongResp", "livekit-raw").length;
  expect(told).toBe(hears.length);
});

describe("in time", () => {
  test("delay", async () => {
    const signal = await enter({ name: "delay", only, with: { delayMs: 500 } });
    signal.ask(1);
    await signal.control.untilLines("fault-fired", 1);
    running.clock.advance(499);
    await signal.settled();
    expect(signal.heard).not.toContain("pong 1");
    running.clock.advance(1);
    await signal.hears("pong 1");
  });

  test("stall: what comes first waits, and all comes in order", async () => {
    const signal = await enter({ name: "stall", when: { for: { ms: 500 } } });
    signal.ask(1, 2);
    await signal.control.untilLines("fault-fired", 3);
    running.clock.advance(500);
    await signal.hears("pong 2");
    expect(signal.heard).toEqual(["join", "pong 1", "pong 2"]);
  });

  test("half-open: no ping is answered; once it heals, what was said meanwhile is", async () => {
    const signal = await enter({ name: "half-open" });
    await signal.hears("join");
    let answered = 0;
    signal.socket.on("pong", () => answered++);
    signal.socket.ping();
    signal.ask(1);
    await signal.control.pinged();
    await signal.control.pinged();
    expect([answered, signal.control.lines("livekit-pingReq").length]).toEqual([0, 0]);
    for (let passed = 0; passed < 45_000; passed += 9000) {
      expect(signal.control.lines("fault-healed")).toEqual([]);
      running.clock.advance(9000);
      await signal.control.pinged();
    }
    await signal.hears("pong 1");
    expect(answered).toBe(1);
  });
});

describe("the socket itself", () => {
  test.each<[fault: Declaration, code: number, reason: string, hears: string[]]>([
    [{ name: "close", with: { code: 1012, reason: "bye" } }, 1012, "bye", []],
    [{ name: "close", when: { at: "after-join-response" } }, 1011, "", ["join"]],
    [{ name: "drop-socket" }, 1006, "", ["join"]],
    [{ name: "drop-socket", when: { at: "room-socket" } }, 1006, "", []],
  ])("%j", async (fault, code, reason, hears) => {
    const signal = await enter(fault);
    expect(await signal.closed).toEqual([code, reason]);
    expect(signal.heard).toEqual(hears);
    expect(signal.control.lines("fault-fired")).toHaveLength(1);
  });

  test.each<[name: string, error: string]>([
    ["refuse-upgrade", "Unexpected server response: 503"],
    ["connection-reset", "read ECONNRESET"],
  ])("%s, and the next one gets in", async (name, error) => {
    const control = await running.open({ name, channel, when: { times: 1 } });
    control.send({ type: "livekit_join" });
    await control.hears("livekit_room_info");
    const info = control.frames.map((frame) => JSON.parse(String(frame))).find(({ token }) => token);
    await expect(enterRoom(control, info.token)).rejects.toThrow(error);
    const next = await enterRoom(control, info.token);
    await next.hears("join");
    expect(control.lines("fault-fired").map(({ fields }) => fields.on)).toEqual(["upgrade"]);
  });
});

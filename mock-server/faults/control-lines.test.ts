import { describe, expect, test } from "vitest";
import { controlFixture, prompt } from "./_control-client.ts";
import type { Declaration } from "./fault.ts";

const running = controlFixture();

/** What a client is told whose session is over after the ack of its first prompt. */
const ended = (error: string, reason: string, seconds = 0) => [
  "session_id",
  "ack P1",
  ...(seconds > 0 ? ["generation_started", "tick 1", "tick 2"] : []),
  `error ${error}`,
  `generation_ended ${seconds} ${reason}`,
];

const afterAck = { at: "ack-sent" };

describe("a socket that is closed", () => {
  test.each<[fault: string | Declaration, code: number, reason: string, hears: string[]]>([
    ["close", 1011, "", []],
    [{ name: "close", with: { code: 4401, reason: "no" } }, 4401, "no", []],
    [{ name: "close", with: { reason: "é".repeat(100) } }, 1011, "é".repeat(61), []],
    [{ name: "close", when: afterAck }, 1011, "", ["session_id", "ack P1"]],
    [{ name: "drop-socket", when: { at: "open" } }, 1006, "", []],
    [{ name: "drop-socket", when: afterAck }, 1006, "", ["session_id", "ack P1"]],
    ["capacity", 1013, "Concurrent session limit reached.", ["error Concurrent session limit reached."]],
    ["insufficient-credits", 1008, "Insufficient credits.", ["error Insufficient credits."]],
    [
      { name: "insufficient-credits", with: { how: "end" }, when: afterAck },
      1000,
      "insufficient_credits",
      ended("Insufficient credits.", "insufficient_credits"),
    ],
    [
      "moderation-end",
      1000,
      "moderation_violation",
      ended("The session was ended by moderation.", "moderation_violation"),
    ],
    ["session-expiry", 1000, "timeout", ended("Maximum session duration reached.", "timeout", 3)],
  ])("%j", async (fault, code, reason, hears) => {
    const client = await running.open(fault);
    client.send(prompt("P1"));
    if (fault === "session-expiry") {
      await client.hears("ack P1");
      client.connectMedia();
      running.clock.advance(3000);
    }
    expect(await client.closed).toEqual([code, reason]);
    expect(client.heard).toEqual(hears);
    expect(client.lines("fault-fired").map(({ fields }) => fields.on)).toEqual(["strike"]);
    const closes = client.lines("close").filter(({ direction }) => direction === "to-client");
    expect(closes.map(({ fields }) => fields.code)).toEqual(code === 1006 ? [] : [code]);
  });

  test.each<[name: string, code: number]>([
    ["capacity", 1013],
    ["close", 1011],
    ["drop-socket", 1006],
    ["insufficient-credits", 1008],
    ["moderation-end", 1000],
    ["session-expiry", 1000],
  ])(
    "%s, which only the first connection of a key meets: the next goes on as long as it likes",
    async (name, code) => {
      const key: Declaration = {
        name,
        when: { connections: 1, ...(name === "drop-socket" && { at: "open" }) },
      };
      for (const isFirst of [true, false]) {
        const client = await running.open(key);
        client.send(prompt("P1"));
        if (!isFirst || name === "session-expiry") {
          await client.hears("ack P1");
          client.connectMedia();
          running.clock.advance(4000);
        }
        if (isFirst) {
          expect((await client.closed)[0]).toBe(code);
          continue;
        }
        await client.hears("tick 4");
        client.send(prompt("P2"));
        await client.hears("ack P2");
        await client.settled();
        expect(client.lines("close", "generation_ended", "fault-fired")).toEqual([]);
      }
    },
  );

  test.each([1004, 1005, 1006, 1015, 2999, 5000, 1000.5])("no frame carries %j", async (code) => {
    const client = await running.open({ name: "close", with: { code } });
    expect((await client.closed)[0]).toBe(1008);
    expect(client.heard[0]).toContain(`"with.code" is ${code}.`);
  });
});

describe("a message that nobody asked for", () => {
  const answer = { username: "lucy", credential: "opensesame", server_url: "turn:127.0.0.1:3478" };
  test.each<[fault: Declaration, hears: string[], last: object]>([
    [
      { name: "server-error", when: afterAck },
      ["session_id", "ack P1", "error Internal server error.", "ack P2"],
      { type: "error", error: "Internal server error." },
    ],
    [
      { name: "unsolicited-ready", when: afterAck },
      ["session_id", "ack P1", "ready", "ack P2"],
      { type: "ready" },
    ],
    [
      { name: "ice-restart", when: afterAck, with: { credential: answer.credential } },
      ["session_id", "ack P1", "ice-restart", "ack P2"],
      { type: "ice-restart", turn_config: answer },
    ],
    [
      { name: "early-generation" },
      ["generation_started", "session_id", "ack P1", "ack P2"],
      { type: "generation_started" },
    ],
    [
      { name: "early-end", when: afterAck, with: { reason: "error" } },
      ["session_id", "ack P1", "generation_ended 3 error", "ack P2"],
      { type: "generation_ended", seconds: 3, reason: "error" },
    ],
    [
      { name: "server-error", when: { ...afterAck, times: 2 } },
      ["session_id", "ack P1", "error Internal server error.", "ack P2", "error Internal server error."],
      { type: "error", error: "Internal server error." },
    ],
  ])("%j", async (fault, hears, message) => {
    const client = await running.open(fault);
    client.send(prompt("P1"), prompt("P2"));
    await client.hears("ack P2");
    await client.pinged();
    expect(client.heard).toEqual(hears);
    expect(client.frames.map((frame) => JSON.parse(String(frame)))).toContainEqual(message);
    expect(client.lines("fault-fired")).toHaveLength(fault.when?.times ?? 1);
    expect(JSON.stringify(running.server.journal.lines)).not.toContain("opensesame");
  });
});

describe("no socket at all", () => {
  test.each<[fault: string | Declaration, error: string]>([
    ["refuse-upgrade", "Unexpected server response: 503"],
    [
      { name: "refuse-upgrade", with: { status: 401, body: "Unauthorized" } },
      "Unexpected server response: 401",
    ],
    ["connection-reset", "read ECONNRESET"],
  ])("%j", async (fault, error) => {
    await expect(running.open(fault)).rejects.toThrow(error);
    const told = running.server.journal.lines.filter(({ session }) => session !== null);
    const last = told.slice(told.findLastIndex(({ kind }) => kind === "faults"));
    expect(last.map(({ kind }) => kind)).toEqual([
      "faults",
      fault === "connection-reset" ? "reset" : "upgrade-refused",
      "fault-fired",
      "faults-ended",
    ]);
  });

  test("the next one gets its socket", async () => {
    const fault = { name: "refuse-upgrade", when: { connections: [1, 2] } } as const;
    await expect(running.open(fault)).rejects.toThrow("503");
    await expect(running.open(fault)).rejects.toThrow("503");
    const third = await running.open(fault);
    third.send(prompt("P1"));
    await third.hears("ack P1");
  });
});

test("half-open: no ping is answered, nothing comes; once it heals, what was said meanwhile is read", async () => {
  const client = await running.open([
    { name: "half-open", when: { at: "ack-sent" } },
    { name: "early-generation", when: { at: "state-applied:2" } },
  ]);
  client.send(prompt("P1"));
  await client.hears("ack P1");
  await client.untilLines("fault-fired", 1);
  const pongs: string[] = [];
  client.socket.on("pong", () => pongs.push("deaf"));
  client.socket.ping();
  client.send(prompt("P2"));
  const other = await running.open({ name: "nothing", channel: "control" });
  other.send(prompt("P1"));
  await other.hears("ack P1");
  await other.pinged();
  await other.pinged();
  expect([pongs, client.lines("prompt")]).toMatchObject([[], [{ fields: { prompt: "P1" } }]]);
  other.socket.close();
  await other.closed;

  running.clock.advance(44_999);
  expect(client.lines("fault-healed")).toEqual([]);
  running.clock.advance(1);
  await client.hears("ack P2");
  expect(pongs).toEqual(["deaf"]);
  expect(client.heard).toEqual(["session_id", "ack P1", "generation_started", "ack P2"]);
  expect(client.lines("half-open")).toEqual([]);
});

test("queue-silence: a place in the queue, no more of anything, and all in order when it heals", async () => {
  const client = await running.open({
    name: "queue-silence",
    with: { count: 2, position: 7, queueSize: 9 },
    when: { for: { ms: 2500 } },
  });
  client.send({ type: "livekit_join" });
  await client.untilLines("fault-fired", 1);
  client.send(prompt("P1"));
  await client.untilLines("fault-fired", 2);
  client.connectMedia();
  running.clock.advance(2499);
  await client.untilLines("fault-fired", 5);
  await client.pinged();
  expect(client.heard).toEqual(["queue_position", "queue_position"]);
  expect(client.frames.map((frame) => JSON.parse(String(frame)))).toContainEqual({
    type: "queue_position",
    position: 7,
    queue_size: 9,
  });
  running.clock.advance(1);
  await client.hears("tick 2");
  expect(client.heard.slice(2)).toEqual([
    "livekit_room_info",
    "ack P1",
    "generation_started",
    "tick 1",
    "tick 2",
  ]);
});

test("queue-silence: a close waits as well", async () => {
  const client = await running.open({ name: "queue-silence", when: { for: { ms: 1000 } } });
  client.send({ type: "livekit_join" });
  await client.untilLines("fault-fired", 1);
  running.server.sessions.find(({ id }) => id === client.id)!.end("timeout", "It is over.");
  await client.pinged();
  expect(client.heard).toEqual(["queue_position"]);
  running.clock.advance(1000);
  expect(await client.closed).toEqual([1000, "timeout"]);
  expect(client.heard.slice(1)).toEqual([
    "livekit_room_info",
    "error It is over.",
    "generation_ended 0 timeout",
  ]);
});

test("a viewer's socket is struck as any other", async () => {
  const client = await running.open({ name: "server-error", when: { at: "open" } });
  await client.hears("error Internal server error.");
  client.send(prompt("P1"));
  await client.hears("ack P1");
  const viewer = await running.open({ name: "close", with: { code: 4000 } }, `/subscribe/${client.id}`);
  expect(await viewer.closed).toEqual([4000, ""]);
});

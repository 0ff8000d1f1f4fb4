import { describe, expect, test } from "vitest";
import { controlFixture, prompt } from "./_control-client.ts";
import type { Declaration } from "./fault.ts";

const running = controlFixture();

type Row = {
  fault: Declaration;
  /** P1, P2 and P3 unless others are said. */
  says?: string[];
  /** Between the session's id and the ack of what is refused. */
  hears: string[];
  /** State messages that came into force. */
  applied?: number;
  fired?: number;
  healed?: number;
};

const acks = ["ack P1", "ack P2", "ack P3"];
const only = "prompt_ack";
const once = { times: 1 };

const rows: Row[] = [
  { fault: { name: "nothing", channel: "control", only }, hears: acks, fired: 3 },
  { fault: { name: "drop", only }, hears: [], fired: 3 },
  { fault: { name: "drop", only, with: { every: 2 } }, hears: ["ack P1", "ack P3"] },
  { fault: { name: "drop", only, when: once }, hears: ["ack P2", "ack P3"] },
  { fault: { name: "drop", only, when: { for: { messages: 2 } } }, hears: ["ack P3"], fired: 2, healed: 1 },
  {
    fault: { name: "drop", direction: "to-server", only: "prompt", when: once },
    hears: ["ack P2", "ack P3"],
    applied: 2,
  },
  { fault: { name: "duplicate", only, when: once }, hears: ["ack P1", ...acks] },
  {
    fault: { name: "duplicate", only, with: { copies: 3 }, when: once },
    hears: ["ack P1", "ack P1", "ack P1", ...acks],
  },
  {
    fault: { name: "duplicate", direction: "to-server", only: "prompt", when: once },
    hears: ["ack P1", ...acks],
    applied: 4,
  },
  { fault: { name: "reorder", only, when: once }, hears: ["ack P2", "ack P1", "ack P3"] },
  {
    fault: { name: "reorder", only },
    says: ["P1", "P2", "P3", "P4"],
    hears: ["ack P2", "ack P1", "ack P4", "ack P3"],
    applied: 4,
    fired: 2,
  },
  { fault: { name: "reorder", only, with: { depth: 2 } }, hears: ["ack P2", "ack P3", "ack P1"] },
  {
    fault: { name: "reorder", only, with: { depth: 9 }, when: { for: { messages: 3 } } },
    hears: ["ack P2", "ack P3", "ack P1"],
    healed: 1,
  },
  {
    fault: { name: "reorder", direction: "to-server", only: "prompt", when: once },
    hears: ["ack P2", "ack P1", "ack P3"],
  },
  { fault: { name: "wrong-echo", when: once }, hears: ["ack an enhanced prompt", "ack P2", "ack P3"] },
  {
    fault: { name: "wrong-echo", with: { how: "trimmed" } },
    says: [" P1  ", "P2"],
    hears: ["ack P1", "ack P2"],
    applied: 2,
  },
  {
    fault: { name: "wrong-echo", with: { how: "upper" } },
    says: ["edges", "P2"],
    hears: ["ack EDGES", "ack P2"],
    applied: 2,
  },
  { fault: { name: "missing-ack" }, hears: ["ack P2", "ack P3"] },
  { fault: { name: "missing-ack", when: { at: "ack-queued:2" } }, hears: ["ack P1", "ack P3"] },
  { fault: { name: "double-ack" }, hears: ["ack P1", ...acks] },
  { fault: { name: "late-ack", with: { delayMs: 0, acks: 1 } }, hears: ["ack P2", "ack P1", "ack P3"] },
  { fault: { name: "late-ack", with: { delayMs: 0, acks: 2 } }, hears: ["ack P2", "ack P3", "ack P1"] },
  {
    fault: { name: "late-ack", with: { delayMs: 60_000, acks: 1 }, when: { times: 2 } },
    hears: ["ack P3", "ack P1", "ack P2"],
    fired: 2,
  },
  { fault: { name: "negative-ack" }, hears: ["ack P1 refused", "ack P2", "ack P3"], applied: 2 },
  {
    fault: { name: "moderation", with: { word: "p2" } },
    hears: ["ack P1", "ack P2 refused", "ack P3"],
    applied: 2,
  },
  {
    fault: { name: "moderation" },
    hears: ["ack P1 refused", "ack P2 refused", "ack P3 refused"],
    applied: 0,
    fired: 3,
  },
];

test.each(rows.map((row) => ({ ...row, name: JSON.stringify(row.fault) })))(
  "$name",
  async ({ fault, says = ["P1", "P2", "P3"], hears, applied = 3, fired = 1, healed = 0 }) => {
    const client = await running.open(fault);
    client.send(...says.map(prompt));
    await client.settled();
    expect(client.heard).toEqual(["session_id", ...hears, "set_image_ack refused"]);
    expect(client.lines("state")).toHaveLength(applied);
    const times = client.lines("fault-fired");
    expect(times.map(({ fields }) => [fields.fault, fields.name])).toEqual(
      times.map(() => ["key-1", fault.name]),
    );
    expect(times).toHaveLength(fired);
    expect(client.lines("fault-healed")).toHaveLength(healed);
  },
);

describe("an ack is spoiled", () => {
  const good = JSON.stringify({ type: "prompt_ack", prompt: "P1", success: true, error: null });
  test.each<[how: string, frame: string | Buffer]>([
    ["bad-json", good.replaceAll('"', "'")],
    ["wrong-types", '{"type":"prompt_ack","prompt":2,"success":"true","error":[null]}'],
    ["truncated", good.slice(0, good.length / 2)],
    ["binary", Buffer.from(good)],
    ["unknown-type", good.replace("prompt_ack", "unknown_prompt_ack")],
    ["huge", good.replace("}", `,"padding":"${"x".repeat(100_000)}"}`)],
  ])("%s", async (how, frame) => {
    const client = await running.open({ name: "corrupt", only, with: { how, bytes: 100_000 }, when: once });
    client.send(prompt("P1"), prompt("P2"));
    await client.settled();
    expect(client.frames[1]).toEqual(frame);
    expect(client.heard.slice(2)).toEqual(["ack P2", "set_image_ack refused"]);
    expect(client.lines("fault-fired")).toHaveLength(1);
  });

  test("a message with nothing but its type has no wrong types", async () => {
    const client = await running.open({
      name: "corrupt",
      with: { how: "wrong-types" },
      only: ["generation_started", "prompt_ack"],
    });
    client.send(prompt("P1"));
    await client.hears("ack 2");
    client.connectMedia();
    await client.hears("generation_started");
    expect(client.lines("fault-fired").map(({ fields }) => fields.on)).toEqual(["prompt_ack"]);
  });
});

describe("in time", () => {
  test("late-ack: after so many milliseconds", async () => {
    const client = await running.open({ name: "late-ack", with: { delayMs: 6000 } });
    client.send(prompt("P1"), prompt("P2"));
    await client.settled();
    running.clock.advance(5999);
    await client.settled();
    expect(client.heard).not.toContain("ack P1");
    running.clock.advance(1);
    await client.hears("ack P1");
  });

  test("late-ack: each so many milliseconds after it was due", async () => {
    const client = await running.open({
      name: "late-ack",
      only,
      with: { delayMs: 6000 },
      when: { times: 2 },
    });
    client.send(prompt("P1"));
    await client.settled();
    running.clock.advance(5000);
    client.send(prompt("P2"), prompt("P3"));
    await client.settled();
    running.clock.advance(1000);
    await client.hears("ack P1");
    running.clock.advance(4999);
    await client.settled();
    expect(client.heard).not.toContain("ack P2");
    running.clock.advance(1);
    await client.hears("ack P2");
    expect(client.heard.filter((line) => line.startsWith("ack"))).toEqual(["ack P3", "ack P1", "ack P2"]);
  });

  test("delay: each as late, to the client", async () => {
    const client = await running.open({ name: "delay", only, with: { delayMs: 1000 } });
    client.send(prompt("P1"));
    await client.untilLines("fault-fired", 1);
    running.clock.advance(600);
    client.send(prompt("P2"));
    await client.untilLines("fault-fired", 2);
    running.clock.advance(400);
    await client.hears("ack P1");
    expect(client.heard).toEqual(["session_id", "ack P1"]);
    running.clock.advance(599);
    await client.settled();
    expect(client.heard).not.toContain("ack P2");
    running.clock.advance(1);
    await client.hears("ack P2");
  });

  test("delay: to the server", async () => {
    const client = await running.open({ name: "delay", direction: "to-server", with: { delayMs: 1000 } });
    client.send(prompt("P1"));
    await client.untilLines("fault-fired", 1);
    running.clock.advance(999);
    await client.pinged();
    expect(client.heard).toEqual([]);
    running.clock.advance(1);
    await client.hears("ack P1");
  });

  test("delay: jitter changes no order, and healing gives out the rest", async () => {
    const said = Array.from({ length: 20 }, (_, n) => `P${n}`);
    const client = await running.open({
      name: "delay",
      only,
      with: { delayMs: 100, jitterMs: 5000 },
      when: { for: { ms: 3000 } },
    });
    client.send(...said.map(prompt));
    await client.untilLines("fault-fired", said.length);
    running.clock.advance(2999);
    await client.settled();
    const early = client.heard.filter((line) => line.startsWith("ack")).length;
    expect(early).toBeLessThan(said.length);
    running.clock.advance(1);
    await client.hears("ack P19");
    expect(client.heard.filter((line) => line.startsWith("ack"))).toEqual(said.map((text) => `ack ${text}`));
  });

  test("delay: an upgrade that is named", async () => {
    const opened = running.open({ name: "delay", direction: "to-server", only: "upgrade" });
    const { server, clock } = running;
    const before = server.journal.lines.length;
    await new Promise<void>((resolve) => {
      const stop = server.journal.follow(({ kind }) => {
        if (kind !== "fault-fired") return;
        stop();
        resolve();
      });
    });
    expect(server.journal.lines.slice(before).filter(({ kind }) => kind === "open")).toEqual([]);
    clock.advance(1000);
    const client = await opened;
    client.send(prompt("P1"));
    await client.hears("ack P1");
  });

  test.each<[name: string, direction: "to-client" | "to-server"]>([
    ["what the server says", "to-client"],
    ["what the client says", "to-server"],
  ])("stall: %s is held, and comes in order", async (_name, direction) => {
    const client = await running.open({ name: "stall", direction, when: { for: { ms: 5000 } } });
    client.send(prompt("P1"), prompt("P2"));
    await client.untilLines("fault-fired", direction === "to-client" ? 3 : 2);
    running.clock.advance(4999);
    await client.pinged();
    expect(client.heard).toEqual([]);
    running.clock.advance(1);
    await client.hears("ack P2");
    expect(client.heard).toEqual(["session_id", "ack P1", "ack P2"]);
    expect(client.lines("fault-healed")).toHaveLength(1);
  });

  test("stall: a close waits as well", async () => {
    const client = await running.open([
      { name: "stall", when: { for: { ms: 5000 } } },
      { name: "moderation-end", when: { at: "joined" } },
    ]);
    client.send({ type: "livekit_join" });
    await client.untilLines("session-ended", 1);
    await client.pinged();
    expect(client.heard).toEqual([]);
    running.clock.advance(5000);
    expect(await client.closed).toEqual([1000, "moderation_violation"]);
    expect(client.heard).toEqual([
      "error The session was ended by moderation.",
      "generation_ended 0 moderation_violation",
    ]);
  });
});

describe("generation", () => {
  test.each<[how: string, ticks: string[]]>([
    ["skip", ["tick 4", "tick 6", "tick 8"]],
    ["repeat", ["tick 2", "tick 3", "tick 3"]],
    ["backwards", ["tick 1", "tick 0", "tick -1"]],
    ["fractional", ["tick 3.5", "tick 4.5", "tick 5.5"]],
  ])("wrong-ticks: %s", async (how, ticks) => {
    const client = await running.open({ name: "wrong-ticks", with: { how }, when: { times: 3 } });
    client.send(prompt("P1"));
    await client.hears("ack P1");
    client.connectMedia();
    running.clock.advance(6000);
    await client.hears("tick 6");
    if (how === "skip") await client.hears("tick 8");
    await client.settled();
    expect(client.heard.slice(2, -1)).toEqual(["generation_started", "tick 1", "tick 2", ...ticks, "tick 6"]);
  });

  test("no-generation: ticks without a beginning", async () => {
    const client = await running.open("no-generation");
    client.send(prompt("P1"));
    await client.hears("ack P1");
    client.connectMedia();
    running.clock.advance(2000);
    await client.hears("tick 2");
    expect(client.heard).toEqual(["session_id", "ack P1", "tick 1", "tick 2"]);
  });

  test("no-generation heals: whose media is lost and comes back is told", async () => {
    const client = await running.open({ name: "no-generation", when: { for: { messages: 1 } } });
    client.send(prompt("P1"));
    await client.hears("ack P1");
    client.connectMedia();
    running.clock.advance(1000);
    await client.hears("tick 1");
    running.server.sessions.find(({ id }) => id === client.id)!.disconnected();
    client.connectMedia();
    await client.hears("generation_started");
    expect(client.heard).toEqual(["session_id", "ack P1", "tick 1", "generation_started"]);
    expect(client.lines("fault-healed").map(({ fields }) => fields.why)).toEqual(["for"]);
  });
});

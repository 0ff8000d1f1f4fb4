/** The client against a mock server in this process: one scene for each thing it owes. */
import { afterAll, describe, expect, test } from "vitest";
import {
  type Declaration,
  type MockServer,
  startMockServer,
  writeMockKey,
} from "../../../mock-server/index.ts";
import { type ClientEvent, type Dialect, dialects } from "../../client.ts";
import { realClock } from "../../clock.ts";
import { correct, type Policy } from "./policy.ts";
import { createReferenceClient } from "./reference-client.ts";
import { loadRtc } from "./room.ts";
import { createSteppedClock } from "./stepped-clock.ts";

process.env.NODE_ENV = "production";
afterAll(async () => {
  const { dispose } = await loadRtc();
  await dispose();
});

async function play(dialect: Dialect, policy: Policy = correct) {
  const server = await startMockServer({ port: 0, mode: "none", seed: 1 });
  const events: ClientEvent[] = [];
  const watchers = new Set<() => void>();
  const wake = () => {
    for (const watch of watchers) watch();
  };
  const clock = createSteppedClock(realClock);
  const waits = new Set<number>();
  const client = createReferenceClient({
    dialect,
    policy,
    clock: {
      now: clock.now,
      after(delayMs, run) {
        waits.add(delayMs);
        wake();
        return clock.after(delayMs, run);
      },
    },
    live: realClock,
    codecs: null,
    tell(event) {
      events.push(event);
      wake();
    },
  });
  server.journal.follow(wake);

  function until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!done()) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  }

  const states = () => events.flatMap((event) => (event.event === "state" ? [event.state] : []));
  return {
    server,
    client,
    clock,
    events,
    until,
    /** Resolves once the client has begun to wait for so long. */
    async waits(delayMs: number) {
      await until(() => waits.has(delayMs));
      waits.delete(delayMs);
    },
    states,
    connect: (faults: readonly Declaration[] = [], about = {}) =>
      client.connect({
        url: server.url,
        realtimeUrl: server.realtimeUrl,
        apiKey: faults.length === 0 ? "dct_local" : writeMockKey(faults),
        camera: { width: 320, height: 180, fps: 15 },
        ...about,
      }),
    said: (kind: string, session?: string) =>
      server.journal.lines
        .filter((line) => line.kind === kind && line.direction === "to-server")
        .filter((line) => session === undefined || line.session === session)
        .map(({ fields }) => fields),
    async [Symbol.asyncDispose]() {
      await client.disconnect();
      const open = client.open();
      client.quit();
      await server.close();
      expect(open).toEqual({ sockets: 0, connections: 0, tracks: 0 });
    },
  };
}

const open = (server: MockServer) => server.journal.lines.filter(({ kind }) => kind === "open").length;

describe.each(dialects)("%s", (dialect) => {
  test("connects, sets, goes, and comes again", async () => {
    await using scene = await play(dialect);
    const { client, connect, states, until, said } = scene;
    expect(await connect()).toEqual({ sessionId: expect.any(String), subscribeToken: expect.any(String) });
    await client.set({ prompt: "a red cape" });
    await client.setPrompt({ prompt: "  q  " });
    await client.setImage({ image: null });
    await expect(client.set({ image: "no image" })).rejects.toThrow();
    await until(() => states().includes("generating"));
    expect(said("prompt").map(({ prompt }) => prompt)).toEqual(["a red cape", "  q  "]);
    expect(said("set_image")[0]).toEqual({ image_data: null });
    await Promise.all([client.disconnect(), client.disconnect()]);
    expect(states()).toEqual(["connecting", "connected", "generating", "disconnected"]);
    await expect(client.set({ prompt: "P" })).rejects.toThrow(
      "Cannot send message: connection is disconnected",
    );
    await connect([], { initial: { prompt: "hi" } });
    expect(said("prompt").at(-1)).toEqual({ prompt: "hi", enhance_prompt: true });
  });

  test("restores the latest state, once, and ends the call that waited", async () => {
    await using scene = await play(dialect);
    const { client, connect, until, said, server } = scene;
    await connect([], { initial: { prompt: "first" } });
    await client.setPrompt({ prompt: "latest", enhance: false });
    const [lost] = server.sessions;
    server.faults.add([{ name: "missing-ack" }, { name: "drop-socket", when: { at: "state-received:3" } }], {
      session: lost!.id,
    });
    await expect(client.set({ prompt: "cut off" })).rejects.toThrow();
    await until(() => scene.states().includes("reconnecting") && scene.states().at(-1) === "generating");
    expect(scene.states()).toEqual(expect.arrayContaining(["reconnecting", "connected", "generating"]));
    const [next] = server.sessions;
    expect(next!.id).not.toBe(lost!.id);
    expect(said("set_image", next!.id)).toEqual([
      { image_data: null, prompt: "latest", enhance_prompt: false },
    ]);
    expect(said("prompt", next!.id)).toEqual([]);
    expect(next!.state.prompt).toBe("latest");
  });

  test("climbs the ladder exactly, and ends", async () => {
    await using scene = await play(dialect, {
      ...correct,
      // No pause of the ladder is so long: what the client waits for is known by it.
      openMsMax: 60_000,
      pingEveryMs: 60_000,
    });
    const { clock, connect, until, waits, server, states, events } = scene;
    await clock.advance(1);
    const connected = connect([{ name: "close", when: { at: "open" } }]);
    connected.catch(() => {});
    for (const [at, delayMs] of [1000, 2000, 4000, 8000, 10_000].entries()) {
      await waits(delayMs);
      await clock.advance(delayMs - 1);
      expect(open(server)).toBe(at + 1);
      await clock.advance(1);
      await until(() => open(server) === at + 2);
    }
    await expect(connected).rejects.toThrow("WebSocket closed: 1011");
    expect(states()).toEqual(["connecting", "disconnected"]);
    expect(events).toHaveLength(2);
  });

  test("does not try again where it is no use", async () => {
    await using scene = await play(dialect);
    const { connect, server, events } = scene;
    const credits = { name: "insufficient-credits" } as const;
    await expect(connect([credits])).rejects.toThrow("Insufficient credits.");
    expect(open(server)).toBe(1);
    expect(events).toEqual([
      { event: "state", state: "connecting" },
      { event: "error", message: "Insufficient credits." },
      { event: "state", state: "disconnected" },
    ]);
  });

  test("is told that generation has ended for good, and stays away", async () => {
    await using scene = await play(dialect);
    const { connect, server, states, until, events } = scene;
    await connect([
      { name: "insufficient-credits", when: { at: "generation-started" }, with: { how: "end" } },
    ]);
    await until(() => states().at(-1) === "disconnected");
    expect(events).toContainEqual(
      expect.objectContaining({ event: "ended", reason: "insufficient_credits" }),
    );
    expect(states()).not.toContain("reconnecting");
    expect(open(server)).toBe(1);
  });

  test("finds a half-open socket by itself", async () => {
    await using scene = await play(dialect);
    const { connect, clock, until, states } = scene;
    await connect([{ name: "half-open", when: { connections: 1 } }]);
    await until(() => scene.server.journal.lines.some(({ kind }) => kind === "fault-fired"));
    await clock.advance(correct.pingEveryMs);
    await clock.advance(correct.pongMsMax);
    await until(() => states().at(-1) === "generating");
    expect(states().filter((state) => state !== "generating")).toEqual([
      "connecting",
      "connected",
      "reconnecting",
      "connected",
    ]);
  });
});

test("livekit: hears of its place in the queue while it connects", async () => {
  await using scene = await play("livekit");
  const connected = scene.connect([{ name: "queue-silence", with: { position: 2, queueSize: 3 } }]);
  await scene.until(() => scene.events.some(({ event }) => event === "queue"));
  expect(scene.events).toContainEqual({ event: "queue", position: 2, size: 3 });
  await scene.client.disconnect();
  await expect(connected).rejects.toThrow("Disconnected");
  expect(scene.states()).toEqual(["connecting", "disconnected"]);
});

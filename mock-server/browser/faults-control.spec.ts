/** What published SDKs make of faults of the control socket. Each client brings its own in its key; where pictures do not matter there are none. */
import type { Declaration } from "../faults/fault.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import type { MockServer } from "../server.ts";
import { expect, type HarnessPage, journalLine, newestOfDialect, type SdkClient, test } from "./lucy-test.ts";

test.use({ serverOptions: { mode: "none" } });

const done = { ok: true };
/** Met by the first connection of a key only: the second is the SDK's own attempt to heal. */
const first = { connections: 1 };

const begin = (harness: HarnessPage, version: string, ...faults: (string | Declaration)[]) =>
  harness.begin({ version, apiKey: writeMockKey(faults) });

async function connect(harness: HarnessPage, version: string, ...faults: (string | Declaration)[]) {
  const client = await begin(harness, version, ...faults);
  await client.connected();
  return client;
}

const linesOf = (lucy: MockServer, kind: string) => lucy.journal.lines.filter((line) => line.kind === kind);

const fired = (lucy: MockServer, name: string) =>
  journalLine(lucy, ({ kind, fields }) => kind === "fault-fired" && fields.name === name);

/** Resolves once it was connected, lost that, and is connected again. */
async function backAgain(client: SdkClient): Promise<void> {
  for (let count = 1; ; count++) {
    await client.untilEvent("connectionChange", count);
    const states = await client.events("connectionChange");
    if (states.indexOf("connected", states.indexOf("reconnecting") + 1) > states.indexOf("connected")) return;
  }
}

for (const version of newestOfDialect) {
  const isDirect = version === "0.0.46";

  test(`${version}: connect() tries again after capacity, an HTTP 401 and a close, and gives up at once for a bad key`, async ({
    harness,
    lucy,
  }) => {
    const again = [
      await begin(harness, version, { name: "capacity", when: first }),
      await begin(harness, version, { name: "refuse-upgrade", with: { status: 401 }, when: first }),
      await begin(harness, version, { name: "close", when: first }),
    ];
    const refused = await begin(
      harness,
      version,
      { name: "server-error", with: { error: "Invalid API key" }, when: { at: "open" } },
      { name: "close", when: { at: "open" } },
    );
    await expect(refused.connected()).rejects.toThrow(/Invalid API key/);
    for (const client of again) await client.connected();
    const closes = linesOf(lucy, "close").filter(({ direction }) => direction === "to-client");
    expect(closes.map(({ fields }) => fields.code).sort()).toEqual([1011, 1011, 1013]);
    expect(linesOf(lucy, "upgrade-refused").map(({ fields }) => fields.status)).toEqual([401]);
    // Three attempts that are let in, two that were sent away after they were, and the one that gave up.
    expect(linesOf(lucy, "open")).toHaveLength(6);
  });

  test(`${version}: acks that say no, do not come, or repeat other words`, async ({ harness, lucy }) => {
    const client = await connect(
      harness,
      version,
      { name: "moderation", with: { word: "forbidden" } },
      { name: "missing-ack", only: "set_image_ack" },
      { name: "server-error", when: { at: "ack-sent:4" } },
      { name: "wrong-echo", when: { at: "ack-queued:5", times: 1 } },
    );
    const moderated = { ok: false, error: "The prompt was rejected by moderation." };
    expect(await client.call("setPrompt", "a forbidden thing")).toEqual(moderated);
    expect(await client.call("setPrompt", "edges")).toEqual(done);

    const unanswered = client.call("set", { prompt: "sepia" });
    await fired(lucy, "missing-ack");
    const next = client.call("set", { prompt: "invert" });
    // Neither knows whose ack it was: in the direct era one settles both, later the first in line, and the error the other.
    expect(await unanswered).toEqual(done);
    expect(await next).toEqual(isDirect ? done : { ok: false, error: "Internal server error." });
    await client.untilEvent("error");
    const { errors, state } = await client.get();
    expect(errors).toEqual(["Internal server error."].map((error) => (isDirect ? "WebRTC error" : error)));
    expect(["connected", "generating"]).toContain(state);

    let isSettled = false;
    // It waits for 15 s, which is longer than this.
    client.call("setPrompt", "blur").then(
      () => {
        isSettled = true;
      },
      () => {},
    );
    await fired(lucy, "wrong-echo");
    expect(await client.call("setPrompt", "posterize")).toEqual(done);
    expect(isSettled).toBe(false);
    expect(lucy.sessions[0]!.state).toMatchObject({ revision: 5, prompt: "posterize" });
  });

  test(`${version}: comes back after a socket that is gone, and after the end of its credits; what was set is lost`, async ({
    harness,
    lucy,
  }) => {
    const dropped = await connect(harness, version, {
      name: "drop-socket",
      when: { at: "ack-queued", ...first },
    });
    const spent = await connect(
      harness,
      version,
      { name: "insufficient-credits", with: { how: "end" }, when: { at: "ack-sent", ...first } },
      // A room that tells of its end makes 0.1.20 leave before it has read why: it would hear of it in some runs (observed).
      { name: "drop", channel: "livekit", only: ["leave", "close"], when: first },
    );
    const lost = dropped.call("set", { prompt: "edges" });
    // In the direct era it waits for 30 s.
    if (isDirect) lost.catch(() => {});
    else expect(await lost).toEqual({ ok: false, error: "WebSocket closed: 1006 " });
    expect(await spent.call("set", { prompt: "edges" })).toEqual(done);
    for (const client of [dropped, spent]) await backAgain(client);
    expect((await dropped.get()).errors).toEqual([]);
    const words = "Insufficient credits.";
    expect((await spent.get()).errors).toEqual([isDirect ? "WebRTC error" : words]);
    expect(await spent.events("generationEnded")).toEqual(
      isDirect ? [] : [{ seconds: expect.any(Number), reason: "insufficient_credits" }],
    );
    expect(lucy.sessions.map(({ state }) => state.revision)).toEqual([0, 0]);
    expect(linesOf(lucy, "open")).toHaveLength(4);
  });

  test(`${version}: generation that starts before there is media`, async ({ harness, lucy }) => {
    const client = await connect(harness, version, "early-generation", {
      name: "delay",
      only: ["answer", "livekit_room_info"],
      with: { delayMs: 700 },
    });
    // The direct era takes it for a connection, later ones forget it.
    expect((await client.get()).atConnect!.state).toBe(isDirect ? "generating" : "connected");
    const phases = linesOf(lucy, "phase").map(({ fields }) => fields.to);
    if (isDirect) expect(phases).not.toContain("connected");
  });
}

test("0.1.20: a place in the queue and then silence lasts until it heals; without a beginning, a tick tells of generation", async ({
  harness,
  lucy,
}) => {
  const client = await begin(
    harness,
    "0.1.20",
    { name: "queue-silence", with: { position: 2 }, when: { for: { ms: 1000 } } },
    "no-generation",
  );
  await client.untilQueued();
  expect((await client.get()).liveQueue).toEqual([{ position: 2, queueSize: 3 }]);
  expect(linesOf(lucy, "livekit_room_info")).toEqual([]);
  await client.connected();
  await client.untilState("generating");
  expect(linesOf(lucy, "generation_started")).toEqual([]);
  expect(linesOf(lucy, "generation_tick").length).toBeGreaterThan(0);
});

test("0.0.46: ready and ice-restart make it offer again, ice-restart from another connection", async ({
  harness,
  lucy,
}) => {
  const client = await connect(
    harness,
    "0.0.46",
    { name: "unsolicited-ready", when: { at: "ack-sent:1" } },
    { name: "ice-restart", with: { credential: "opensesame" }, when: { at: "ack-sent:2" } },
  );
  const origins: string[] = [];
  for (const count of [2, 3]) {
    await client.call("setPrompt", `edges ${count}`);
    await journalLine(lucy, () => linesOf(lucy, "offer").length >= count);
    const { sdp } = linesOf(lucy, "offer").at(-1)!.fields;
    origins.push(/^o=\S+ (\S+)/m.exec(String(sdp))![1]!);
  }
  expect(origins[0]).not.toBe(origins[1]);
  expect(JSON.stringify(lucy.journal.lines)).not.toContain("opensesame");
});

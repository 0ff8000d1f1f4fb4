import { describe, expect, test } from "vitest";
import { imageHash, promptHash, readImage } from "../../../fixtures/index.ts";
import { realClock } from "../../clock.ts";
import { holds, rejects, resolves, same } from "../../findings.ts";
import { runScenario } from "../../run-scenario.ts";
import type { Scenario } from "../../scenario.ts";
import type { Actor } from "../../stage.ts";
import { aiortcClient, findPython, lookUp } from "./index.ts";

const face = Buffer.from(readImage("face-small")).toString("base64");
const shownFace = imageHash(readImage("face-small"));

type Row = Partial<Scenario> & Pick<Scenario, "does" | "drive" | "judge">;

async function comesBack(client: Actor, withinMs?: number): Promise<void> {
  const { step } = await client.heard(
    "state",
    ({ state }) => state === "reconnecting",
    withinMs ? { withinMs } : {},
  );
  await client.state("connected", { from: step });
}

const rows: readonly Row[] = [
  {
    does: "It shows what it has set: prompt and image in one, from one picture to the next.",
    needs: ["frames", "snapshot"],
    server: { mode: "transcode" },
    async drive({ client }) {
      await client.connect({ initial: { prompt: "a red robot" } });
      await client.shows("a red robot");
      await client.call("set", { prompt: "a blue robot", image: face });
      await client.shows("a blue robot");
      await client.frames(3);
      await client.call("snapshot", {});
      await client.call("set", { prompt: "a green robot" });
      await client.shows("a green robot");
    },
    judge: ({ frames, states, call, eventsOf }) => [
      ...same("its states", states(), ["connecting", "connected", "generating"]),
      ...same(
        "what the pictures show",
        [...new Set(frames().map(({ output: o }) => `${o?.revision} ${o?.promptHash} ${o?.imageHash}`))],
        [
          `1 ${promptHash("a red robot")} 0`,
          `2 ${promptHash("a blue robot")} ${shownFace}`,
          `3 ${promptHash("a green robot")} ${shownFace}`,
        ],
      ),
      ...holds(
        "its own strips",
        frames().every(({ input }) => input !== null),
        "in every picture",
        frames().length,
      ),
      ...same(
        "streams",
        eventsOf("stream").map(({ tracks }) => tracks),
        [["video"]],
      ),
      ...same(
        "a PNG",
        Buffer.from(String(call("snapshot")?.ended?.value.png), "base64")
          .subarray(1, 4)
          .toString(),
        "PNG",
      ),
    ],
  },
  {
    does: "What was acked last is there after a reconnect, and what was not is not.",
    faults: [{ name: "drop-socket", when: { at: "ack-queued:4", connections: 1 } }],
    async drive({ client }) {
      await client.connect({ initial: { prompt: "a", image: face } });
      await client.call("setPrompt", { prompt: "b", enhance: false });
      await client.call("setImage", { image: null });
      client.begin("set", { prompt: "never acked" });
      await comesBack(client);
      await client.call("set", { image: face });
    },
    judge: ({ sentStates, sessions, call, states }) => [
      ...rejects("the call that was cut off", call("set"), /WebSocket closed: 1006/),
      ...resolves("the next", call("set", 2)),
      ...same(
        "what each session was told",
        sessions().map((id) =>
          sentStates()
            .filter(({ session }) => session === id)
            .map(({ kind, fields }) => [kind, fields.prompt ?? "", fields.enhance_prompt ?? ""]),
        ),
        [
          [
            ["set_image", "a", true],
            ["prompt", "b", false],
            ["set_image", "", ""],
            ["set_image", "never acked", true],
          ],
          [
            ["prompt", "b", false],
            ["set_image", "", true],
          ],
        ],
      ),
      ...same(
        "its states",
        states().filter((state) => state !== "generating"),
        ["connecting", "connected", "reconnecting", "connected"],
      ),
    ],
  },
  {
    does: "Of calls made at once, each ends with its own ack.",
    faults: [{ name: "negative-ack", when: { after: { messages: 2 } } }],
    async drive({ client }) {
      await client.connect({ initial: { prompt: "0" } });
      const calls = [
        client.begin("set", { prompt: "1" }),
        client.begin("set", { image: face }),
        client.begin("setPrompt", { prompt: "3" }),
      ];
      for (const call of calls) await call.done();
    },
    judge: ({ call }) => [
      ...resolves("the first", call("set", 1)),
      ...rejects("the second", call("set", 2), /^The state was refused\.$/),
      ...resolves("the third", call("setPrompt")),
    ],
  },
  {
    does: "What cannot be sent is not.",
    async drive({ client }) {
      await client.call("set", { prompt: "too early" });
      await client.connect();
      await client.call("set", {});
      await client.call("setPrompt", { prompt: "" });
      await client.call("disconnect", {});
      await client.call("disconnect", {});
      await client.call("open", {});
      await client.call("setPrompt", { prompt: "too late" });
    },
    judge: ({ call, sentStates, states }) => [
      ...rejects("before connect", call("set", 1), /^Cannot send message: connection is disconnected$/),
      ...rejects("nothing", call("set", 2), /nothing to set/),
      ...rejects("no prompt", call("setPrompt", 1), /empty/),
      ...rejects("after disconnect", call("setPrompt", 2), /connection is disconnected/),
      ...same("state messages", sentStates(), []),
      ...same(
        "its states",
        [states().at(-1), states().filter((state) => state === "disconnected").length],
        ["disconnected", 1],
      ),
      ...same("what is open", call("open")?.ended?.value, { sockets: 0, connections: 0, tracks: 0 }),
    ],
  },
  {
    does: "A key that is refused is not tried again.",
    faults: [{ name: "refuse-upgrade", with: { status: 401 } }],
    async drive({ client }) {
      await client.connect();
    },
    judge: ({ call, states, marks }) => [
      ...rejects("connect", call("connect"), /^WebSocket refused: HTTP 401$/),
      ...same("its states", states(), ["connecting", "disconnected"]),
      ...same("marks", marks, []),
    ],
  },
  {
    does: "A server that is away is tried again.",
    faults: [{ name: "refuse-upgrade", when: { connections: 1 } }],
    async drive({ client }) {
      await client.connect();
    },
    judge: ({ call }) => resolves("connect", call("connect")),
  },
  {
    does: "It notices a socket that only seems to stand.",
    faults: [{ name: "half-open", when: { at: "ack-queued:1", connections: 1 } }],
    async drive({ client }) {
      await client.connect();
      client.begin("setPrompt", { prompt: "into the void" });
      await comesBack(client, 12_000);
    },
    judge: ({ call }) => rejects("the call", call("setPrompt"), /WebSocket closed/),
  },
  {
    does: "It notices that media has gone while the socket stands.",
    faults: [{ name: "dtls-closed", when: { at: "ack-queued:1", connections: 1 } }],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a" });
      await comesBack(client);
    },
    judge: ({ sentStates, sessions }) =>
      same(
        "what the new session was told",
        sentStates()
          .filter(({ session }) => session === sessions()[1])
          .map(({ fields }) => fields.prompt),
        ["a"],
      ),
  },
  {
    does: "A session that moderation has ended is not begun again.",
    faults: [{ name: "moderation-end", when: { at: "ack-sent:1" } }],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a" });
      await client.heard("ended");
      await client.state("disconnected");
    },
    judge: ({ states, sessions, eventsOf }) => [
      ...same("sessions", sessions().length, 1),
      ...holds("it does not reconnect", !states().includes("reconnecting"), "no reconnecting", states()),
      ...same(
        "why",
        eventsOf("ended").map(({ reason }) => reason),
        ["moderation_violation"],
      ),
    ],
  },
  {
    does: "Another watches, with a token from the first; a track is replaced.",
    needs: ["subscribe", "replace-track", "tokens"],
    server: { mode: "transcode" },
    async drive({ client, another, target }) {
      const { ended } = await client.call("createToken", { ...target(), expiresIn: 60 });
      const { ended: connected } = await client.connect({ apiKey: String(ended?.value.apiKey) });
      const viewer = await another("viewer");
      await viewer.call("subscribe", { ...target(), token: String(connected?.value.subscribeToken) });
      await viewer.frames(3);
      await client.call("replaceTrack", { camera: { width: 640, height: 360, fps: 15 } });
      await client.heard("frame", ({ width }) => width === 640);
      await viewer.heard("frame", ({ width }) => width === 640);
      await viewer.call("disconnect", {});
      await viewer.call("subscribe", { ...target(), token: "no token" });
    },
    judge: ({ call, frames }) => [
      ...resolves("subscribe", call("subscribe", 1, "viewer")),
      ...rejects("no token", call("subscribe", 2, "viewer"), /^Invalid subscribe token$/),
      ...holds(
        "pictures of the viewer",
        frames("viewer").every(({ output }) => output !== null),
        "have strips",
        frames("viewer").length,
      ),
    ],
  },
];

describe.skipIf(!(await findPython()))("aiortc", () => {
  test.each(rows)("$does", async (row) => {
    const client = aiortcClient(realClock);
    const scenario: Scenario = {
      id: "connect/aiortc",
      owes: "As it says.",
      source: { kind: "assumed", where: "this test" },
      needs: [],
      kills: [],
      ...row,
    };
    const run = await runScenario(scenario, { client, seed: 1, clock: realClock, replay: "again" });
    expect(run).toMatchObject({ verdict: { outcome: "passed", findings: [] }, harness: null });
    expect(run.log).toEqual([]);
  });
});

test("where there is no Python with aiortc, it says what to install", async () => {
  await expect(aiortcClient(realClock, Promise.resolve(null)).open()).rejects.toThrow(
    /apt-get install python3-aiortc python3-aiohttp/,
  );
});

test("a Python is looked for where it is named, else by its names", async () => {
  expect(await lookUp(["lucy-no-such-python", process.execPath])).toBeNull();
});

/** Waiting for a place, which only the LiveKit dialect has. */
import { rejects, resolves, same } from "../findings.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import { giveTurns } from "../steps.ts";

export const queue: readonly Scenario[] = [
  defineScenario({
    id: "queue/told-in-order",
    does: "Three clients are ahead of it, and go one after the other.",
    owes: "It tells each place as it is told, the first while connect() still waits, and then connects.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.3 to 0.1.20" },
    dialects: ["livekit"],
    needs: ["queue"],
    kills: ["hides-queue"],
    server: { queue: 3, clock: "manual", queueStepMs: 1000 },
    async drive({ client, server }) {
      const connecting = client.beginConnect();
      for (const position of [3, 2, 1]) {
        await client.heard("queue", (event) => event.position === position);
        await server.clock.advance(1000);
      }
      await connecting.done();
    },
    judge: ({ call, eventsOf, lines }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same(
        "its places are the server's",
        [...new Set(eventsOf("queue").map(({ position }) => position))],
        lines("queue_position").map(({ fields }) => fields.position),
      ),
    ],
  }),
  defineScenario({
    id: "queue/long",
    does: "It waits in the queue for a minute, which is much longer than room info may take without one.",
    owes: "It goes on waiting, at one place in the line, and connects.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.20: the first position lifts the limit of 15 s" },
    dialects: ["livekit"],
    needs: ["queue", "clock"],
    kills: ["impatient-in-queue"],
    // As often as production tells it.
    server: { queue: 4, clock: "manual", queueStepMs: 17_000 },
    async drive({ client, server }) {
      const connecting = client.beginConnect();
      for (const position of [4, 3, 2, 1]) {
        await client.heard("queue", (event) => event.position === position);
        await client.call("advance", { ms: 17_000 });
        await server.clock.advance(17_000);
      }
      await client.drift(() => connecting.ended !== null);
    },
    judge: ({ call, sessions }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same("it keeps its place", sessions().length, 1),
    ],
  }),
  defineScenario({
    id: "queue/silence",
    does: "It is told a place in the queue, and then nothing for six minutes.",
    owes: "It gives up within the five minutes that connecting may take, and says so.",
    source: {
      kind: "assumed",
      where: "the limit that @decartai/sdk gives its whole connect; an app cannot wait for ever",
    },
    dialects: ["livekit"],
    needs: ["queue", "clock"],
    kills: ["waits-for-ever-in-queue"],
    faults: [{ name: "queue-silence" }],
    async drive({ client }) {
      const connecting = client.beginConnect();
      await client.heard("queue");
      for (let minute = 0; minute < 6 && !connecting.ended; minute++) {
        await client.call("advance", { ms: 60_000 });
      }
      await giveTurns(client, () => connecting.ended !== null);
    },
    judge: ({ call }) => rejects("connect() rejects within 360 s", call("connect")),
  }),
];

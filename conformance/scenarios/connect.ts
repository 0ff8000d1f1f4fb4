/** The way in: what a client does until it is connected, or knows that it will not be. */
import { endOf, holds, rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Begun, Stage } from "../stage.ts";
import { faultFired, passTime, stopTime, untilNoSocket } from "../steps.ts";

/** Pauses between attempts, milliseconds. */
const ladderMs = [1000, 2000, 4000, 8000, 10_000];
const attemptsMax = ladderMs.length + 1;
/** The whole ladder takes 25 s; twice that is as long as anybody can be expected to look on. */
const patienceMs = 60_000;

/** Waits until its call has ended, or it has begun another attempt than the first. */
const untilSettled = ({ until, server }: Stage, connecting: Begun) =>
  until(
    "connect() to end, or another attempt",
    () => connecting.ended !== null || server.journal.lines.filter(({ kind }) => kind === "open").length > 1,
  );

const attempts = ({ lines }: Reading) => lines("fault-fired").length;

const givesUp = ({ call }: Reading) => [
  ...holds(
    `connect() ends within ${patienceMs / 1000} s`,
    call("connect")?.ended != null,
    "it ends",
    "it has not ended",
  ),
  ...rejects("connect() rejects", call("connect")),
];

/** Climbs the whole ladder: stands still a millisecond before each attempt is due, and marks whether it was there already. */
async function climb(stage: Stage): Promise<void> {
  const { client, mark, server } = stage;
  await stopTime(client);
  const connecting = client.beginConnect();
  const attempt = async (n: number) => {
    await faultFired(stage, 1, n);
    await untilNoSocket(client);
  };
  await attempt(1);
  for (const [index, pauseMs] of ladderMs.entries()) {
    await client.call("advance", { ms: pauseMs - 1 });
    await untilNoSocket(client);
    const made = server.journal.lines.filter(({ kind }) => kind === "fault-fired").length;
    mark("a millisecond before", { attempt: index + 2, made });
    await client.call("advance", { ms: 1 });
    await attempt(index + 2);
  }
  await passTime(client, connecting, patienceMs);
}

export const connect: readonly Scenario[] = [
  defineScenario({
    id: "connect/plain",
    does: "It connects.",
    owes: "connect() resolves at the first attempt, and the session that it names is the server's.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.6 to 0.1.20" },
    needs: [],
    kills: ["forgets-model"],
    async drive(stage) {
      await untilSettled(stage, stage.client.beginConnect());
    },
    judge: (reading) => {
      const { sessionId } = reading.call("connect")?.ended?.value ?? {};
      return [
        ...resolves("connect() resolves", reading.call("connect")),
        ...same("it takes one attempt", reading.sessions().length, 1),
        ...(sessionId === undefined ? [] : same("its session", sessionId, reading.sessions()[0])),
      ];
    },
  }),
  defineScenario({
    id: "connect/retry-ladder",
    does: "Each time it asks for a socket, the server answers 503.",
    owes: "It tries six times, after pauses of exactly 1, 2, 4, 8 and 10 s, and then says why it gave up.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.5 to 0.1.20: p-retry, 1 s doubled up to 10 s" },
    needs: ["clock", "open"],
    kills: ["impatient-ladder"],
    faults: [{ name: "refuse-upgrade", channel: "control" }],
    drive: climb,
    judge: (reading) => [
      ...same(
        "no attempt comes before it is due",
        reading.marks
          .map(({ value }) => value as { attempt: number; made: number })
          .filter(({ attempt, made }) => made >= attempt),
        [],
      ),
      ...same("it makes six attempts", attempts(reading), attemptsMax),
      ...givesUp(reading),
    ],
  }),
  defineScenario({
    id: "connect/refused-key",
    does: "The server says that its key is none, and closes.",
    owes: "connect() rejects with what the server said, and it does not try again.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.6 to 0.1.20: invalid api key is permanent" },
    needs: [],
    kills: ["retries-after-refusal"],
    faults: [
      { name: "server-error", with: { error: "Invalid API key" }, when: { at: "open" } },
      { name: "close", channel: "control", with: { code: 1008 }, when: { at: "open" } },
    ],
    async drive(stage) {
      await untilSettled(stage, stage.client.beginConnect());
    },
    judge: ({ call, sessions }) => [
      ...rejects("connect() rejects", call("connect"), /invalid api key/i),
      ...same("it makes one attempt", sessions().length, 1),
    ],
  }),
  defineScenario({
    id: "connect/closed-early",
    does: "The server closes its first socket as soon as it has said something, and takes the second.",
    owes: "It tries again, and connects.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.44 to 0.1.20" },
    needs: [],
    kills: ["gives-up-at-first"],
    faults: [{ name: "close", channel: "control", when: { at: "first-message", connections: 1 } }],
    async drive({ client }) {
      await client.connect();
    },
    judge: ({ call, sessions }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same("it makes two attempts", sessions().length, 2),
    ],
  }),
  defineScenario({
    id: "connect/capacity",
    does: "Twice the server has no place for it, and says so; the third time it has.",
    owes: "It connects at the third attempt.",
    source: {
      kind: "documented",
      where:
        "https://github.com/DecartAI/sdk, examples/realtime-session-queue: Concurrent session limit reached., close 1013",
    },
    needs: ["clock", "open"],
    kills: ["gives-up-at-first"],
    faults: [{ name: "capacity", when: { connections: 2 } }],
    async drive(stage) {
      const { client } = stage;
      await stopTime(client);
      const connecting = client.beginConnect();
      await faultFired(stage, 1);
      await passTime(client, connecting, patienceMs);
    },
    judge: ({ call, sessions }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same("it makes three attempts", sessions().length, 3),
    ],
  }),
  defineScenario({
    id: "connect/server-gone",
    does: "Nobody listens where it is told to connect to.",
    owes: "connect() rejects within a minute.",
    source: { kind: "assumed", where: "an app cannot wait for ever" },
    needs: ["clock", "open"],
    kills: ["never-gives-up"],
    async drive({ client, server }) {
      await stopTime(client);
      await server.close();
      await passTime(client, client.beginConnect(), patienceMs);
    },
    judge: givesUp,
  }),
  defineScenario({
    id: "connect/http-401",
    does: "Each time it asks for a socket, the server answers 401, which a browser hides from its page.",
    owes: "connect() rejects within a minute, after six attempts at most.",
    source: { kind: "assumed", where: "an app cannot wait for ever" },
    needs: ["clock", "open"],
    kills: ["never-gives-up"],
    faults: [{ name: "refuse-upgrade", channel: "control", with: { status: 401 } }],
    async drive({ client }) {
      await stopTime(client);
      await passTime(client, client.beginConnect(), patienceMs);
    },
    judge: (reading) => [
      ...givesUp(reading),
      ...holds("it stops trying", attempts(reading) <= attemptsMax, "6 attempts at most", attempts(reading)),
    ],
  }),
  defineScenario({
    id: "connect/slow-answer",
    does: "The answer to its offer, or the room to go to, comes three seconds late.",
    owes: "It waits, and connects at the first attempt.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.6 to 0.1.20 wait for 15 s and more" },
    needs: ["clock", "open"],
    kills: ["impatient-for-the-answer"],
    server: { clock: "manual" },
    faults: (dialect) => [
      {
        name: "delay",
        channel: "control",
        only: dialect === "direct" ? "answer" : "livekit_room_info",
        with: { delayMs: 3000 },
      },
    ],
    async drive(stage) {
      const { client, server } = stage;
      await stopTime(client);
      const connecting = client.beginConnect();
      await faultFired(stage, 1);
      await client.call("advance", { ms: 3000 });
      await server.clock.advance(3000);
      await passTime(client, connecting, patienceMs);
    },
    judge: ({ call, sessions }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same("it makes one attempt", sessions().length, 1),
    ],
  }),
  defineScenario({
    id: "connect/error-told",
    does: "At the first attempt the server says what is wrong and closes; at the others it only answers 503.",
    owes: "Its app learns what the server said: in an event, or from how connect() rejects.",
    source: {
      kind: "assumed",
      where: "the last failure is the network's; what the server said is what an app can act on",
    },
    needs: ["clock", "open", "errors"],
    kills: ["hides-errors-of-connect"],
    faults: [
      {
        name: "server-error",
        with: { error: "No place for this project today." },
        when: { at: "open", connections: 1 },
      },
      { name: "close", channel: "control", with: { code: 1013 }, when: { at: "open", connections: 1 } },
      { name: "refuse-upgrade", channel: "control", when: { connections: [2, attemptsMax] } },
    ],
    async drive(stage) {
      const { client } = stage;
      await stopTime(client);
      const connecting = client.beginConnect();
      await faultFired(stage, 2);
      await passTime(client, connecting, patienceMs);
    },
    judge: ({ call, eventsOf }) => {
      const told = [...eventsOf("error").map(({ message }) => message), endOf(call("connect"))];
      return holds(
        "it tells what the server said",
        told.some((words) => words.includes("No place for this project today.")),
        "No place for this project today.",
        told,
      );
    },
  }),
  defineScenario({
    id: "connect/unknown-model",
    does: "It is to connect with a model that there is none of.",
    owes: "connect() rejects, and names the model.",
    source: {
      kind: "observed",
      where: "@decartai/sdk 0.0.6 to 0.1.20 know theirs; others are the server's to refuse",
    },
    needs: ["clock", "open"],
    kills: ["names-another-model"],
    async drive({ client }) {
      await stopTime(client);
      await passTime(client, client.beginConnect({ model: "lucy-none" }), patienceMs);
    },
    judge: ({ call }) => rejects("connect() rejects", call("connect"), /lucy-none/),
  }),
];

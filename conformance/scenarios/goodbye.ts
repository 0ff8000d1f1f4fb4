/** What is left when a client has gone: nothing of its own, and the app's camera as it was. */
import { same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import {
  comeBack,
  connectWhole,
  cut,
  faultFired,
  giveTurns,
  letPass,
  stand,
  stopTime,
  untilNoSocket,
} from "../steps.ts";

/** Asked as often, a client that has something to close has had its time. */
const asksMax = 300;

/** Asks what is open until nothing is, on both sides, or often enough. */
async function untilClosed({ client, server, mark }: Stage): Promise<void> {
  for (let n = 0; n < asksMax; n++) {
    const { ended } = await client.call("open", {});
    const { sessions, sockets, peers } = server.open;
    const { sockets: own, connections } = ended!.value;
    mark("open", { sessions, sockets, peers });
    if (own === 0 && connections === 0 && sessions + sockets + peers === 0) return;
  }
}

function nothingLeft(reading: Reading) {
  const { sockets, connections } = reading.calls.findLast(({ verb }) => verb === "open")?.ended?.value ?? {};
  return [
    ...same("it has nothing open", { sockets, connections }, { sockets: 0, connections: 0 }),
    ...same("the server has nothing of it", reading.marks.findLast(({ name }) => name === "open")?.value, {
      sessions: 0,
      sockets: 0,
      peers: 0,
    }),
  ];
}

/** Longer than any client rests between two things that it does again and again: pings, attempts, reports, looks at its statistics. */
const aMinuteMs = 60_000;

/** Leaves the client alone for a minute of its time once it has closed everything, and then asks what is left. */
async function leaveAlone(stage: Stage): Promise<void> {
  const { client, mark } = stage;
  await untilClosed(stage);
  mark("left");
  await letPass(client, aMinuteMs);
  await giveTurns(client);
}

function isSilent({ mark, lines, events, calls }: Reading) {
  const leftStep = mark("left")?.step ?? Number.POSITIVE_INFINITY;
  const asked = lines(/./, "to-server").filter(({ step }) => step > leftStep);
  const told = events.filter(({ step }) => step > leftStep);
  const { timers = 0 } = calls.findLast(({ verb }) => verb === "open")?.ended?.value ?? {};
  return [
    ...same(
      "nothing reaches the server any more",
      asked.map(({ kind }) => kind),
      [],
    ),
    ...same(
      "its app hears nothing any more",
      told.map(({ event }) => event),
      [],
    ),
    ...same("no timer is left", timers, 0),
  ];
}

export const goodbye: readonly Scenario[] = [
  defineScenario({
    id: "goodbye/disconnect",
    does: "The app disconnects.",
    owes: "No socket and no connection is left, here and at the server.",
    source: { kind: "assumed", where: "whoever leaves closes behind him" },
    needs: ["open"],
    kills: ["leaks-peer-connection"],
    async drive(stage) {
      await stage.client.connect();
      await stage.client.call("disconnect", {});
      await untilClosed(stage);
    },
    judge: nothingLeft,
  }),
  defineScenario({
    id: "goodbye/failed-connect",
    does: "Its key is refused, so that it never connects.",
    owes: "No socket and no connection is left.",
    source: { kind: "assumed", where: "whoever leaves closes behind him" },
    needs: ["open"],
    kills: ["leaks-after-failure"],
    faults: [
      { name: "server-error", with: { error: "Invalid API key" }, when: { at: "open" } },
      { name: "close", when: { at: "open" } },
    ],
    async drive(stage) {
      await stage.client.connect();
      await untilClosed(stage);
    },
    judge: nothingLeft,
  }),
  defineScenario({
    id: "goodbye/after-reconnect",
    does: "Its socket is lost, it comes back, and then the app disconnects.",
    owes: "Nothing of the first session is left, nor of the second.",
    source: { kind: "assumed", where: "whoever leaves closes behind him" },
    needs: ["media", "open", "reconnect", "states"],
    kills: ["leaks-old-session"],
    async drive(stage) {
      const { client } = stage;
      await stand(stage);
      await comeBack(stage, cut(stage));
      await client.call("disconnect", {});
      await untilClosed(stage);
    },
    judge: nothingLeft,
  }),
  defineScenario({
    id: "goodbye/timers",
    does: "The app disconnects, and a minute of its time passes.",
    owes: "Nothing is asked of the server any more, the app is told nothing, and no timer goes on.",
    source: { kind: "assumed", where: "whoever leaves closes behind him" },
    needs: ["media", "open", "clock"],
    kills: ["keeps-pinging"],
    async drive(stage) {
      await connectWhole(stage);
      await stage.client.call("disconnect", {});
      await leaveAlone(stage);
    },
    judge: (reading) => [...nothingLeft(reading), ...isSilent(reading)],
  }),
  defineScenario({
    id: "goodbye/while-reconnecting",
    does: "Its socket is lost, it is turned away, and while it rests before its next attempt the app disconnects. A minute of its time passes.",
    owes: "It does not try again, the app is told nothing more, and no timer goes on.",
    source: { kind: "assumed", where: "whoever leaves closes behind him" },
    needs: ["media", "reconnect", "states", "open", "clock"],
    kills: ["keeps-trying"],
    faults: [{ name: "refuse-upgrade", channel: "control", when: { connections: [2, 99] } }],
    async drive(stage) {
      const { client } = stage;
      await stand(stage);
      await stopTime(client);
      cut(stage);
      await faultFired(stage, 1);
      await untilNoSocket(client);
      await client.call("disconnect", {});
      await leaveAlone(stage);
    },
    judge: (reading) => [...nothingLeft(reading), ...isSilent(reading)],
  }),
  defineScenario({
    id: "goodbye/camera-kept",
    does: "The app disconnects.",
    owes: "The camera is the app's: its tracks go on.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.41 leaves it on" },
    needs: ["open"],
    kills: ["stops-the-camera"],
    async drive(stage) {
      await stage.client.connect();
      await stage.client.call("disconnect", {});
      // Whoever stops it does so while it closes.
      await untilClosed(stage);
      for (let n = 0; n < 20; n++) await stage.client.call("open", {});
    },
    judge: ({ calls }) =>
      same(
        "no track of the camera has ended",
        calls.findLast(({ verb }) => verb === "open")?.ended?.value.tracks,
        0,
      ),
  }),
];

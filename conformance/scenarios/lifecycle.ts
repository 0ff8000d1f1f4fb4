/** What a client tells of itself, from its first word to its last. */
import { holds, rejects, resolves, same } from "../findings.ts";
import { connectsInOrder, goesOn, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import { connectWhole, giveTurns, spoil } from "../steps.ts";

export const lifecycle: readonly Scenario[] = [
  defineScenario({
    id: "lifecycle/order",
    does: "It connects, and is left alone.",
    owes: "It says connecting, then connected, and then nothing but generating.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.45 to 0.1.20" },
    needs: ["media", "states"],
    kills: ["hides-connecting"],
    async drive(stage) {
      await connectWhole(stage);
      await stage.client.state("connected");
      await giveTurns(stage.client);
    },
    judge: (reading) => [
      ...connectsInOrder(reading),
      ...same(
        "nothing else but generating",
        [...new Set(reading.states().slice(2))].filter((s) => s !== "generating"),
        [],
      ),
      ...staysConnected(reading),
    ],
  }),
  defineScenario({
    id: "lifecycle/generating",
    does: "Generation starts, and the server says so.",
    owes: "It says generating.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.45 to 0.1.20" },
    needs: ["media", "states"],
    kills: ["never-generating"],
    async drive({ client, line }) {
      await client.connect();
      await line("the start of generation", ({ kind }) => kind === "generation_started");
      await client.state("generating");
    },
    judge: ({ states }) => same("it says generating", states().includes("generating"), true),
  }),
  defineScenario({
    id: "lifecycle/early-generation",
    does: "The server says that generation has started before the client is connected, and does not say it again.",
    owes: "Once it is connected, it says generating: what was said early is not forgotten, and does not end connect() early.",
    source: { kind: "assumed", where: "nothing orders the two messages" },
    needs: ["media", "states"],
    kills: ["forgets-early-generation"],
    server: { clock: "manual" },
    faults: [{ name: "early-generation" }, { name: "drop", channel: "control", only: "generation_started" }],
    async drive({ client, line }) {
      await client.connect();
      await line(
        "the start of generation that is kept back",
        ({ kind, fields }) => kind === "fault-fired" && fields.name === "drop",
      );
      await client.state("generating", { withinMs: 3000 });
    },
    judge: ({ states, call }) => [
      ...resolves("connect() resolves", call("connect")),
      ...same("it says connected, then generating", states().slice(-2), ["connected", "generating"]),
    ],
  }),
  defineScenario({
    id: "lifecycle/no-generation",
    does: "The server never says that generation has started, and its ticks come.",
    owes: "A tick tells as much: it says generating.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.3 to 0.1.20" },
    dialects: ["livekit"],
    needs: ["media", "states", "ticks"],
    kills: ["deaf-to-ticks"],
    server: { clock: "manual" },
    faults: [{ name: "no-generation" }],
    async drive({ client, server, line }) {
      await client.connect();
      await line("the start of generation that is kept back", ({ kind }) => kind === "fault-fired");
      await client.state("connected");
      await server.clock.advance(1000);
      await client.state("generating");
    },
    judge: ({ states }) => same("it says generating", states().includes("generating"), true),
  }),
  defineScenario({
    id: "lifecycle/disconnect-twice",
    does: "The app disconnects, and once more.",
    owes: "Both are taken, and it says disconnected once.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.6 to 0.1.20" },
    needs: ["states"],
    kills: ["says-disconnected-twice"],
    async drive({ client }) {
      await client.connect();
      await client.call("disconnect", {});
      await client.call("disconnect", {});
    },
    judge: ({ call, states }) => [
      ...resolves("the first disconnect() ends", call("disconnect", 1)),
      ...resolves("the second disconnect() ends", call("disconnect", 2)),
      ...same("it says disconnected once", states().filter((state) => state === "disconnected").length, 1),
    ],
  }),
  defineScenario({
    id: "lifecycle/set-after-disconnect",
    does: "The app sets a prompt after it has disconnected.",
    owes: "The call rejects, and nothing is sent.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.44 to 0.1.20" },
    needs: ["set-prompt"],
    kills: ["answers-while-away"],
    async drive({ client, line }) {
      await client.connect();
      await client.call("disconnect", {});
      await client.call("setPrompt", { prompt: "too late" });
      await line("the end of the session", ({ kind }) => kind === "session-ended");
    },
    judge: ({ call, sentStates }) => [
      ...rejects("setPrompt() rejects", call("setPrompt")),
      ...same(
        "nothing is sent",
        sentStates().filter(({ fields }) => fields.prompt === "too late"),
        [],
      ),
    ],
  }),
  defineScenario({
    id: "lifecycle/error-while-connected",
    does: "The server tells of an error, and goes on.",
    owes: "It tells its app what the server said, and stays connected.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.6 to 0.1.20" },
    needs: ["media", "errors", "set-prompt"],
    kills: ["ignores-errors"],
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      spoil(stage, { name: "server-error", with: { error: "Something went wrong for a moment." } });
      await client.heard("error");
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...holds(
        "it tells what the server said",
        reading
          .eventsOf("error")
          .some(({ message }) => message.includes("Something went wrong for a moment.")),
        "Something went wrong for a moment.",
        reading.eventsOf("error").map(({ message }) => message),
      ),
      ...staysConnected(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "lifecycle/ended-told",
    does: "The session reaches its longest, and the server ends it.",
    owes: "It tells its app that generation has ended, and why.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.3 to 0.1.20" },
    needs: ["media", "ended"],
    kills: ["hides-the-end"],
    server: { clock: "manual" },
    faults: (dialect) => [
      { name: "session-expiry", when: { connections: 1 } },
      // Some clients leave for good when their room does, and then may or may not have read what the control socket said.
      ...(dialect === "livekit"
        ? [{ name: "drop", channel: "livekit", only: ["leave", "close"], when: { connections: 1 } } as const]
        : []),
    ],
    async drive({ client, server, line }) {
      await client.connect();
      await line("the start of generation", ({ kind }) => kind === "generation_started");
      for (let second = 0; second < 3; second++) await server.clock.advance(1000);
      await client.heard("ended");
    },
    judge: ({ eventsOf, lines }) =>
      same(
        "it tells why",
        eventsOf("ended")
          .map(({ reason }) => reason)
          .slice(0, 1),
        lines("generation_ended")
          .map(({ fields }) => fields.reason)
          .slice(0, 1),
      ),
  }),
];

/** Messages that no client should have to read, and each has to survive. */
import { goesOn, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";

/** Each hits the ticks: nobody needs them to go on. */
const spoiled: readonly [name: string, how: string, does: string, where: string][] = [
  [
    "bad-json",
    "bad-json",
    "Ticks come as text that is no JSON.",
    "@decartai/sdk 0.0.6 to 0.1.20: caught and logged",
  ],
  [
    "unknown-type",
    "unknown-type",
    "Messages come of a type that nobody knows.",
    "@decartai/sdk 0.1.20: ignored",
  ],
  [
    "wrong-types",
    "wrong-types",
    "Ticks come with fields of other types.",
    "a server of a later version may send them",
  ],
  ["truncated", "truncated", "Ticks come cut off in the middle.", "a proxy may do that"],
  ["binary", "binary", "Ticks come in binary frames.", "a proxy may do that"],
  ["huge", "huge", "Ticks come with a megabyte of padding.", "a server of a later version may send more"],
];

export const hostile: readonly Scenario[] = [
  ...spoiled.map(([name, how, does, where]) =>
    defineScenario({
      id: `hostile/${name}`,
      does,
      owes: "It stays connected, and takes the next change.",
      source: { kind: where.startsWith("@") ? "observed" : "assumed", where },
      needs: ["media", "set-prompt"],
      kills: [how === "huge" ? "chokes-on-size" : "falls-over-nonsense"],
      server: { clock: "manual" },
      faults: [{ name: "corrupt", channel: "control", only: "generation_tick", with: { how } }],
      async drive({ client, server, line }) {
        await client.connect();
        await line("the start of generation", ({ kind }) => kind === "generation_started");
        for (let second = 0; second < 3; second++) await server.clock.advance(1000);
        await line("three spoiled ticks", ({ kind }) => kind === "fault-fired", { count: 3 });
        await client.call("setPrompt", { prompt: "afterwards" });
      },
      judge: (reading) => [...staysConnected(reading), ...goesOn(reading, "afterwards")],
    }),
  ),
  defineScenario({
    id: "hostile/unsolicited-ready",
    does: "The server says that it is ready, though nobody asked.",
    owes: "It stays connected, whether or not it offers again, and takes the next change.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.46: offers again; 0.1.20: ignores it" },
    needs: ["media", "set-prompt"],
    kills: ["reconnects-at-ready"],
    faults: [{ name: "unsolicited-ready" }],
    async drive({ client, line }) {
      await client.connect();
      await line("that it said ready", ({ kind }) => kind === "fault-fired");
      await client.call("setPrompt", { prompt: "afterwards" });
      await client.call("setPrompt", { prompt: "once more" });
    },
    judge: (reading) => [...staysConnected(reading), ...goesOn(reading, "once more")],
  }),
];

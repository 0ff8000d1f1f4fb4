/** Seconds of generation, which are what is billed: a client tells its app of each as the server does. */
import { same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { goesOn, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** Lets so many seconds of generation pass, and waits until the client has told of as many ticks. */
async function tick({ client, server, line }: Stage, seconds: number): Promise<void> {
  await client.connect();
  await line("the start of generation", ({ kind }) => kind === "generation_started");
  for (let second = 0; second < seconds; second++) await server.clock.advance(1000);
  await client.heard("tick", undefined, { count: seconds });
}

const sentTicks = ({ lines }: Reading) => lines("generation_tick").map(({ fields }) => fields.seconds);
const toldTicks = ({ eventsOf }: Reading) => eventsOf("tick").map(({ seconds }) => seconds);

export const ticks: readonly Scenario[] = [
  defineScenario({
    id: "ticks/counted",
    does: "Ten seconds of generation pass.",
    owes: "It tells of each second once, in order.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.47 to 0.1.20" },
    needs: ["media", "ticks"],
    kills: ["forgets-ticks"],
    server: { clock: "manual" },
    drive: (stage) => tick(stage, 10),
    judge: (reading) => same("its ticks are the server's", toldTicks(reading), sentTicks(reading)),
  }),
  ...(["skip", "repeat", "backwards", "fractional"] as const).map((how) =>
    defineScenario({
      id: `ticks/${how}`,
      does: `From the third second on, ticks count otherwise than seconds do: ${how}.`,
      owes: "It tells its app what the server said, and goes on.",
      source: {
        kind: "assumed",
        where: "what is billed is the server's to say; whoever corrects it hides a mistake",
      },
      needs: ["media", "ticks", "set-prompt"],
      kills: ["forgets-ticks"],
      server: { clock: "manual" },
      faults: [{ name: "wrong-ticks", with: { how } }],
      async drive(stage) {
        await tick(stage, 6);
        await stage.client.call("setPrompt", { prompt: "afterwards" });
      },
      judge: (reading) => [
        ...same("its ticks are the server's", toldTicks(reading), sentTicks(reading)),
        ...staysConnected(reading),
        ...goesOn(reading, "afterwards"),
      ],
    }),
  ),
];

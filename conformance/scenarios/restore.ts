/** What was set is in force again once a lost connection is back: the picture is what the app has asked for, whatever happened on the way. */
import { holds, same } from "../findings.ts";
import type { Line, Reading } from "../recording.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Actor, Stage } from "../stage.ts";
import { comeBack, cut, giveTurns, imageOf, stand } from "../steps.ts";

const source = {
  kind: "assumed",
  where: "an app is told connected and nothing of what it has lost, so that nothing may be lost",
} as const;
const needs = ["media", "reconnect", "states", "acks"] as const;

const image = imageOf("face-small");

/** How long it may take from connected to what it restores: it is on its way by then, and the server answers at once. */
const restoreMsMax = 3000;

/** Its socket is lost after what `change` does, and comes back; what it restores may come just behind, and more just behind that. */
async function loseAfter(
  stage: Stage,
  change: (client: Actor) => Promise<unknown>,
  about?: Parameters<Actor["connect"]>[0],
): Promise<void> {
  const { client, line } = stage;
  await stand(stage, about);
  await change(client);
  const lost = cut(stage);
  await comeBack(stage, lost);
  const isNext = ({ session }: Pick<Line, "session">) => session !== null && session !== lost.session;
  // Refused or not: the judge sees which.
  await line("what it restores", (next) => next.kind.startsWith("state") && isNext(next), {
    withinMs: restoreMsMax,
  });
  await line("the start of generation", (next) => next.kind === "generation_started" && isNext(next));
  await giveTurns(client);
}

/** What came into force in a session, revision by revision. */
const statesOf = ({ lines }: Reading, session: string | undefined): Line[] =>
  lines("state").filter((line) => line.session === session);

const looksOf = (states: readonly Line[]) => {
  const { prompt = null, imageHash = 0 } = states.at(-1)?.fields ?? {};
  return { prompt, imageHash };
};

/** What is in force in the end is what was when its socket was lost. */
function restored(reading: Reading) {
  const [before, after] = reading.sessions();
  const states = statesOf(reading, before);
  return [
    ...holds("something was in force before", states.length > 0, "a revision", "none"),
    ...same("it is in force again", looksOf(statesOf(reading, after)), looksOf(states)),
  ];
}

export const restore: readonly Scenario[] = [
  defineScenario({
    id: "restore/latest-prompt",
    does: "The app sets a prompt, and another; the socket is lost, and it comes back.",
    owes: "The second prompt is in force again.",
    source,
    needs: [...needs, "set-prompt"],
    kills: ["forgets-state", "restores-the-first"],
    drive: (stage) =>
      loseAfter(stage, async (client) => {
        await client.call("setPrompt", { prompt: "first" });
        await client.call("setPrompt", { prompt: "second" });
      }),
    judge: restored,
  }),
  defineScenario({
    id: "restore/latest-both",
    does: "The app sets prompt and image, and another prompt; the socket is lost, and it comes back.",
    owes: "The second prompt is in force again, and the image with it.",
    source,
    needs: [...needs, "set", "set-prompt"],
    kills: ["restores-no-image"],
    drive: (stage) =>
      loseAfter(stage, async (client) => {
        await client.call("set", { prompt: "first", image });
        await client.call("setPrompt", { prompt: "second" });
      }),
    judge: restored,
  }),
  defineScenario({
    id: "restore/cleared",
    does: "The app sets prompt and image, and takes the image back; the socket is lost, and it comes back.",
    owes: "The prompt is in force again, and no image.",
    source,
    needs: [...needs, "set"],
    kills: ["remembers-cleared-image"],
    drive: (stage) =>
      loseAfter(stage, async (client) => {
        await client.call("set", { prompt: "first", image });
        await client.call("set", { image: null });
      }),
    judge: restored,
  }),
  defineScenario({
    id: "restore/initial",
    does: "It connects with a prompt to begin with; the socket is lost, and it comes back.",
    owes: "The prompt is in force again.",
    source,
    needs: [...needs, "initial-prompt"],
    kills: ["forgets-state"],
    drive: (stage) => loseAfter(stage, async () => {}, { initial: { prompt: "from the start" } }),
    judge: restored,
  }),
  defineScenario({
    id: "restore/refused",
    does: "The app sets a prompt, and one that is refused; the socket is lost, and it comes back.",
    owes: "The first prompt is in force again: what was refused is not asked for a second time.",
    source,
    needs: [...needs, "set-prompt"],
    kills: ["remembers-what-was-refused"],
    faults: [{ name: "moderation", with: { word: "forbidden" } }],
    drive: (stage) =>
      loseAfter(stage, async (client) => {
        await client.call("setPrompt", { prompt: "first" });
        await client.call("setPrompt", { prompt: "forbidden" });
      }),
    judge: (reading) => [
      ...restored(reading),
      ...same(
        "the refused prompt is sent once",
        reading.sentStates().filter(({ fields }) => fields.prompt === "forbidden").length,
        1,
      ),
    ],
  }),
  defineScenario({
    id: "restore/once",
    does: "The app sets prompt and image; the socket is lost, and it comes back.",
    owes: "Both are restored by one message that makes one revision: no picture shows half of it, and nothing is applied twice.",
    source,
    needs: [...needs, "set"],
    kills: ["restores-twice", "restores-in-two"],
    drive: (stage) => loseAfter(stage, (client) => client.call("set", { prompt: "both", image })),
    judge: (reading) => {
      const after = reading.sessions()[1];
      return [
        ...restored(reading),
        ...same("it is sent once", reading.sentStates().filter(({ session }) => session === after).length, 1),
        ...same("it makes one revision", statesOf(reading, after).length, 1),
      ];
    },
  }),
];

/** Watching somebody else's session: a second client, without a camera. */
import { holds, rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Actor, Stage } from "../stage.ts";

async function publish({ client, target }: Stage) {
  const connecting = await client.connect();
  const token = String(connecting.ended!.value.subscribeToken ?? "");
  return { ...target(), token };
}

/** A session and somebody who sees it. */
async function watch(stage: Stage): Promise<Actor> {
  const where = await publish(stage);
  const viewer = await stage.another("viewer");
  await viewer.call("subscribe", where);
  await viewer.frames(1);
  return viewer;
}

/** Of the viewer's pictures, whether they show what the publisher set. */
function showsIt({ frames, lines }: Reading, prompt: string) {
  const state = lines("state").find(({ fields }) => fields.prompt === prompt);
  const seen = frames("viewer").map(({ output }) => output?.promptHash);
  return holds(
    `the viewer sees "${prompt}"`,
    state !== undefined && seen.includes(state.fields.promptHash as number),
    `a picture with prompt ${state?.fields.promptHash}`,
    `${seen.length} pictures with ${[...new Set(seen)].join(", ")}`,
  );
}

const server = { mode: "transcode" } as const;

export const subscribe: readonly Scenario[] = [
  defineScenario({
    id: "subscribe/sees",
    does: "A viewer subscribes to a session, whose publisher then sets a prompt.",
    owes: "The viewer gets a stream, and sees the prompt.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.46 to 0.1.20" },
    needs: ["subscribe", "set-prompt", "frames"],
    kills: ["shows-nothing"],
    server,
    async drive(stage) {
      const viewer = await watch(stage);
      await stage.client.call("setPrompt", { prompt: "seen by both" });
      await stage.client.shows("seen by both");
      await viewer.frames(10);
    },
    judge: (reading) => [
      ...resolves("subscribe() resolves", reading.call("subscribe", 1, "viewer")),
      ...showsIt(reading, "seen by both"),
    ],
  }),
  defineScenario({
    id: "subscribe/publisher-leaves",
    does: "The publisher leaves while somebody watches.",
    owes: "The viewer does not go on saying that it is connected.",
    source: { kind: "assumed", where: "an app that shows a stream has to learn that it is over" },
    needs: ["subscribe", "frames", "states"],
    kills: ["deaf-to-loss"],
    server,
    async drive(stage) {
      const viewer = await watch(stage);
      await stage.client.call("disconnect", {});
      await stage.until("the viewer to say that it is not connected", () =>
        ["reconnecting", "disconnected"].includes(viewer.last() ?? ""),
      );
    },
    judge: ({ states }) =>
      holds(
        "its last word is not connected",
        ["reconnecting", "disconnected"].includes(states("viewer").at(-1) ?? ""),
        "reconnecting or disconnected",
        states("viewer"),
      ),
  }),
  defineScenario({
    id: "subscribe/bad-token",
    does: "A viewer subscribes with a token that is none.",
    owes: "The call rejects, and nothing is asked of the server.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.46 to 0.1.20: Invalid subscribe token" },
    needs: ["subscribe"],
    kills: ["takes-any-token"],
    async drive({ client, target }) {
      await client.call("subscribe", { ...target(), token: "no token at all" });
    },
    judge: ({ call, lines }) => [
      ...rejects("subscribe() rejects", call("subscribe")),
      ...same("nothing is asked of the server", lines(/^(open|upgrade-refused|http-refused)$/).length, 0),
    ],
  }),
];

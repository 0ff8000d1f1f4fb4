/** Watching somebody else's session: a second client, without a camera. */

import type { Declaration } from "../../mock-server/index.ts";
import { encodeSubscribeToken } from "../../protocol/index.ts";
import type { Dialect } from "../client.ts";
import { holds, rejects, resolves, same } from "../findings.ts";
import type { Line, Reading } from "../recording.ts";
import { hearsTone, isTone, soundCount } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Actor, Stage } from "../stage.ts";
import { letPass, waitForPictures } from "../steps.ts";

async function publish({ client, target }: Stage, about?: Parameters<Actor["connect"]>[0]) {
  const connecting = await client.connect(about);
  const token = String(connecting.ended!.value.subscribeToken ?? "");
  return { ...target(), token };
}

/** A session and somebody who sees it. */
async function watch(stage: Stage, about?: Parameters<Actor["connect"]>[0]): Promise<Actor> {
  const where = await publish(stage, about);
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

/** Pictures that are enough to say that they flow. */
const someFrames = 8;

const isTokenMade = ({ kind }: Pick<Line, "kind">) => kind === "session_id" || kind === "livekit_room_info";

/** Holds back what a publisher's media cannot do without. */
const onTheWay = {
  direct: { name: "stall", channel: "control", only: "answer" },
  livekit: {
    name: "stall",
    channel: "livekit",
    direction: "to-server",
    when: { at: "after-join-response" },
  },
} as const satisfies Record<Dialect, Declaration>;

/** What a publisher makes of what it is told long before it is connected; SDKs hand it out only then. */
function tokenOf({ kind, fields }: Line): string {
  if (kind === "livekit_room_info") {
    return encodeSubscribeToken({ era: "livekit", roomName: String(fields.room_name) });
  }
  const { session_id: sid, server_ip: ip, server_port: port } = fields;
  return encodeSubscribeToken({ era: "direct", sid: String(sid), ip: String(ip), port: Number(port) });
}

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
    id: "subscribe/hears",
    does: "A viewer subscribes to a session whose publisher sends a tone beside its pictures.",
    owes: "The viewer hears it.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.46 to 0.1.20" },
    needs: ["subscribe", "audio", "frames"],
    kills: ["viewers-are-deaf"],
    server,
    async drive(stage) {
      const viewer = await watch(stage, { camera: { width: 320, height: 180, fps: 15, audio: true } });
      await viewer.heard("sound", isTone, { count: soundCount });
    },
    judge: (reading) => [
      ...resolves("subscribe() resolves", reading.call("subscribe", 1, "viewer")),
      ...hearsTone(reading, "the viewer hears the publisher's tone", "viewer"),
    ],
  }),
  defineScenario({
    id: "subscribe/early",
    does: "A viewer subscribes while its publisher's media is still on its way, which takes half a minute of the viewer's time.",
    owes: "The viewer waits, and says nothing else. Once there are pictures, it sees them.",
    // While the publisher waits in the queue there is no room, and while its socket opens no session: nothing that a token could name.
    source: {
      kind: "assumed",
      where: "whoever was sent a link may follow it at once; a token names a session, not its pictures",
    },
    needs: ["subscribe", "frames", "states"],
    kills: ["gives-up-in-the-dark", "misses-late-tracks"],
    server,
    async drive({ client, server, line, target, another }) {
      const viewer = await another("viewer");
      const connecting = client.beginConnect();
      const told = await line("what a token is made of", isTokenMade);
      const [hold] = server.faults.add(onTheWay[client.hello.dialect], { session: told.session! });
      await line("that its media is held back", ({ kind }) => kind === "fault-fired");
      await viewer.call("subscribe", { ...target(), token: tokenOf(told) });
      await letPass(viewer, 30_000);
      hold!.heal();
      await connecting.done();
      await waitForPictures(viewer, someFrames);
    },
    judge: ({ call, frames, states }) => [
      ...resolves("the publisher's connect() resolves", call("connect")),
      ...resolves("subscribe() resolves", call("subscribe", 1, "viewer")),
      ...same(
        "the viewer waits",
        states("viewer").filter((state) => state === "reconnecting" || state === "disconnected"),
        [],
      ),
      ...holds(
        "the viewer sees pictures",
        frames("viewer").length >= someFrames,
        `${someFrames} pictures`,
        `${frames("viewer").length} pictures`,
      ),
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

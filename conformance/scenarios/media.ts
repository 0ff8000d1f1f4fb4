/** Pictures: they go to the server as the app asked for, and what comes back is shown, whatever the network does to it. */
import type { Camera, Codec } from "../client.ts";
import { holds, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { goesOn, hearsTone, isTone, soundCount, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { connectWhole, faultFired, spoil } from "../steps.ts";

const server = { mode: "transcode" } as const;
const assumed = (where: string) => ({ kind: "assumed", where }) as const;
const observed = { kind: "observed", where: "@decartai/sdk 0.0.46 and 0.1.20 in Chromium" } as const;

/** Pictures that a share is taken of. */
const countedFrames = 40;

/** The share of a run of numbers that was met: of input ids, of the server's own count. */
function shareOf(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0;
  return new Set(numbers).size / (Math.max(...numbers) - Math.min(...numbers) + 1);
}

const halfAtLeast = (rule: string, numbers: readonly number[]) =>
  holds(
    rule,
    shareOf(numbers) >= 0.5,
    "half of them at least",
    `${Math.round(100 * shareOf(numbers))} % of them`,
  );

/** Of the camera's pictures those that came back, from the first that did to the last. */
const cameraComesBack = ({ frames }: Reading) =>
  halfAtLeast(
    "the camera's pictures come back",
    frames().flatMap(({ input }) => (input ? [input.frameId] : [])),
  );

/** Of the server's pictures those that were shown, from a step on. */
const serversAreShown = ({ frames }: Reading, from = 0) =>
  halfAtLeast(
    "the server's pictures are shown",
    frames().flatMap(({ output, step }) => (output && step > from ? [output.outputCount] : [])),
  );

/** Waits for a picture of this size. */
const untilSize = ({ client }: Stage, { width, height }: Pick<Camera, "width" | "height">) =>
  client.heard("frame", (frame) => frame.width === width && frame.height === height);

const hasSize = ({ frames }: Reading, { width, height }: Pick<Camera, "width" | "height">) =>
  same(
    "the last picture has the camera's size",
    [frames().at(-1)?.width, frames().at(-1)?.height],
    [width, height],
  );

/** Encoders may leave out what is no multiple of 16. */
const large: Camera = { width: 480, height: 272, fps: 15 };

/** Pictures are spoiled for a while; then a change, and pictures again. */
async function sufferAndGoOn(stage: Stage, fault: Parameters<typeof spoil>[1]): Promise<void> {
  const { client, line, mark } = stage;
  await connectWhole(stage);
  await client.frames(5);
  spoil(stage, fault);
  await line("that it is over", ({ kind }) => kind === "fault-healed");
  await client.call("setPrompt", { prompt: "afterwards" });
  await client.shows("afterwards");
  mark("over");
  await client.frames(20);
}

const goesOnWhole = (reading: Reading) => [
  ...staysConnected(reading),
  ...goesOn(reading, "afterwards"),
  ...serversAreShown(reading, reading.mark("over")?.step),
];

export const media: readonly Scenario[] = [
  defineScenario({
    id: "media/comes-back",
    does: "The camera takes 15 pictures a second, of 320 by 180.",
    owes: "Half of them at least come back.",
    source: assumed("fewer do not look like video any more"),
    needs: ["frames"],
    kills: ["sends-every-third"],
    server,
    async drive({ client }) {
      await client.connect();
      await client.frames(countedFrames);
    },
    judge: cameraComesBack,
  }),
  defineScenario({
    id: "media/size",
    does: "The camera takes pictures of 480 by 272.",
    owes: "They come back as large.",
    source: observed,
    needs: ["frames"],
    kills: ["sends-smaller"],
    server,
    async drive(stage) {
      await stage.client.connect({ camera: large });
      await untilSize(stage, large);
    },
    judge: (reading) => hasSize(reading, large),
  }),
  ...(["vp8", "h264", "vp9"] as const satisfies readonly Codec[]).map((codec) =>
    defineScenario({
      id: `media/${codec}`,
      does: `The app asks for ${codec.toUpperCase()}.`,
      owes: "It sends that, and pictures come back.",
      source: observed,
      needs: ["frames", "codec"],
      kills: ["mixes-codecs-up"],
      server,
      async drive({ client }) {
        await client.connect({ codec });
        await client.frames(10);
      },
      judge: ({ frames, lines }) => [
        ...same("it sends it", lines("media-opened").at(-1)?.fields.codec, codec),
        ...holds("pictures come back", frames().length >= 10, "10 pictures", `${frames().length} pictures`),
      ],
    }),
  ),
  defineScenario({
    id: "media/replace-track",
    does: "The app replaces the camera by one of another size.",
    owes: "Pictures of the new camera come back, in the same session.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.9 to 0.1.20" },
    needs: ["replace-track", "frames", "states"],
    kills: ["keeps-old-camera"],
    server,
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      await client.frames(5);
      await client.call("replaceTrack", { camera: large });
      await untilSize(stage, large);
    },
    judge: (reading) => [...hasSize(reading, large), ...staysConnected(reading)],
  }),
  defineScenario({
    id: "media/sound",
    does: "The camera has a microphone, which records a tone.",
    owes: "The tone comes back, and pictures with it.",
    source: observed,
    needs: ["audio", "frames"],
    kills: ["sends-no-sound", "is-deaf"],
    server,
    async drive({ client }) {
      await client.connect({ camera: { width: 320, height: 180, fps: 15, audio: true } });
      await client.heard("sound", isTone, { count: soundCount });
      await client.frames(10);
    },
    judge: (reading) => [
      ...resolves("connect() resolves", reading.call("connect")),
      ...hearsTone(reading, "the microphone's tone comes back"),
      ...holds(
        "pictures come back",
        reading.frames().length >= 10,
        "10 pictures",
        `${reading.frames().length} pictures`,
      ),
    ],
  }),
  defineScenario({
    id: "media/no-keyframes",
    does: "The first pictures come without a key picture, which none can be shown without.",
    owes: "It asks for one, and pictures come.",
    source: observed,
    needs: ["frames"],
    kills: ["never-asks-for-keys"],
    server,
    faults: [{ name: "no-keyframes", when: { for: { frames: 15 } } }],
    async drive(stage) {
      await stage.client.connect();
      await faultFired(stage, 1);
      await stage.client.frames(10);
    },
    judge: ({ frames, lines }) => [
      ...holds("it asks for one", lines("key-requested").length > 0, "a PLI", "none"),
      ...holds("pictures come", frames().length >= 10, "10 pictures", `${frames().length} pictures`),
    ],
  }),
  defineScenario({
    id: "media/loss",
    does: "For a while every fifth packet with pictures is lost on its way to it.",
    owes: "It stays connected, and once it is over, pictures are whole: a change shows, and so does what follows.",
    source: observed,
    needs: ["frames", "states", "set-prompt"],
    kills: ["shows-every-third"],
    server,
    drive: (stage) =>
      sufferAndGoOn(stage, {
        name: "packet-loss",
        direction: "to-client",
        only: "video",
        when: { for: { packets: 60 } },
        with: { pattern: "00001" },
      }),
    judge: goesOnWhole,
  }),
  defineScenario({
    id: "media/freeze",
    does: "For a while every picture is the one before, again.",
    owes: "It stays connected, and shows what comes once they move.",
    source: assumed("a model may stand still, which is no loss of a connection"),
    needs: ["frames", "states", "set-prompt"],
    kills: ["shows-every-third"],
    server,
    drive: (stage) => sufferAndGoOn(stage, { name: "freeze", when: { for: { frames: 15 } } }),
    judge: goesOnWhole,
  }),
  defineScenario({
    id: "media/fps-drop",
    does: "For a while only every third picture comes, and none of them is missing.",
    owes: "It stays connected, and shows them: half at least of what the server sends.",
    source: assumed("a model may be slow, which is no loss of packets"),
    needs: ["frames", "states", "set-prompt"],
    kills: ["shows-every-third"],
    server,
    drive: (stage) => sufferAndGoOn(stage, { name: "fps-drop", when: { for: { frames: 45 } } }),
    judge: (reading) => [...goesOnWhole(reading), ...serversAreShown(reading)],
  }),
];

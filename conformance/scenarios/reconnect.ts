/** Connections that are lost: the control socket, the room, media. A client comes back by itself, and its app can rely on what it is told. */
import { imageHash, readImage } from "../../fixtures/index.ts";
import { endOf, holds, rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { attemptCount, goesOn } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import {
  comeBack,
  cut,
  faultFired,
  giveTurns,
  imageOf,
  lookOn,
  opened,
  spoil,
  stand,
  stopTime,
  untilNoSocket,
} from "../steps.ts";

/** Pauses between attempts, milliseconds; the first is made at once. */
const ladderMs = [1000, 2000, 4000, 8000, 10_000];
const attemptsMax = ladderMs.length + 1;

/** How often a server takes a client in and closes, in a storm. */
const stormCount = 4;

const observed = { kind: "observed", where: "@decartai/sdk 0.0.44 to 0.1.20" } as const;
const assumed = (where: string) => ({ kind: "assumed", where }) as const;

/** It says that it is away, and back, as often. */
const comesBack = ({ states, sessions }: Reading, times = 1) => [
  ...same(
    "it says reconnecting, then connected",
    states()
      .filter((state) => state !== "generating")
      .slice(2),
    Array.from({ length: times }, () => ["reconnecting", "connected"]).flat(),
  ),
  ...same("it takes one session each time", sessions().length, times + 1),
];

/** What it was shown from a step on. */
const framesFrom = ({ frames }: Reading, step: number) => frames().filter((frame) => frame.step > step);

/** Pictures that are enough to say that they flow. */
const someFrames = 8;

const picturesComeAgain = (reading: Reading) =>
  holds(
    "pictures come again",
    framesFrom(reading, reading.mark("back")?.step ?? Number.POSITIVE_INFINITY).length >= someFrames,
    `${someFrames} pictures`,
    `${framesFrom(reading, reading.mark("back")?.step ?? 0).length} pictures`,
  );

const cameraKept = ({ call }: Reading) =>
  same("the app's camera still runs", call("open")?.ended?.value.tracks, 0);

/** The app sets a prompt, if it is told that it is connected. */
async function setAfterwards({ client }: Stage): Promise<void> {
  const { ended } = await client.connect();
  if (ended!.ok) await client.call("setPrompt", { prompt: "afterwards" });
}

function isNoZombie(reading: Reading) {
  const connecting = reading.call("connect");
  if (connecting?.ended?.ok === false) return [];
  return [...resolves("connect() ends", connecting), ...goesOn(reading, "afterwards")];
}

export const reconnect: readonly Scenario[] = [
  defineScenario({
    id: "reconnect/socket-lost",
    does: "Its control socket is gone, without a word.",
    owes: "It says reconnecting, connects again in one session, says connected, and takes the next change.",
    source: observed,
    needs: ["media", "reconnect", "states", "set-prompt"],
    kills: ["never-comes-back"],
    async drive(stage) {
      await stand(stage);
      await comeBack(stage, cut(stage));
      await stage.client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [...comesBack(reading), ...goesOn(reading, "afterwards")],
  }),
  defineScenario({
    id: "reconnect/ladder",
    does: "Its control socket is gone, and each time it asks for another the server answers 503.",
    owes: "It tries at once and after 1, 2, 4, 8 and 10 s; then it says disconnected, and why.",
    source: observed,
    needs: ["media", "reconnect", "states", "errors", "open", "clock"],
    kills: ["impatient-ladder"],
    faults: [{ name: "refuse-upgrade", channel: "control", when: { connections: [2, 99] } }],
    async drive(stage) {
      const { client, mark, server } = stage;
      const made = () => server.journal.lines.filter(({ fields }) => fields.fault === "key-1").length;
      const attempt = async (n: number) => {
        await faultFired(stage, 1, n);
        await untilNoSocket(client);
      };
      await stand(stage);
      await stopTime(client);
      cut(stage);
      await attempt(1);
      for (const [index, pauseMs] of ladderMs.entries()) {
        await client.call("advance", { ms: pauseMs - 1 });
        await untilNoSocket(client);
        mark("a millisecond before", { attempt: index + 2, made: made() });
        await client.call("advance", { ms: 1 });
        await attempt(index + 2);
      }
      await client.drift(() => client.last() === "disconnected");
    },
    judge: ({ marks, lines, states, eventsOf }) => [
      ...same(
        "no attempt comes before it is due",
        marks
          .map(({ value }) => value as { attempt: number; made: number })
          .filter(({ attempt, made }) => made >= attempt),
        [],
      ),
      ...same(
        "it makes six attempts",
        lines("fault-fired").filter(({ fields }) => fields.fault === "key-1").length,
        attemptsMax,
      ),
      ...same("it says disconnected in the end", states().at(-1), "disconnected"),
      ...holds("it says why", eventsOf("error").length > 0, "an error", "none"),
    ],
  }),
  defineScenario({
    id: "reconnect/permanent",
    does: "Its control socket is gone, and when it comes back the server says that its key is none.",
    owes: "It tries once, says disconnected, and tells what the server said.",
    source: observed,
    needs: ["media", "reconnect", "states", "errors"],
    kills: ["retries-after-refusal"],
    faults: [
      {
        name: "server-error",
        with: { error: "Invalid API key" },
        when: { at: "open", connections: [2, 99] },
      },
      { name: "close", channel: "control", with: { code: 1008 }, when: { at: "open", connections: [2, 99] } },
    ],
    async drive(stage) {
      const { client, until } = stage;
      await stand(stage);
      cut(stage);
      await until(
        "it to say disconnected, or to try again",
        () => client.last() === "disconnected" || opened(stage) > 2,
      );
      await lookOn(stage);
    },
    judge: (reading) => [
      ...same("it comes back once", attemptCount(reading), 2),
      ...same("it says disconnected", reading.states().at(-1), "disconnected"),
      ...holds(
        "it tells what the server said",
        reading.eventsOf("error").some(({ message }) => /invalid api key/i.test(message)),
        "Invalid API key",
        reading.eventsOf("error").map(({ message }) => message),
      ),
    ],
  }),
  defineScenario({
    id: "reconnect/during-connect",
    does: "Its control socket is closed while media connects.",
    owes: "It tries again, or connect() rejects: it never says that it is connected where every change is lost.",
    source: assumed("an app takes connected for what it says"),
    needs: ["media", "set-prompt"],
    kills: ["deaf-while-connecting"],
    faults: (dialect) => [
      {
        name: "close",
        channel: "control",
        when: { at: dialect === "direct" ? "after-answer" : "after-join-response", connections: 1 },
      },
    ],
    drive: setAfterwards,
    judge: isNoZombie,
  }),
  defineScenario({
    id: "reconnect/during-publish",
    does: "Its control socket is closed while the camera is being published; the room knows nothing of it.",
    owes: "It never says that it is connected where every change is lost: the next goes through.",
    source: assumed("an app takes connected for what it says"),
    dialects: ["livekit"],
    needs: ["media", "states", "set-prompt", "open"],
    kills: ["never-comes-back"],
    faults: [
      { name: "close", channel: "control", when: { at: "track-published", connections: 1 } },
      // The room ends with the session, and would tell.
      { name: "drop", channel: "livekit", only: ["leave", "close"], when: { connections: 1 } },
    ],
    async drive(stage) {
      const { client } = stage;
      await client.connect();
      const { step } = await faultFired(stage, 1);
      await giveTurns(client, () => client.last() === "reconnecting");
      // One that was connected by then comes back as from any loss.
      if (client.last() === "reconnecting") await client.state("connected", { from: step });
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: isNoZombie,
  }),
  defineScenario({
    id: "reconnect/during-upload",
    does: "Its control socket is gone while an image is being uploaded, which the server draws out until it is back.",
    owes: "The upload is no part of the session that was lost: it resolves, and its image can be set in the next.",
    source: assumed("an upload goes over HTTP, by itself; an app that has to begin anew is not told so"),
    needs: ["media", "reconnect", "states", "upload", "file-ref", "set"],
    kills: ["drops-uploads"],
    server: { clock: "manual" },
    faults: [{ name: "delay", channel: "http", only: "files", with: { delayMs: 1000 } }],
    async drive(stage) {
      const { client, server, target } = stage;
      await stand(stage);
      const data = imageOf("face-png");
      const uploading = client.begin("upload", { ...target(), data, mimeType: "image/png" });
      await faultFired(stage, 1);
      await comeBack(stage, cut(stage));
      await server.clock.advance(1000);
      const { ended } = await uploading.done();
      if (ended!.ok) await client.call("set", { prompt: "afterwards", image: String(ended!.value.id) });
    },
    judge: (reading) => {
      const { session, fields } = reading.lines("state").at(-1) ?? {};
      return [
        ...comesBack(reading),
        ...resolves("upload() resolves", reading.call("upload")),
        ...resolves("set() resolves", reading.call("set")),
        ...same("it is set in the new session", session, reading.sessions()[1]),
        ...same("its image is in force", fields?.imageHash, imageHash(readImage("face-png"))),
        ...same("its prompt is in force", fields?.prompt, "afterwards"),
      ];
    },
  }),
  defineScenario({
    id: "reconnect/late-close",
    does: "At its first attempt the server says an error and then nothing, so that this socket closes only after it has connected with another.",
    owes: "The end of the old socket is nothing to the new session: it stays connected.",
    source: assumed("after a change of networks, browsers take seconds to close a socket"),
    needs: ["reconnect", "states", "set-prompt", "clock", "open"],
    kills: ["heeds-old-sessions"],
    server: { clock: "manual" },
    faults: [
      { name: "server-error", with: { error: "Try again." }, when: { at: "open", connections: 1 } },
      { name: "half-open", channel: "control", when: { at: "open", connections: 1, for: { ms: 1000 } } },
    ],
    async drive(stage) {
      const { client, server, line } = stage;
      await stopTime(client);
      const connecting = client.beginConnect();
      await faultFired(stage, 2);
      // At once, so that a client which cuts a socket that does not close has not done so yet.
      for (let n = 0; n < 10 && opened(stage) < 2; n++) await client.call("advance", { ms: 1000 });
      await client.drift(() => connecting.ended !== null);
      await client.drift(() => client.last() === "connected" || client.last() === "generating");
      await server.clock.advance(1000);
      await line(
        "the end of the old socket",
        ({ kind, direction }) => kind === "close" && direction === "to-server",
      );
      await giveTurns(client, () => client.last() === "reconnecting");
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...same("it takes two attempts", reading.sessions().length, 2),
      ...same(
        "it stays connected",
        reading.states().filter((state) => state === "reconnecting" || state === "disconnected"),
        [],
      ),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "reconnect/storm",
    does: "The server takes it in and closes, four times in a row.",
    owes: "It comes back each time, and slower, though it was connected: its pauses are three seconds at least in all.",
    source: assumed("the ladder, 7 s by then, is there to spare a server that cannot go on"),
    needs: ["media", "reconnect", "states", "clock", "open"],
    kills: ["storms", "comes-back-once"],
    async drive(stage) {
      const { client, mark } = stage;
      await stand(stage);
      await stopTime(client);
      for (let n = 1; n <= stormCount && client.last() !== "disconnected"; n++) {
        const count = opened(stage);
        const { step } = spoil(stage, { name: "close", channel: "control" });
        await client.state("reconnecting", { from: step });
        // An attempt that is made at once takes none of its time.
        await giveTurns(client, () => opened(stage) > count);
        let pauseMs = 0;
        for (; pauseMs < 10_000 && opened(stage) === count; pauseMs += 100) {
          await client.call("advance", { ms: 100 });
        }
        mark("pause", pauseMs);
        await client.drift(() => client.last() !== "reconnecting");
      }
    },
    judge({ marks, sessions }) {
      const pausesMs = marks.map(({ value }) => Number(value));
      const totalMs = pausesMs.reduce((sum, pauseMs) => sum + pauseMs, 0);
      return [
        // Who gives up has rested for ever, which spares nobody.
        ...same("it takes one session each time", sessions().length, stormCount + 1),
        ...holds("it is throttled", totalMs >= 3000, "pauses of 3000 ms in all", `${pausesMs.join(", ")} ms`),
      ];
    },
  }),
  defineScenario({
    id: "reconnect/after-credits",
    does: "The server says that generation has ended because there are no credits left, and closes.",
    owes: "It says disconnected, and does not come back: the end would be the same.",
    source: assumed(
      "of all reasons for an end, insufficient_credits is one that trying again does not change",
    ),
    needs: ["media", "reconnect", "states"],
    kills: ["comes-back-after-the-end"],
    async drive(stage) {
      const { client, until } = stage;
      await stand(stage);
      spoil(stage, { name: "insufficient-credits", with: { how: "end", error: "The balance is empty." } });
      await until(
        "it to say disconnected, or to come back",
        () => client.last() === "disconnected" || opened(stage) > 1,
      );
      await lookOn(stage);
    },
    judge: (reading) => [
      ...same("it does not come back", attemptCount(reading), 1),
      ...same("it says disconnected", reading.states().at(-1), "disconnected"),
    ],
  }),
  defineScenario({
    id: "reconnect/pending-set",
    does: "Its control socket is gone while a call waits for its ack.",
    owes: "The call ends by the time it is connected again; where it resolves, what it set is in force.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.0 to 0.1.20: WebSocket closed" },
    needs: ["media", "reconnect", "states", "set", "set-prompt", "acks"],
    kills: ["keeps-pending-calls"],
    async drive(stage) {
      const { client } = stage;
      // What a client says by itself at the beginning is acked, too.
      await stand(stage);
      spoil(stage, { name: "missing-ack" });
      const lost = spoil(stage, { name: "drop-socket", channel: "control", when: { at: "ack-sent" } });
      client.begin("set", { prompt: "pending" });
      await comeBack(stage, lost);
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => {
      const ended = reading.call("set")?.ended;
      const session = reading.sessions().at(-1);
      const inForce = reading
        .lines("state")
        .filter((line) => line.session === session && line.fields.prompt === "pending");
      return [
        ...holds("set() ends", ended != null, "it ends", endOf(reading.call("set"))),
        ...holds(
          "it ends with the truth",
          !ended?.ok || inForce.length > 0,
          "it rejects, or the prompt is in force",
          "it resolved, and the prompt is not in force",
        ),
        ...goesOn(reading, "afterwards"),
      ];
    },
  }),
  defineScenario({
    id: "reconnect/set-while-reconnecting",
    does: "Its control socket is gone, and while it comes back, which the server draws out, the app sets a prompt.",
    owes: "The call rejects at once. Once it is back, the next goes through.",
    source: observed,
    needs: ["media", "reconnect", "states", "set-prompt"],
    kills: ["answers-while-away"],
    server: { clock: "manual" },
    faults: [{ name: "stall", channel: "control", when: { connections: [2, 2], for: { ms: 1000 } } }],
    async drive(stage) {
      const { client, server } = stage;
      await stand(stage);
      const lost = cut(stage);
      await faultFired(stage, 1);
      await client.call("setPrompt", { prompt: "meanwhile" });
      await server.clock.advance(1000);
      await comeBack(stage, lost);
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejects("setPrompt() rejects", reading.call("setPrompt", 1)),
      ...comesBack(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "reconnect/half-open",
    does: "Its control socket seems to stand, and nothing passes any more. The app sets a prompt.",
    owes: "The call rejects within its 30 s, and within a minute it has noticed: it says reconnecting.",
    source: assumed("the limit of a call is observed; an app whose every change is lost has to learn it"),
    needs: ["media", "reconnect", "states", "set", "clock"],
    kills: ["trusts-silent-sockets"],
    async drive(stage) {
      const { client } = stage;
      await stand(stage);
      await stopTime(client);
      spoil(stage, { name: "half-open", channel: "control" });
      const setting = client.begin("set", { prompt: "lost" });
      for (let s = 1; s <= 60 && client.last() !== "reconnecting"; s++) {
        await client.call("advance", { ms: 1000 });
        if (s === 31) stage.mark("after 31 s", setting.ended !== null);
      }
      await setting.done();
    },
    judge: ({ call, states, mark }) => [
      ...rejects("set() rejects", call("set")),
      ...same("it ends within 30 s", mark("after 31 s")?.value ?? true, true),
      ...holds("it notices", states().includes("reconnecting"), "reconnecting", states()),
    ],
  }),
  defineScenario({
    id: "reconnect/ice-flap",
    does: "No packet passes for seven seconds, either way, and then all is as before.",
    owes: "It waits: the same session goes on, and pictures come again.",
    // Browsers call a connection disconnected only after some five seconds without an answer, and no clock of ours drives those.
    source: assumed("a tunnel is shorter than a new session, which costs the place and the state"),
    needs: ["states", "frames"],
    kills: ["impatient-with-silence"],
    server: { mode: "transcode" },
    async drive(stage) {
      const { client, line, mark } = stage;
      await stand(stage);
      await client.frames(1);
      spoil(stage, { name: "connection-lost", when: { for: { ms: 7000 } } });
      await line("that packets pass again", ({ kind }) => kind === "fault-healed", { withinMs: 12_000 });
      mark("back");
      await client.frames(someFrames, { withinMs: 12_000 });
    },
    judge: (reading) => [
      ...same("it takes no other session", reading.sessions().length, 1),
      ...picturesComeAgain(reading),
    ],
  }),
  defineScenario({
    id: "reconnect/pictures-again",
    does: "Its control socket is gone while pictures flow.",
    owes: "Pictures come again once it is back. The camera is the app's, and still runs.",
    source: assumed("connected without pictures is nothing to an app"),
    needs: ["reconnect", "states", "frames", "open"],
    kills: ["stops-the-camera"],
    server: { mode: "transcode" },
    async drive(stage) {
      const { client, mark } = stage;
      await stand(stage);
      await client.frames(1);
      await client.state("connected", { from: cut(stage).step });
      mark("back");
      await client.call("open", {});
      await client.frames(someFrames);
    },
    judge: (reading) => [...comesBack(reading), ...cameraKept(reading), ...picturesComeAgain(reading)],
  }),
  defineScenario({
    id: "reconnect/media-lost",
    does: "Its connection for media is closed: in DTLS, or by the room that tells it to leave. The control socket stands.",
    owes: "It connects again, and pictures come.",
    // Chromium takes some five seconds to tell a page that DTLS was closed.
    source: observed,
    needs: ["reconnect", "states", "frames", "open"],
    kills: ["never-comes-back"],
    server: { mode: "transcode" },
    async drive(stage) {
      const { client, mark } = stage;
      await stand(stage);
      await client.frames(1);
      const { step } = spoil(stage, { name: client.hello.dialect === "direct" ? "dtls-closed" : "leave" });
      await client.state("connected", { from: step, withinMs: 15_000 });
      mark("back");
      await client.call("open", {});
      await client.frames(someFrames);
    },
    judge: (reading) => [...cameraKept(reading), ...picturesComeAgain(reading)],
  }),
  defineScenario({
    id: "reconnect/room-socket",
    does: "Its socket to the room is gone, and the room lets it go on where it was.",
    owes: "It resumes: pictures go on in the same session, and the app need not be told.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.0 to 0.1.20, livekit-client 2" },
    dialects: ["livekit"],
    needs: ["states", "frames"],
    kills: ["leaves-a-room-that-mends"],
    server: { mode: "transcode" },
    async drive(stage) {
      const { client, line, mark } = stage;
      await stand(stage);
      await client.frames(1);
      spoil(stage, { name: "drop-socket", channel: "livekit" });
      await line("that it has resumed", ({ kind }) => kind === "resumed");
      mark("back");
      await client.frames(someFrames);
    },
    judge: (reading) => [
      ...same("it takes no other session", reading.sessions().length, 1),
      ...picturesComeAgain(reading),
    ],
  }),
  defineScenario({
    id: "reconnect/room-rejoin",
    does: "Its socket to the room is gone, and the room has it start over.",
    owes: "Pictures come again: they are on a new track, which is the one to show.",
    source: assumed(
      "LiveKit does it when another node answers; an app shows the stream that it was handed last",
    ),
    dialects: ["livekit"],
    needs: ["states", "frames"],
    kills: ["shows-first-track-only"],
    server: { mode: "transcode" },
    faults: [{ name: "refuse-resume" }],
    async drive(stage) {
      const { client, line, mark } = stage;
      await stand(stage);
      await client.frames(1);
      spoil(stage, { name: "drop-socket", channel: "livekit" });
      await line("media of the new connection", ({ kind }) => kind === "media-opened", { count: 2 });
      mark("back");
      await client.frames(someFrames);
    },
    judge: picturesComeAgain,
  }),
  defineScenario({
    id: "reconnect/repeated",
    does: "Its control socket is gone three times, ten seconds of its time apart.",
    owes: "It comes back each time, and takes the next change.",
    source: observed,
    needs: ["media", "reconnect", "states", "set-prompt", "clock"],
    kills: ["comes-back-once"],
    async drive(stage) {
      const { client } = stage;
      const isSettled = () => client.last() !== "reconnecting";
      await stand(stage);
      await stopTime(client);
      for (let n = 1; n <= 3; n++) {
        await client.call("advance", { ms: 10_000 });
        const lost = spoil(stage, { name: "close", channel: "control" });
        await client.state("reconnecting", { from: lost.step });
        await client.drift(isSettled);
        await comeBack(stage, lost);
      }
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [...comesBack(reading, 3), ...goesOn(reading, "afterwards")],
  }),
];

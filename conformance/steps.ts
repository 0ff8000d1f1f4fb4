/** What drives do in many scenarios alike. Never asserts, never sleeps: it waits for what happens, and lets the client's own time pass. */
import { readImage } from "../fixtures/index.ts";
import type { Declaration } from "../mock-server/index.ts";
import type { Line } from "./recording.ts";
import { type Actor, type Begun, type Stage, Stuck } from "./stage.ts";

/** A reference image as clients take it. */
export const imageOf = (name: string): string => Buffer.from(readImage(name)).toString("base64");

/** Connects, and waits until the server counts it as connected: faults that begin then are awake. */
export async function connectWhole({ client, line }: Stage, about?: Parameters<Actor["connect"]>[0]) {
  await client.connect(about);
  await line("the start of generation", ({ kind }) => kind === "generation_started");
}

/** From now on the client's time stands, but for what it is given. */
export async function stopTime(client: Actor): Promise<void> {
  await client.call("advance", { ms: 0 });
}

/** Waits until fault number `number` of the scenario, from 1, has fired so often. */
export function faultFired({ line }: Stage, number: number, count = 1): Promise<Line> {
  const isIt = ({ kind, fields }: { kind: string; fields: Readonly<Record<string, unknown>> }) =>
    kind === "fault-fired" && fields.fault === `key-${number}`;
  return line(`fault ${number} to fire for the ${count}. time`, isIt, { count });
}

async function socketCount(client: Actor): Promise<number> {
  const { ended } = await client.call("open", {});
  return Number(ended!.value.sockets);
}

/** Asked as often, a client whose socket is gone has had its time to learn so. */
const asksMax = 300;

/** Asked as often, a client that hears something has had its time to act. */
const turnsMax = 30;

/** Leaves a client its turns to act on what it has heard, or until `done`: asks what changes nothing. One that counts nothing gets none. */
export async function giveTurns(client: Actor, done: () => boolean = () => false): Promise<void> {
  if (!client.hello.capabilities.includes("open")) return;
  for (let n = 0; n < turnsMax && !done(); n++) await client.call("open", {});
}

/** Attempts that have reached the server. */
export const opened = ({ server }: Stage): number =>
  server.journal.lines.filter(({ kind }) => kind === "open").length;

/** Longer than any client rests before it tries again. */
const lookOnMs = 60_000;

/** Lets a minute pass for a client that has said its last word, or its turns where its time cannot be driven, or until it tries again. */
export async function lookOn(stage: Stage): Promise<void> {
  const { client } = stage;
  const count = opened(stage);
  const isBack = () => opened(stage) > count;
  if (client.hello.capabilities.includes("clock")) {
    for (let ms = 0; ms < lookOnMs && !isBack(); ms += idleStepMs) {
      await client.call("advance", { ms: idleStepMs });
    }
  }
  await giveTurns(client, isBack);
}

/** Asks until the client has no socket any more: it knows then that its attempt has failed. */
export async function untilNoSocket(client: Actor): Promise<void> {
  for (let n = 0; n < asksMax && (await socketCount(client)) > 0; n++);
}

/** A step of a client's time, milliseconds: while it has a socket about as long as the step takes, or else as long as its shortest pause. */
const connectingStepMs = 20;
const idleStepMs = 1000;

/** Lets the time of a client that connects pass until the call has ended, or so much has passed: what is on its way takes real time. */
export async function passTime(client: Actor, call: Begun, msMax: number): Promise<void> {
  for (let ms = 0; call.ended === null && ms < msMax; ) {
    const stepMs = (await socketCount(client)) > 0 ? connectingStepMs : idleStepMs;
    await client.call("advance", { ms: stepMs });
    ms += stepMs;
  }
}

/** Lets so much of a client's time pass, milliseconds; none where its time cannot be driven. */
export async function letPass(client: Actor, ms: number): Promise<void> {
  if (!client.hello.capabilities.includes("clock")) return;
  for (let passedMs = 0; passedMs < ms; passedMs += idleStepMs) {
    await client.call("advance", { ms: Math.min(idleStepMs, ms - passedMs) });
  }
}

/** Waits for so many pictures of a client whose time was let pass: it goes on, for what has to be agreed on first. */
export async function waitForPictures(client: Actor, count: number): Promise<void> {
  let hasEnded = false;
  const showing = client.frames(count).finally(() => {
    hasEnded = true;
  });
  const isDriven = client.hello.capabilities.includes("clock");
  await Promise.all([showing, isDriven && client.drift(() => hasEnded)]);
}

/** Lets the time of a client that waits for nothing but time pass until the call has ended, or so much has passed. */
export async function outwait(client: Actor, call: Begun, msMax: number): Promise<void> {
  for (let ms = 0; call.ended === null && ms < msMax; ms += idleStepMs) {
    await client.call("advance", { ms: idleStepMs });
  }
}

/** Connects until the server generates and the app knows that it is connected: what it says of its state from then on is news. */
export async function stand(stage: Stage, about?: Parameters<Actor["connect"]>[0]): Promise<void> {
  await connectWhole(stage, about);
  await stage.client.state("connected");
}

/** What goes wrong for the session that runs, from now on. @throws Stuck where none does */
export function spoil({ server, step }: Stage, fault: Declaration): Loss {
  const session = server.sessions.at(-1)?.id;
  if (session === undefined) throw new Stuck("a session that runs, to spoil");
  server.faults.add(fault, { session });
  return { session, step };
}

/** A session that is about to be lost, and the step before. */
export type Loss = Pick<Line, "session" | "step">;

/** Its control socket is gone, without a close. */
export const cut = (stage: Stage): Loss => spoil(stage, { name: "drop-socket", channel: "control" });

/** Waits until it says that it is connected again. */
export const comeBack = ({ client }: Stage, { step }: Pick<Loss, "step">): Promise<void> =>
  client.state("connected", { from: step });

/** What drives do in many scenarios alike. Never asserts, never sleeps: it waits for what happens, and lets the client's own time pass. */
import { readImage } from "../fixtures/index.ts";
import type { Line } from "./recording.ts";
import type { Actor, Begun, Stage } from "./stage.ts";

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

/** Asks until the client has no socket any more: it knows then that its attempt has failed. */
export async function untilNoSocket(client: Actor): Promise<void> {
  for (let n = 0; n < asksMax && (await socketCount(client)) > 0; n++);
}

/**
 * Lets the client's time pass until the call has ended, or so much has passed. In small steps while it has a socket: what is on its way
 * takes real time.
 */
export async function passTime(client: Actor, call: Begun, msMax: number): Promise<void> {
  for (let ms = 0; call.ended === null && ms < msMax; ) {
    const stepMs = Math.min(msMax - ms, (await socketCount(client)) > 0 ? 20 : 250);
    await client.call("advance", { ms: stepMs });
    ms += stepMs;
  }
}

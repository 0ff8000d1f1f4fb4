/** What clients owe in many scenarios alike. Pure: each reads a finished recording and gives findings. */
import { toneHz } from "../fixtures/index.ts";
import { PATHS } from "../protocol/index.ts";
import type { Finding } from "../reports/result.ts";
import { endOf, holds, rejects, resolves, same } from "./findings.ts";
import type { Reading } from "./recording.ts";

/** It has one session, and never says that it lost it. */
export function staysConnected(reading: Reading): Finding[] {
  const lost = reading.states().filter((state) => state === "reconnecting" || state === "disconnected");
  return [
    ...same("it stays connected", lost, []),
    ...same("it has one session", reading.sessions().length, 1),
  ];
}

/** How often it has asked for a session, those that were refused included. */
export const attemptCount = ({ sessions, lines }: Reading): number =>
  sessions().length + lines("upgrade-refused").filter(({ fields }) => fields.path === PATHS.stream).length;

/** Whatever came before, a call to `set` or `setPrompt` goes through. */
export function goesOn(reading: Reading, prompt: string): Finding[] {
  const call = reading.calls.findLast(({ args }) => args.prompt === prompt);
  const isInForce = reading.lines("state").some(({ fields }) => fields.prompt === prompt);
  return [
    ...resolves(`setting "${prompt}" afterwards resolves`, call),
    ...holds(`"${prompt}" comes into force`, isInForce, "the server has it", "the server never had it"),
  ];
}

/** It begins with connecting and is then connected, and says nothing else on the way. */
export function connectsInOrder(reading: Reading): Finding[] {
  return same("it says connecting, then connected", reading.states().slice(0, 2), [
    "connecting",
    "connected",
  ]);
}

/** A second of sound. */
export const soundCount = 10;

/** How far a driver may be off that tells pitches by a spectrum. */
const pitchHzOff = 20;

/** Whether a piece of sound may be the microphone's tone: it is, or its driver cannot tell. */
export const isTone = ({ hz }: { readonly hz: number | null }): boolean =>
  hz === null || Math.abs(hz - toneHz) <= pitchHzOff;

/** A second of the microphone's tone has been heard. */
export function hearsTone({ eventsOf }: Reading, rule: string, actor = "client"): Finding[] {
  const heard = eventsOf("sound", actor);
  return holds(
    rule,
    heard.filter(isTone).length >= soundCount,
    `${soundCount} tenths of a second of ${toneHz} Hz`,
    `${heard.length}, of ${[...new Set(heard.map(({ hz }) => hz))].join(", ") || "nothing"}`,
  );
}

/** The call that asked for this prompt, which the server refused, rejects with what the server said last of what it refused. */
export function rejectsAsTold(reading: Reading, prompt: string): Finding[] {
  const call = reading.calls.find(({ args }) => args.prompt === prompt);
  const words = String(reading.lines("state-refused").at(-1)?.fields.error ?? "nothing: it refused nothing");
  return [
    ...rejects(`setting "${prompt}", which the server refuses, rejects`, call),
    ...holds(
      "it says what the server said",
      call?.ended?.ok !== false || call.ended.error.includes(words),
      words,
      endOf(call),
    ),
  ];
}

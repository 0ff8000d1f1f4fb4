/** How a session goes, in words that stay: its state, its place in the queue, the seconds that were ticked, how it ended. */
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import { sayNoPicture } from "./result.ts";

const none = "–";

export function showState(state: string, text = state === "idle" ? "not connected" : state): void {
  const shown = element("state");
  shown.dataset.state = state;
  shown.textContent = text;
  element("progress-state").textContent = text;
}

/** A new session has had no ticks and no end. */
export function startProgress(): void {
  for (const part of ["queue", "ticked", "ended"]) element(`progress-${part}`).textContent = none;
}

const another = "; another began";

/** An SDK that connects again by itself does so within milliseconds: why the session before has ended stays to be read. */
export function anotherSession(): void {
  element("progress-ticked").textContent = none;
  const ended = element("progress-ended");
  if (ended.textContent !== none && !ended.textContent.endsWith(another)) ended.textContent += another;
}

/** The server repeats itself; the log has each place once. */
export function showPlace(position: number, size: number): void {
  const text = `in the queue, ${position} of ${size}`;
  if (element("state").textContent === text) return;
  showState("connecting", text);
  element("progress-state").textContent = "connecting";
  element("progress-queue").textContent = `${position} of ${size}`;
  sayNoPicture(`Waiting for a free session: ${text}.`);
  note(`The server: ${text}.`);
}

/** It is served, so that it has left the queue, if there was one. */
export function showServed(): void {
  const queue = element("progress-queue");
  if (queue.textContent !== none) queue.textContent = "through";
}

export function showTick(seconds: number): void {
  element("progress-ticked").textContent = `${seconds} s`;
}

export function showEnded(seconds: number, reason: string): void {
  element("progress-ended").textContent = `${reason}, after ${seconds} s`;
  note(`The server ended the session after ${seconds} s: ${reason}.`);
}

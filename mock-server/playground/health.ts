/** How the server is and which sessions it has: asked every second, told to whoever listens, and shown at the top of the page. */
import type { MockServerOptions } from "../options.ts";
import { askServer, Refusal } from "./_ask-server.ts";
import { build, say } from "./_build.ts";
import { element } from "./_element.ts";
import { offered } from "./offered.ts";
import type { DescribedSession } from "./readout.ts";

export type Health = {
  uptimeMs: number;
  options: MockServerOptions;
  open: { sessions: number };
  limits?: { sessions: number };
};

/** What the server told of itself at one time. */
export type Told = { readonly health: Health; readonly sessions: readonly DescribedSession[] };

const pollMs = 1000;
const tokenSentence = `Without the token that the server printed at start, this page connects and sends, and no more: the server keeps its figures, sessions, journal, faults, clock and reset to those who have it. Open ${location.origin}/#token=… with it.`;

let newest: Health | null = null;
let polling: Promise<boolean> | undefined;
let nextPoll: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(told: Told) => void>();

/** As it was when it was last asked; null until it has told. */
export function newestHealth(): Health | null {
  return newest;
}

/** Calls `listen` whenever the server has told how it is. */
export function watchHealth(listen: (told: Told) => void): void {
  listeners.add(listen);
}

/** Asks the server how it is, and again every second; resolves with whether it answered. */
export function pollHealth(): Promise<boolean> {
  clearTimeout(nextPoll);
  polling ??= ask().finally(() => {
    polling = undefined;
    nextPoll = setTimeout(pollHealth, pollMs);
  });
  return polling;
}

export async function goneSentence(): Promise<string> {
  const { origin, port, protocol } = location;
  const isTls = protocol === "https:";
  const start = await offered.then(
    ({ startCommand }) =>
      ` with ${startCommand} --port ${port || (isTls ? 443 : 80)}${isTls ? " --tls" : ""}`,
    () => "",
  );
  return `The server at ${origin} does not answer. Start it${start}; this page notices.`;
}

async function ask(): Promise<boolean> {
  try {
    const told = await askServer<Health>("/_lucy/health");
    // Who has no token is told that it is up, and nothing else.
    if (!told.options) throw new Refusal(tokenSentence);
    newest = told;
    showFacts(newest);
    const sessions = await askServer<DescribedSession[]>("/_lucy/sessions");
    for (const listen of listeners) listen({ health: told, sessions });
    element("gone").hidden = true;
    return true;
  } catch (error) {
    const gone = element("gone");
    if (error instanceof Refusal) gone.textContent = error.message;
    else if (gone.hidden) gone.textContent = await goneSentence();
    gone.hidden = false;
    element("facts").replaceChildren();
    return error instanceof Refusal;
  }
}

function showFacts({ uptimeMs, options, open, limits }: Health): void {
  const { mode, size, latencyMs, seed } = options;
  const facts: [about: string, value: string][] = [
    ["mode", mode],
    ["output size", `of the ${size}`],
    ["latency", `${latencyMs} ms`],
    ["seed", String(seed)],
    ["up", duration(uptimeMs)],
    ["sessions", limits ? `${open.sessions} of ${limits.sessions}` : String(open.sessions)],
  ];
  const list = element("facts");
  // Built once, then only the changed words: a reader or a selection in it stays undisturbed.
  if (list.children.length !== facts.length) {
    list.replaceChildren(
      ...facts.map(([about], index) => {
        return build("li", { class: index === 0 ? "on" : null }, `${about} `, build("b"));
      }),
    );
  }
  for (const [index, [, value]] of facts.entries()) say(list.children[index]!.querySelector("b")!, value);
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

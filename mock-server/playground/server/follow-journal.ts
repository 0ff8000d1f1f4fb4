/**
 * The journal as it is written. The stream is read by hand where an EventSource would do, as that one can neither say why it was refused nor
 * send a token other than in an address. A page that nobody sees reads nothing, and goes on later from where it was: a browser opens six
 * connections to a server, and each stream takes one.
 */
import type { JournalLine } from "../../journal.ts";
import { controlHeaders } from "../_ask-server.ts";
import { sentenceOf } from "../sentence-of.ts";
import { createEventReader } from "./event-reader.ts";

/** `retryMs`: when it tries again by itself; `null`: not at all, as a missing token comes by no waiting. */
export type StreamState =
  | { readonly is: "open" | "hidden" }
  | { readonly is: "broken"; readonly why: string; readonly retryMs: number | null };

type FollowAbout = {
  /** So many lines of those that there are already. */
  readonly pastMax: number;
  lines(lines: readonly JournalLine[]): void;
  /** What the server says besides: that some lines are forgotten, that it has started anew. */
  remark(text: string): void;
  state(state: StreamState): void;
};

type Follower = {
  /** Tries at once where the stream is broken. */
  again(): void;
};

const retryMsBroken = 3000;
/** Each refusal is a line of the journal, too. */
const retryMsRefused = 10_000;
/** More readers than may be, or a server that is closing: that passes. */
const passing = 503;

export function followJournal({ pastMax, lines, remark, state }: FollowAbout): Follower {
  let lastSeq: number | null = null;
  let stop: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  document.addEventListener("visibilitychange", look);
  addEventListener("hashchange", again);
  // A page in the back-forward cache keeps no connection.
  addEventListener("pagehide", leave);
  addEventListener("pageshow", ({ persisted }) => persisted && look());
  look();

  function look(): void {
    if (!document.hidden) return again();
    leave();
    state({ is: "hidden" });
  }

  function leave(): void {
    clearTimeout(timer);
    stop?.abort();
    stop = null;
  }

  function again(): void {
    if (stop || document.hidden) return;
    clearTimeout(timer);
    stop = new AbortController();
    read(stop.signal);
  }

  async function read(signal: AbortSignal): Promise<void> {
    let retryMs: number | null = retryMsBroken;
    try {
      const response = await fetch(`/_lucy/journal?live=1${lastSeq === null ? `&limit=${pastMax}` : ""}`, {
        headers: { ...controlHeaders(), ...(lastSeq !== null && { "last-event-id": String(lastSeq) }) },
        signal,
      });
      if (!response.ok) {
        retryMs = response.status === passing ? retryMsRefused : null;
        throw new Error(String((await response.json()).detail));
      }
      state({ is: "open" });
      await take(response.body!, signal);
      throw new Error("The server closed the stream of the journal.");
    } catch (error) {
      if (signal.aborted) return;
      stop = null;
      const why = error instanceof TypeError ? "The stream of the journal broke." : sentenceOf(error);
      state({ is: "broken", why, retryMs });
      if (retryMs !== null) timer = setTimeout(again, retryMs);
    }
  }

  async function take(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    const events = createEventReader();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      const items = events(decoder.decode(value, { stream: true }));
      const came: JournalLine[] = [];
      for (const item of items) {
        if ("remark" in item) remark(item.remark);
        else came.push(item.line);
      }
      if (came.length === 0) continue;
      lastSeq = came.at(-1)!.seq;
      lines(came);
    }
  }

  return { again };
}

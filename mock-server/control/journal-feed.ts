/**
 * The journal over HTTP: as JSON Lines up to now, or as server-sent events that go on. The journal is the buffer: a reader of what is
 * past is written to as fast as it reads, one of what is new is dropped when it does not.
 */
import type { ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { Journal, JournalLine } from "../journal.ts";

export type FeedAbout = {
  matches(line: JournalLine): boolean;
  /**
   * The line after which it begins; `null`: the beginning, or where `limit` says. Live, it is the beginning as well where there is no such
   * line yet: its number is of a server that ran before.
   */
  readonly after: number | null;
  /** At most so many of the lines there are: the first behind `after`, or without it the last. */
  readonly limit: number | null;
  readonly isLive: boolean;
};

export type JournalFeed = {
  /** Answers with the lines. `false`: there are as many readers as there may be. */
  answer(response: ServerResponse, about: FeedAbout): boolean;
  readonly readerCount: number;
};

export const readersMax = 32;
/** What may wait to be read. A line has 32 kB at most, and an honest reader is some milliseconds behind. */
export const backlogBytesMax = 1024 * 1024;
/** Often enough for proxies that close what is silent for 30 s. */
export const beatIntervalMs = 15_000;
/** Characters written at once. */
const batchLengthMax = 64 * 1024;

/** `clock`: the machine's. Whoever reads is not part of what a manual clock moves. */
export function createJournalFeed(journal: Journal, clock: Clock): JournalFeed {
  let readerCount = 0;

  function answer(response: ServerResponse, { matches, after: asked, limit, isLive }: FeedAbout): boolean {
    if (readerCount >= readersMax) return false;
    readerCount++;
    const lastSeq = journal.lines.at(-1)?.seq ?? 0;
    // Whoever waited for what comes behind it would wait until as many lines are written again, or for good.
    const isAhead = isLive && asked !== null && asked > lastSeq;
    const after = isAhead ? 0 : asked;
    /** The last line that was looked at. */
    let seq = after ?? (limit === null ? 0 : startOfTail(journal.lines, matches, limit));
    // A live stream goes on; only what was there is limited, and by its start.
    let left = isLive ? Number.POSITIVE_INFINITY : (limit ?? Number.POSITIVE_INFINITY);
    let isOver = false;
    let isReplaying = true;
    let isBlocked = false;
    let hasMoved = true;

    response.writeHead(200, {
      "content-type": isLive ? "text/event-stream" : "application/jsonl; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "lucy-journal-forgotten": journal.forgottenCount,
    });
    const missing = Math.max(0, (journal.lines[0]?.seq ?? 1) - 1 - seq);
    if (isLive) {
      if (isAhead) {
        response.write(
          `: there is no line ${asked}, the last is ${lastSeq}: the server has started anew, and so do its lines, from the first\n\n`,
        );
      }
      response.write(
        missing > 0 && after !== null ? `: ${missing} lines after ${after} are forgotten\n\n` : ": here\n\n",
      );
    }

    /** The next lines as they are sent; empty where there are none. */
    function nextBatch(): string {
      let batch = "";
      const { lines } = journal;
      const first = lines[0]?.seq ?? 1;
      for (let index = Math.max(0, seq + 1 - first); index < lines.length; index++) {
        const line = lines[index]!;
        if (left === 0 || (!isLive && line.seq > lastSeq) || batch.length >= batchLengthMax) break;
        seq = line.seq;
        if (!matches(line)) continue;
        left--;
        batch += isLive ? `id: ${line.seq}\ndata: ${JSON.stringify(line)}\n\n` : `${JSON.stringify(line)}\n`;
      }
      return batch;
    }

    function pump(): void {
      while (!isOver && !(isReplaying && isBlocked)) {
        const batch = nextBatch();
        if (batch === "") {
          isReplaying = false;
          if (!isLive) response.end();
          return;
        }
        hasMoved = true;
        isBlocked = !response.write(batch);
        if (!isReplaying) dropIfSlow();
      }
    }

    function dropIfSlow(): void {
      if (response.writableLength > backlogBytesMax) drop();
    }

    function drop(): void {
      const bytes = response.writableLength;
      leave();
      response.destroy();
      const fields = { socket: "journal", bytes, bytesMax: backlogBytesMax };
      journal.add({ kind: "slow-reader", fields, measured: true });
    }

    function leave(): void {
      if (isOver) return;
      isOver = true;
      readerCount--;
      stopFollowing();
      beat.cancel();
    }

    const beat = clock.every(beatIntervalMs, () => {
      // What is past is only written as it is read: here it shows that nobody does.
      if (isBlocked && isReplaying && !hasMoved) return drop();
      hasMoved = false;
      if (!isLive || isReplaying) return;
      response.write(": beat\n\n");
      dropIfSlow();
    });
    // By place, not by line: a line that is written because of a line comes to some readers first.
    const stopFollowing = journal.follow(() => {
      if (isLive && !isReplaying) pump();
    });
    response.on("drain", () => {
      isBlocked = false;
      hasMoved = true;
      pump();
    });
    response.once("close", leave);
    response.on("error", leave);
    pump();
    return true;
  }

  return {
    answer,
    get readerCount() {
      return readerCount;
    },
  };
}

/** The line before the last `limit` that match. */
function startOfTail(lines: readonly JournalLine[], matches: FeedAbout["matches"], limit: number): number {
  let left = limit;
  for (let index = lines.length - 1; index >= 0; index--) {
    if (matches(lines[index]!) && --left < 0) return lines[index]!.seq;
  }
  return 0;
}

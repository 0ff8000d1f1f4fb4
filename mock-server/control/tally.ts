/**
 * What a server has done so far, nearly all of it counted from its journal's lines as they come: totals that stay when lines are
 * forgotten and sessions are over. Knows nothing of who reads them.
 */
import type { Journal, JournalLine } from "../journal.ts";
import type { PipelineStats } from "../media/pipeline.ts";
import type { Session } from "../session.ts";

/** By what is told apart, such as `["to-client", "prompt_ack"]`. */
export type Counts = {
  add(...key: readonly string[]): void;
  readonly rows: readonly { readonly key: readonly string[]; readonly count: number }[];
};

const mediaNames = [
  "packetsIn",
  "picturesIn",
  "picturesOut",
  "bytesOut",
  "dropped",
  "undecodable",
  "keyRequestsIn",
  "keyRequestsOut",
] as const satisfies readonly (keyof PipelineStats)[];

export type MediaTotals = Record<(typeof mediaNames)[number], number>;

export type Tally = {
  /** Direction, kind. */
  readonly messages: Counts;
  /** `ok` or `failed`. */
  readonly acks: Counts;
  /** Socket, direction, code. */
  readonly closes: Counts;
  /** The fault's name. Counted where it fires: the journal has the first times only. */
  readonly faults: Counts;
  /** The status. */
  readonly answers: Counts;
  /** Of all sessions that ran and run. */
  media(): MediaTotals;
};

/** Things told apart at most, of each sort; what comes beyond is counted as `other`. */
const keysMax = 200;

/** Lines with a direction that tell of a connection or a request, and are no message. */
const noMessages = new Set([
  "open",
  "close",
  "livekit-open",
  "livekit-close",
  "upgrade-refused",
  "http-refused",
  "token-minted",
  "file-uploaded",
  "file-deleted",
]);

export function createTally(journal: Journal, sessions: ReadonlyMap<string, Session>): Tally {
  const messages = createCounts();
  const acks = createCounts();
  const closes = createCounts();
  const faults = createCounts();
  const answers = createCounts();
  const ended = addUp([]);
  /** A session has new pictures with each connection; it keeps the last ones only. */
  const running = new Map<string, Readonly<PipelineStats>>();

  function settle(session: string): void {
    const stats = running.get(session);
    running.delete(session);
    if (stats) for (const name of mediaNames) ended[name] += stats[name];
  }

  journal.follow(({ kind, direction, fields, session }: JournalLine) => {
    if (direction !== "inside" && !noMessages.has(kind)) messages.add(direction, kind);
    switch (kind) {
      case "prompt_ack":
      case "set_image_ack":
        acks.add(fields.success === true ? "ok" : "failed");
        break;
      case "close":
      case "livekit-close":
        closes.add(kind === "close" ? "control" : "livekit", direction, String(fields.code));
        break;
      case "media-opened": {
        if (session === null) break;
        settle(session);
        const stats = sessions.get(session)?.pipeline?.stats;
        if (stats) running.set(session, stats);
        break;
      }
      case "session-ended":
        if (session !== null) settle(session);
    }
  });

  return { messages, acks, closes, faults, answers, media: () => addUp([ended, ...running.values()]) };
}

function addUp(list: readonly Readonly<MediaTotals>[]): MediaTotals {
  const sum = (name: keyof MediaTotals) => list.reduce((total, one) => total + one[name], 0);
  return Object.fromEntries(mediaNames.map((name) => [name, sum(name)])) as MediaTotals;
}

export function createCounts(): Counts {
  const counts = new Map<string, { key: readonly string[]; count: number }>();
  return {
    add(...key) {
      const id = key.join(" ");
      const known = counts.get(id);
      if (known) known.count++;
      else if (counts.size < keysMax || key.every((part) => part === "other"))
        counts.set(id, { key, count: 1 });
      else this.add(...key.map(() => "other"));
    },
    get rows() {
      return [...counts.values()];
    },
  };
}

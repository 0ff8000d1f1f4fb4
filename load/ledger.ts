/**
 * The history of one session as it happens, reckoned into a tally: which pictures should have come, which came, when, and what they showed. It
 * waits for nothing and judges nothing, and keeps seconds of the history, never all of it.
 *
 * Every delay is taken from when a picture's turn was, not from when it was sent. A generator that stalls sends late what it should have
 * sent meanwhile, and would call those pictures fast (coordinated omission); here they are as late as they were for a viewer.
 */
import { counterDistance } from "../fixtures/strips.ts";
import { createSignatureReader } from "./carriers/signature.ts";
import type { Observer, ReceivedPicture, SentPicture } from "./generator.ts";
import type { FrameRow } from "./measurement.ts";
import type { Tally } from "./tally.ts";

/** A picture that has not come so long after its turn is lost, whatever comes later. */
export const lossMsMax = 5000;
/** What is still under way when a session ends is undecided, so long beyond the slowest picture of the session. */
const endGraceMs = 500;
/** A set that waited longer for its ack when the session ended had none coming, in a session where no set was acked. */
const ackMsUnknown = 2000;
/** Of `freezeCount` in W3C's webrtc-stats: against the average of so many gaps, three times it, and so much beyond it. */
const freezeGapCount = 30;
const freezeBeyondMs = 150;
/** So long after the last picture that was told by itself, their light is read. */
const signatureAfterMs = 1000;
/** Sets that wait for their picture: a server that shows none of them must not make this grow. */
const waitingSetsMax = 64;

export type LedgerAbout = {
  readonly tally: Tally;
  /** How rows name it. */
  readonly session: string;
  /** Of its camera. */
  readonly fps: number;
  /** When `open()` was called. Times are on the clock of the generator. */
  readonly openedMs: number;
  /** Is told of each source picture once its fate is known, in their order. */
  readonly row: ((row: FrameRow) => void) | null;
};

export type SetCalled = {
  readonly calledMs: number;
  /** As the output strip will carry it; `null`: this set says nothing of the prompt. */
  readonly promptHash: number | null;
  /** 0: it clears the image. */
  readonly imageHash: number | null;
};

export type Ledger = {
  readonly observer: Observer;
  /** `open()` resolved. `calledMs`: when connecting began, where that is later than `open()`: a page has to be loaded first. */
  connected(connectedMs: number, calledMs?: number): void;
  /** It rejected. */
  failed(): void;
  /** To be told before the call, since its picture may come before its ack. */
  set(set: SetCalled): { acked(calledMs: number, ackedMs: number): void; failed(): void };
  /** The session was asked to end. What happens after it counts no more. */
  close(atMs: number): void;
};

type Picture = {
  readonly dueMs: number;
  readonly sentMs: number | null;
  /** Its turn passed while there was no connection. */
  readonly isOffAir: boolean;
  receivedMs: number | null;
  revision: number | null;
  carrier: string | null;
};

type WaitingSet = SetCalled & {
  /** What was last seen before it, and how many sets, this one included, were called since. */
  readonly revisionBefore: number | null;
  readonly rank: number;
  seen(atMs: number): void;
};

export function createLedger({ tally, session, fps, openedMs, row }: LedgerAbout): Ledger {
  const frameMs = 1000 / fps;
  /** By number, in their order: those of the last `lossMsMax`. */
  const pictures = new Map<number, Picture>();
  const gaps = createGaps(frameMs);
  const signatures = createSignatureReader((signature) => {
    if (signature.kind === "refused") return tally.count("signatures-refused");
    tally.count("signatures-found");
    tally.time("signature-delay", signature.delayMs);
  });

  let opened: { readonly calledMs: number; readonly connectedMs: number } | null = null;
  let isOver = false;
  let receivedCount = 0;
  let firstToldFrame: number | null = null;
  let newestToldFrame = -1;
  /** When a picture was last told apart. */
  let toldMs = Number.NEGATIVE_INFINITY;
  let newestSentFrame = -1;
  let slowestMs = 0;
  /** Came, and nobody could read which they were: so many of those missing are none. */
  let unreadCount = 0;
  /** Missing while nothing had come back yet: start-up if anything ever does, else lost. */
  let unansweredCount = 0;
  let outputCount: number | null = null;
  let revision: number | null = null;
  let firstPictureMs: number | null = null;
  let newPictureMs: number | null = null;
  let second: number | null = null;
  let pictureCount = 0;
  let lostMs: number | null = null;
  let isBack = false;
  let waiting: WaitingSet[] = [];
  /** Called, and neither acked nor failed. */
  const unacked = new Set<SetCalled>();
  let slowestAckMs: number | null = null;

  tally.count("sessions-due");

  function sent({ frame, dueMs, sentMs, luma }: SentPicture): void {
    if (isOver) return;
    tally.count("frames-due");
    if (sentMs !== null) {
      tally.count("frames-sent");
      newestSentFrame = frame;
      if (sentMs - dueMs > frameMs) tally.count("frames-late");
      if (luma) signatures.sent({ atMs: dueMs, luma });
    }
    const isOffAir = sentMs === null && lostMs !== null && !isBack && dueMs > lostMs - frameMs;
    if (isOffAir) tally.count("frames-off-air");
    pictures.set(frame, { dueMs, sentMs, isOffAir, receivedMs: null, revision: null, carrier: null });
    decideOld(sentMs ?? dueMs);
  }

  function received(picture: ReceivedPicture): void {
    if (isOver) return;
    const { atMs, frame, carrier, output } = picture;
    receivedCount++;
    tally.count("frames-received");
    tally.received(atMs);
    const source = frame === null ? undefined : pictures.get(frame);
    // A number that was not sent is misread, whatever told it.
    const isTold = frame !== null && frame <= newestSentFrame && source?.sentMs !== null;
    // Of those that are forgotten, what is older than the newest seen was seen, or lost for good: it shows nothing new.
    const isSourceAgain =
      isTold && (source === undefined ? frame <= newestToldFrame : source.receivedMs !== null);
    if (isTold) {
      if (firstToldFrame === null) {
        firstToldFrame = frame;
        unreadCount = 0;
      }
      newestToldFrame = Math.max(newestToldFrame, frame);
      toldMs = atMs;
      tally.count(carrier === "metadata" ? "frames-by-metadata" : "frames-by-strip");
    } else {
      tally.count("frames-unknown");
      unreadCount++;
      // Where single pictures can be told, nobody needs less than that. A model may begin to repaint at any time.
      if (picture.luma && atMs - toldMs > signatureAfterMs) signatures.received({ atMs, luma: picture.luma });
    }

    const isOutputAgain = output !== null && output.outputCount === outputCount;
    if (output) outputCount = output.outputCount;
    if (isTold && source && !isSourceAgain) {
      source.receivedMs = atMs;
      source.revision = output?.revision ?? null;
      source.carrier = carrier;
      slowestMs = Math.max(slowestMs, atMs - source.dueMs);
      tally.glassToGlass(atMs, atMs - source.dueMs);
    }
    if (isOutputAgain || isSourceAgain) tally.count("frames-repeated");
    else showNew(atMs);
    if (output) showState(output, atMs);
    decideOld(atMs);
  }

  /** A picture that the viewer has not seen yet. */
  function showNew(atMs: number): void {
    if (newPictureMs === null) {
      firstPictureMs = atMs;
      tellFirstPicture();
      second = tally.secondOf(atMs) + 1;
    } else {
      tally.time("frame-gap", atMs - newPictureMs);
      countFreeze(atMs - newPictureMs);
    }
    newPictureMs = atMs;
    closeSeconds(atMs);
    // The second of the first picture is not a whole one.
    if (tally.secondOf(atMs) === second) pictureCount++;
    if (isBack && lostMs !== null) {
      tally.time("reconnect", atMs - lostMs);
      lostMs = null;
      isBack = false;
    }
  }

  /** It may come before `open()` resolves. */
  function tellFirstPicture(): void {
    if (opened === null || firstPictureMs === null) return;
    tally.time("time-to-first-frame", firstPictureMs - opened.calledMs);
  }

  function countFreeze(gapMs: number): void {
    if (!gaps.isFreeze(gapMs)) return;
    tally.count("freezes");
    tally.count("freeze-microseconds", Math.round(gapMs * 1000));
  }

  /** Whole seconds that have passed, those without a picture too. */
  function closeSeconds(atMs: number): void {
    if (second === null) return;
    for (const now = tally.secondOf(atMs); second < now; second++) {
      tally.fps(second, pictureCount);
      pictureCount = 0;
    }
  }

  /**
   * The server takes sets in their order and makes one revision of each. So a set is seen when a picture shows what it asked for under a later
   * revision than before it; or when so many revisions have gone by as sets were called; or when a later set is seen, which stands on it.
   */
  function showState(output: NonNullable<ReceivedPicture["output"]>, atMs: number): void {
    const ahead = (before: number) => counterDistance(before, output.revision);
    const asked = waiting.findIndex(
      ({ promptHash, imageHash, revisionBefore }) =>
        (promptHash === null || promptHash === output.promptHash) &&
        (imageHash === null || imageHash === output.imageHash) &&
        (revisionBefore === null || ahead(revisionBefore) > 0),
    );
    const passed = waiting.findLastIndex(
      ({ revisionBefore, rank }) => revisionBefore !== null && ahead(revisionBefore) >= rank,
    );
    for (const set of waiting.splice(0, Math.max(asked, passed) + 1)) set.seen(atMs);
    revision = output.revision;
  }

  /** Pictures whose time is over. */
  function decideOld(nowMs: number): void {
    for (const [frame, picture] of pictures) {
      if (nowMs - picture.dueMs <= lossMsMax) return;
      settle(frame, picture, true);
    }
  }

  function settle(frame: number, picture: Picture, isTimeOver: boolean): void {
    pictures.delete(frame);
    const { isOffAir, ...told } = picture;
    row?.({ session, frame, ...told });
    const { dueMs, sentMs, receivedMs } = told;
    if (sentMs === null && !isOffAir) return;
    if (receivedMs !== null) tally.decided(dueMs, false);
    else if (!isTimeOver && !isOffAir) return;
    else if (receivedCount === 0) unansweredCount++;
    // Before the first that came back is start-up, which the time to first frame tells.
    else if (firstToldFrame === null || frame < firstToldFrame) return;
    else if (unreadCount > 0 && !isOffAir) {
      unreadCount--;
      tally.decided(dueMs, false);
    } else tally.decided(dueMs, true);
  }

  function end(atMs: number): void {
    if (isOver) return;
    for (const [frame, picture] of pictures) {
      const isOvertaken = frame < newestToldFrame;
      settle(frame, picture, isOvertaken || atMs - picture.dueMs > slowestMs + endGraceMs);
    }
    if (opened !== null) {
      if (receivedCount === 0) {
        tally.decided(atMs, true, unansweredCount);
        second = tally.secondOf(opened.connectedMs) + 1;
      }
      closeSeconds(atMs);
      // A stream that stops for good is frozen, too.
      if (newPictureMs !== null) countFreeze(atMs - newPictureMs);
      tally.sessionClosed(atMs);
    }
    // Acks that stop are a failure; those that may still be under way are undecided.
    const ackMsLeft = slowestAckMs === null ? ackMsUnknown : slowestAckMs + endGraceMs;
    for (const { calledMs } of unacked) if (atMs - calledMs > ackMsLeft) tally.count("sets-failed");
    isOver = true;
    waiting = [];
  }

  return {
    observer: {
      sent,
      received,
      lost(atMs) {
        if (isOver) return;
        lostMs ??= atMs;
        isBack = false;
        // Who comes back is a new session for the server: it counts from 0.
        revision = null;
        outputCount = null;
        waiting = waiting.map((set) => ({ ...set, revisionBefore: null }));
      },
      recovered() {
        if (isOver) return;
        tally.count("reconnects");
        isBack = true;
      },
      ended(atMs) {
        if (isOver) return;
        tally.count("sessions-ended");
        end(atMs);
      },
    },
    connected(connectedMs, calledMs = openedMs) {
      opened = { calledMs, connectedMs };
      tally.count("sessions-connected");
      tally.time("connect", connectedMs - calledMs);
      tally.sessionOpened(connectedMs);
      tellFirstPicture();
    },
    failed() {
      tally.count("sessions-failed");
      isOver = true;
    },
    set(called) {
      tally.count("sets-called");
      unacked.add(called);
      let seenMs: number | null = null;
      let acked: { calledMs: number } | null = null;
      const tellVisible = () => {
        if (acked === null || seenMs === null || seenMs < acked.calledMs) return;
        tally.count("sets-visible");
        tally.time("set-to-visible", seenMs - acked.calledMs);
      };
      waiting.push({
        ...called,
        revisionBefore: revision,
        rank: waiting.length + 1,
        seen(atMs) {
          seenMs = atMs;
          tellVisible();
        },
      });
      if (waiting.length > waitingSetsMax) waiting.shift();
      return {
        acked(calledMs, ackedMs) {
          if (isOver) return;
          unacked.delete(called);
          slowestAckMs = Math.max(slowestAckMs ?? 0, ackedMs - calledMs);
          tally.count("sets-acked");
          tally.time("set-to-ack", ackedMs - calledMs);
          acked = { calledMs };
          tellVisible();
        },
        failed() {
          if (isOver) return;
          unacked.delete(called);
          tally.count("sets-failed");
        },
      };
    },
    close: end,
  };
}

/** The gaps between new pictures, and which of them are freezes. Before there are enough, the camera's own stand in. */
function createGaps(frameMs: number) {
  const gapsMs = new Array<number>(freezeGapCount).fill(frameMs);
  let at = 0;
  let sumMs = frameMs * freezeGapCount;
  return {
    isFreeze(gapMs: number): boolean {
      const averageMs = sumMs / freezeGapCount;
      sumMs += gapMs - gapsMs[at]!;
      gapsMs[at] = gapMs;
      at = (at + 1) % freezeGapCount;
      return gapMs >= Math.max(3 * averageMs, averageMs + freezeBeyondMs);
    },
  };
}

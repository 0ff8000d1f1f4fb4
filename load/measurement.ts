/**
 * What was measured, as plain data: histograms and counts by name, of a session, of a shard, of a run. Adding two is adding each, so that
 * shards merge without loss. Who fills it in is the ledger; who reads it are summaries, thresholds and comparisons.
 */

/** Histograms of microseconds, but `fps`: new pictures of one session in one whole second, times 1000. */
export const histogramNames = [
  "connect",
  "time-to-first-frame",
  /** From a picture's turn, not from when it was sent: a generator that fell behind shows it here. */
  "glass-to-glass",
  /** The same where only a signature tells: one value a window of some seconds, which says nothing of single pictures. */
  "signature-delay",
  /** Between two new pictures. A repeated picture ends no gap. */
  "frame-gap",
  "set-to-ack",
  "set-to-visible",
  "reconnect",
  "fps",
] as const;
export type HistogramName = (typeof histogramNames)[number];

export const countNames = [
  /** Pictures whose turn came, whether or not they were sent. */
  "frames-due",
  "frames-sent",
  /** Turns that passed while there was no connection: not sent, and the fault of no generator. */
  "frames-off-air",
  /** Sent more than one picture's time after their turn. */
  "frames-late",
  "frames-received",
  "frames-by-metadata",
  "frames-by-strip",
  /** Received, and neither metadata nor strip told which they were. */
  "frames-unknown",
  /** Sent or off the air, and known to have come back or not: what `frames-lost` is a share of. Only of sessions whose pictures are told apart. */
  "frames-decided",
  /** Never came back, or later than `lossMsMax`. */
  "frames-lost",
  /** The same output picture, or the same source picture, once more. */
  "frames-repeated",
  /** Gaps of at least three times the average of the last 30, and of 150 ms more than it (as WebRTC's `freezeCount`). */
  "freezes",
  "freeze-microseconds",
  "sessions-due",
  /** Came more than one picture's time after they were due, which is as fine as a time to first frame can be. */
  "sessions-late",
  "sessions-connected",
  "sessions-failed",
  /** Ended before they were asked to. */
  "sessions-ended",
  "sets-called",
  "sets-acked",
  "sets-failed",
  "sets-visible",
  "reconnects",
  /** Windows whose delay a signature told, and that it refused. */
  "signatures-found",
  "signatures-refused",
] as const;
export type CountName = (typeof countNames)[number];

/** A histogram as it is kept: HdrHistogram's own compressed encoding, base64. `""`: nothing was recorded. */
export type EncodedHistogram = string;

export type Measurement = {
  readonly histograms: Readonly<Record<HistogramName, EncodedHistogram>>;
  readonly counts: Readonly<Record<CountName, number>>;
  /** By second of the run, from its start; seconds without anything are left out. */
  readonly seconds: readonly MeasuredSecond[];
};

export type MeasuredSecond = {
  readonly second: number;
  /** Open at its end. */
  readonly sessions: number;
  /** In it, as `glassToGlass` and `fps` are. */
  readonly framesReceived: number;
  /** Of those whose turn came in it, as `framesLost` is. */
  readonly framesDecided: number;
  readonly framesLost: number;
  readonly glassToGlass: EncodedHistogram;
  readonly fps: EncodedHistogram;
};

/** One source picture's fate; a line of the NDJSON that is written on request. */
export type FrameRow = {
  readonly session: string;
  readonly frame: number;
  readonly dueMs: number;
  readonly sentMs: number | null;
  readonly receivedMs: number | null;
  /** The state it was shown in. */
  readonly revision: number | null;
  readonly carrier: string | null;
};

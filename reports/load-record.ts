/**
 * What a run of load leaves beside its verdicts and figures: enough to show it, to merge it with other shards and to compare it with other
 * runs. The histograms are HdrHistogram's own compressed encoding in base64, which other tools read too; `""` is one without a value.
 */
import { z } from "zod";

const amount = z.number().nonnegative();

const reading = z.object({
  injectedMs: amount,
  readMs: z.number().nullable(),
  medianMs: z.number().nullable().default(null),
  sampleCount: amount,
});

export const loadRecord = z.object({
  /** The plan as it was read. */
  plan: z.record(z.string(), z.unknown()),
  generator: z.string(),
  dialects: z.array(z.string()),
  /** What the numbers do not contain, a sentence each. */
  blindSpots: z.array(z.string()),
  selfTests: z.array(
    z.object({
      generator: z.string(),
      dialect: z.string(),
      carrier: z.string(),
      readings: z.array(reading),
      errorMs: amount.nullable(),
      boundMs: amount,
      faults: z.array(z.string()),
    }),
  ),
  /** One a process that generated. */
  shards: z.array(
    z.object({
      /** Shares of the time: in which the event loop stood still for more than half a picture's time at once, and in which it had work. */
      eventLoopStalled: amount,
      eventLoopBusy: amount,
      eventLoopLagMaxMs: amount,
      cpuCores: amount,
      machineBusy: amount,
      rssMegabytes: amount,
    }),
  ),
  /** The median time that pictures stayed in the server, as it says itself, milliseconds; `null` where it does not. */
  serverMs: amount.nullable(),
  /** What the transport counted by itself: medians and sums over sessions; `null` where the generator cannot know. */
  transport: z.object({
    roundTripMs: amount.nullable(),
    jitterMs: amount.nullable(),
    packetsReceived: amount.nullable(),
    packetsLost: z.number().nullable(),
    keyRequests: amount.nullable(),
    /** Came whole, and were replaced before a display could show them: of those that count as lost, the transport lost none. */
    picturesUnseen: amount.nullable(),
  }),
  /** Why the numbers are not to be believed, a sentence each. */
  doubts: z.array(z.string()),
  /** What went wrong in sessions, and how often: what the server said. */
  troubles: z.record(z.string(), amount),
  /** How it went over time, a span each in their order; of results from before there was one, nothing. `null`: too few samples to tell. */
  course: z
    .array(
      z.object({
        fromSecond: amount,
        /** Not in it any more. */
        untilSecond: amount,
        /** The most that were open. */
        sessions: amount,
        /** The median of sessions' seconds. */
        fps: amount.nullable(),
        glassP50Ms: amount.nullable(),
        glassP99Ms: amount.nullable(),
        /** Of the pictures whose turn came in it. */
        framesDecided: amount,
        framesLost: amount,
      }),
    )
    .default([]),
  measurement: z.object({
    histograms: z.record(z.string(), z.string()),
    counts: z.record(z.string(), amount),
    seconds: z.array(
      z.object({
        second: amount,
        sessions: amount,
        framesReceived: amount,
        framesDecided: amount,
        framesLost: amount,
        glassToGlass: z.string(),
        fps: z.string(),
      }),
    ),
  }),
});

export type LoadRecord = z.infer<typeof loadRecord>;

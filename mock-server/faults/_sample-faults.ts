/** A few faults that do nothing, for the tests of how faults are declared: what those say does not change with the real list. */
import { z } from "zod";
import { defineFault, type Fault } from "./fault.ts";

const packetLoss = defineFault({
  name: "packet-loss",
  about: "Packets are lost in a pattern.",
  places: [
    { channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] },
    { channel: "ice", directions: ["to-client", "to-server"], kinds: ["srtp"] },
  ],
  settings: z.object({
    ratio: z.number().gt(0).max(1).default(0.1).describe("Share of packets that are lost."),
    burst: z.int().min(1).max(100).default(1).describe("Packets lost in a row."),
    pattern: z.enum(["even", "random"]).default("even").describe("Which of them."),
    seen: z
      .array(z.string().max(8))
      .max(3)
      .refine((names) => new Set(names).size === names.length, "Each stream is named once.")
      .default([])
      .describe("Names of streams."),
    note: z.string().max(20).nullable().default(null).describe("Why."),
  }),
  needs: "pictures",
  for: { packets: 1000 },
  open: () => ({}),
});

const black = defineFault({
  name: "black",
  about: "Pictures are black.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["picture"], at: "first-frame" }],
  settings: z.object({}),
  needs: "transcode",
  open: () => ({}),
});

const lateAck = defineFault({
  name: "late-ack",
  about: "An ack comes late.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["prompt_ack"], at: "ack-queued" }],
  settings: z.object({
    byMs: z.int().min(0).max(60_000).default(6000).describe("How late."),
    fields: z.record(z.string(), z.unknown()).default({}).describe("Put into it."),
  }),
  times: 1,
  open: () => ({}),
});

const reset = defineFault({
  name: "reset",
  about: "The connection is reset.",
  places: [{ channel: "control" }, { channel: "http" }],
  settings: z
    .object({
      first: z.int().default(1).describe("The first."),
      last: z.int().default(2).describe("The last."),
    })
    .refine(({ first, last }) => first <= last, "The first comes before the last."),
  open: () => ({}),
});

export const sampleFaults: readonly Fault[] = [packetLoss, black, lateAck, reset] as unknown as Fault[];

/** Messages on the signalling socket of a room that are none. Each is written by hand: a library of LiveKit's makes only good ones. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const corruptSignal = defineFault({
  name: "corrupt-signal",
  about: "Something that is no message comes in place of one.",
  places: [{ channel: "livekit", directions: ["to-client"] }],
  settings: z.strictObject({
    how: z
      .enum(["truncated", "text", "unknown-type", "huge"])
      .default("truncated")
      .describe(
        "A field that ends too early, a text frame that is not JSON, a field that nobody knows, or one of many bytes.",
      ),
    bytes: z.int().min(1).max(1_048_576).default(262_144).describe("The size of a huge one, bytes."),
  }),
  open: ({ how, bytes }) => ({
    take: (item, next) => next({ ...item, raw: spoiled(how, bytes) } as typeof item),
  }),
});

/** Field 1 of a SignalResponse, `join`: 127 bytes are said to follow. */
const truncated = Buffer.concat([tag(1), varint(127), Buffer.from([10, 0])]);
/** LiveKit's own end at 30. */
const unknownField = 1999;

function spoiled(how: "truncated" | "text" | "unknown-type" | "huge", bytes: number): Buffer | string {
  if (how === "truncated") return truncated;
  if (how === "text") return "not a signal message";
  const value = Buffer.alloc(how === "huge" ? bytes : 1);
  return Buffer.concat([tag(unknownField), varint(value.length), value]);
}

/** Protocol Buffers' encoding: a field's number, and 2 for bytes whose length follows. */
function tag(field: number): Buffer {
  return varint(field * 8 + 2);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; left > 0; left >>>= 7) bytes.push((left & 127) | (left > 127 ? 128 : 0));
  return Buffer.from(bytes);
}

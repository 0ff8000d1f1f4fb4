/** Messages that are none, or none that the protocol knows. What a client makes of them must not be its end. */
import { z } from "zod";
import type { ControlItem } from "./fault.ts";
import { defineFault } from "./fault.ts";

type Message = ControlItem["message"];

export const corrupt = defineFault({
  name: "corrupt",
  about: "Messages come spoiled.",
  places: [{ channel: "control", directions: ["to-client"] }],
  settings: z.strictObject({
    how: z
      .enum(["bad-json", "wrong-types", "truncated", "binary", "unknown-type", "huge"])
      .default("bad-json")
      .describe(
        "Text that is not JSON, fields of other types, the first half, the same in a binary frame, a type that nobody knows, or padded.",
      ),
    bytes: z.int().min(1).max(16_777_216).default(1_048_576).describe("The padding of a huge one, bytes."),
  }),
  open: ({ how, bytes }) => ({
    take(item, next) {
      // Who asks to be let in says nothing that could be spoiled.
      if (!("message" in item)) {
        next(item);
        return false;
      }
      const sent: ControlItem = item;
      const text = JSON.stringify(sent.message);
      const put = (some: Partial<ControlItem>) => next({ ...sent, ...some });
      switch (how) {
        case "bad-json":
          // As Python prints a dictionary.
          return put({ raw: text.replaceAll('"', "'") });
        case "truncated":
          return put({ raw: text.slice(0, text.length >> 1) });
        case "binary":
          return put({ raw: Buffer.from(text) });
        case "unknown-type":
          return put({ message: { ...sent.message, type: `unknown_${sent.kind}` } });
        case "huge":
          return put({ message: { ...sent.message, padding: "x".repeat(bytes) } });
        case "wrong-types":
          // One with a type alone has nothing to spoil.
          if (Object.keys(sent.message).length < 2) {
            next(sent);
            return false;
          }
          return put({ message: withWrongTypes(sent.message) });
      }
    },
  }),
});

function withWrongTypes(message: Message): Message {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, name === "type" ? value : ofAnotherType(value)]),
  );
}

function ofAnotherType(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" ? value.length : [value];
}

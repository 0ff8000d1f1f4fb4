import { expect, test } from "vitest";
import { tell } from "./command.ts";

const line = (kind: string, fields: Record<string, unknown>) => ({
  seq: 1,
  atMs: 1235,
  session: "0123456789abcdef",
  direction: "to-server" as const,
  kind,
  fields,
  measured: false,
});

test.each<[string, Record<string, unknown>, string]>([
  ["open", { query: { model: "lucy_2_rt" } }, "    1.235  01234567  connected   model lucy_2_rt"],
  [
    "open",
    { query: { model: "a\u001b[2J\u0007b" } },
    "    1.235  01234567  connected   model a\\u001b[2J\\u0007b",
  ],
  ["open", { watches: "a\r\nb\u2028c" }, "    1.235  01234567  viewer of a\\u000d\\u000ab\\u2028c"],
  [
    "upgrade-refused",
    { path: "/\u009b31m\u007f" },
    "    1.235  01234567  404         WebSocket /\\u009b31m\\u007f",
  ],
  ["refused", { error: "abc \u202egnp" }, "    1.235  01234567  refused     abc \\u202egnp"],
  [
    "malformed",
    { error: "not \u001b]0;title\u0007" },
    "    1.235  01234567  malformed   not \\u001b]0;title\\u0007",
  ],
  [
    "state",
    { revision: 1, prompt: "👩‍🚀 قط \u009b1m", imageHash: 0 },
    '    1.235  01234567  revision 1  prompt "👩‍🚀 قط \\u009b1m" · image none',
  ],
  [
    "file-uploaded",
    { id: "file_1", mime: "image/png", sizeBytes: 12 },
    "    1.235  01234567  file        file_1, image/png, 12 bytes",
  ],
  [
    "file-uploaded",
    { id: "file_1", mime: "image/png", sizeBytes: 12, warning: "It was sent as \u001b/jpeg." },
    "    1.235  01234567  file        file_1, image/png, 12 bytes. It was sent as \\u001b/jpeg.",
  ],
  [
    "file-deleted",
    { id: "file_1", mime: "image/png", sizeBytes: 12 },
    "    1.235  01234567  deleted     file_1, image/png, 12 bytes",
  ],
])("%s is told on one line that does nothing to a terminal: %j", (kind, fields, told) => {
  expect(tell(line(kind, fields))).toBe(told);
});

test("most lines of the journal are not told", () => {
  expect(tell(line("generation_tick", { seconds: 1 }))).toBeNull();
});

import { describe, expect, test } from "vitest";
import type { JournalLine } from "../../journal.ts";
import { fieldsInShort, type LineFilter, timeInShort, wantedLines } from "./line-filter.ts";

const line = (of: Partial<JournalLine>): JournalLine => ({
  seq: 1,
  atMs: 0,
  session: "abc",
  direction: "inside",
  kind: "state",
  fields: {},
  measured: false,
  ...of,
});
const lines = [
  line({ kind: "prompt", direction: "to-server", fields: { prompt: "A Knight" } }),
  line({ kind: "prompt_ack", direction: "to-client", session: "def", fields: { prompt: "A Knight" } }),
  line({ kind: "server-started", session: null }),
];
const all: LineFilter = { session: "", direction: "", hiddenKinds: new Set(), text: "" };

describe("of a prompt, its ack of another session and a line of the server", () => {
  test.each([
    [{}, ["prompt", "prompt_ack", "server-started"]],
    [{ session: "abc" }, ["prompt"]],
    [{ session: "none" }, ["server-started"]],
    [{ direction: "to-client" }, ["prompt_ack"]],
    [{ hiddenKinds: new Set(["prompt"]) }, ["prompt_ack", "server-started"]],
    [{ text: " knight" }, ["prompt", "prompt_ack"]],
    [{ text: "_ACK" }, ["prompt_ack"]],
    [{ text: "def" }, ["prompt_ack"]],
    [{ text: "knight", session: "def", direction: "to-server" }, []],
  ] as [Partial<LineFilter>, string[]][])("%o leaves %j", (filter, kinds) => {
    const isWanted = wantedLines({ ...all, ...filter });
    expect(lines.filter(isWanted).map(({ kind }) => kind)).toEqual(kinds);
  });
});

test("fields in short are cut where they are long", () => {
  expect(fieldsInShort({ prompt: "a hat", enhance: true, from: undefined })).toBe(
    'prompt "a hat", enhance true, from ',
  );
  expect(fieldsInShort({ sdp: "v".repeat(5000) })).toHaveLength("sdp ".length + 80 + 1);
  expect(
    fieldsInShort(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`name${n}`, n]))),
  ).toHaveLength(181);
});

test.each([
  [0, "0.000"],
  [62_345.4, "62.345"],
  [3_599_999, "3599.999"],
  [3_600_000, "1:00:00.000"],
  [3_662_345, "1:01:02.345"],
])("%d ms is %s", (atMs, text) => expect(timeInShort(atMs)).toBe(text));

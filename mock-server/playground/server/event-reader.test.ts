import { describe, expect, test } from "vitest";
import { createEventReader } from "./event-reader.ts";

const event = (seq: number, prompt = "") => `id: ${seq}\ndata: ${JSON.stringify({ seq, prompt })}\n\n`;
const stream = `: here\n\n${event(1)}: beat\n\n${event(2, "a\n\nb: data: c")}: 3 lines after 1 are forgotten\n\n`;
const wanted = [
  { line: { seq: 1, prompt: "" } },
  { line: { seq: 2, prompt: "a\n\nb: data: c" } },
  { remark: "3 lines after 1 are forgotten" },
];

describe("events come out whole", () => {
  test.each([1, 2, 7, 1000])("in pieces of %d characters", (length) => {
    const read = createEventReader();
    const items = [];
    for (let at = 0; at < stream.length; at += length) items.push(...read(stream.slice(at, at + length)));
    expect(items).toEqual(wanted);
  });

  test("and not before they are", () => {
    const read = createEventReader();
    expect(read(event(1).slice(0, -1))).toEqual([]);
    expect(read("\n")).toEqual([{ line: { seq: 1, prompt: "" } }]);
  });
});

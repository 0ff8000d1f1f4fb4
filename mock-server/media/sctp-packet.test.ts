import { expect, test } from "vitest";
import { isReadable } from "./sctp-packet.ts";

const header = "1388138800000000" + "00000000";
const data = "00030011000000010001000000000033" + "78000000";

test.each<[string, string, boolean]>([
  ["a header alone", "", true],
  ["one chunk", data, true],
  ["two chunks, the first padded", data + data, true],
  ["a chunk longer than the packet", "0003ffff", true],
  ["a chunk of length 0", "0b000000", false],
  ["a chunk shorter than its header", "0b000003", false],
  ["a chunk of length 0 behind a good one", `${data}0b000000`, false],
  ["a heartbeat with one parameter", "0400000c" + "00010008" + "01020304", true],
  ["a heartbeat with a parameter of length 0", "0400000c" + "00010000" + "01020304", false],
  ["a beginning with a parameter of length 0", `01000018${"00".repeat(16)}c0000000`, false],
  ["an acknowledgement of two gaps", "03000018" + "000000010000ffff00020000" + "0002000300050009", true],
  ["an acknowledgement with fewer gaps than it says", "03000010" + "000000010000ffff00020000", false],
  [
    "an acknowledgement of everything, twice",
    "03000018" + "000000010000ffff00020000" + "0000ffff0000ffff",
    false,
  ],
])("%s: readable %s", (_name, chunks, readable) => {
  expect(isReadable(Buffer.from(header + chunks, "hex"))).toBe(readable);
});

test("what is cut short anywhere is looked over to its end", () => {
  const packet = Buffer.from(`${header + data}0400000c0001000801020304`, "hex");
  for (let length = 0; length <= packet.length; length++) {
    expect(isReadable(packet.subarray(0, length))).toBe(true);
  }
});

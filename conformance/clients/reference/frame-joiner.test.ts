import { expect, test } from "vitest";
import { createFrameJoiner, type Piece } from "./frame-joiner.ts";

/** `from` to `to`, the last with a marker. */
function picture(from: number, to: number): Piece[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    sequenceNumber: (from + at) & 0xffff,
    timestamp: from,
    marker: from + at === to,
    isEmpty: false,
  }));
}

function join(pieces: readonly Piece[]) {
  const joiner = createFrameJoiner();
  return pieces.flatMap((piece) => {
    const { pictures, lost } = joiner.add(piece);
    const shown = pictures.map((one) => one.map(({ sequenceNumber }) => sequenceNumber).join(" "));
    return lost ? ["lost", ...shown] : shown;
  });
}

const [a, b, c] = [picture(65_534, 65_536), picture(65_537, 65_537), picture(65_538, 65_539)] as const;

test.each<[string, readonly Piece[], readonly string[]]>([
  ["in order, over the end of the numbers", [...a, ...b, ...c], ["65534 65535 0", "1", "2 3"]],
  ["overtaken", [a[0]!, a[2]!, b[0]!, a[1]!, ...c], ["65534 65535 0", "1", "2 3"]],
  ["twice", [...a, ...a, ...b, b[0]!], ["65534 65535 0", "1"]],
  ["with padding between", [...a, { ...b[0]!, isEmpty: true }, ...c], ["65534 65535 0", "2 3"]],
])("%s", (_what, pieces, expected) => {
  expect(join(pieces)).toEqual(expected);
});

test("a hole is waited for, then given up with all that is behind it so far", () => {
  const rest = Array.from({ length: 61 }, (_, at) => picture(10 + at, 10 + at)[0]!);
  const after = picture(71, 72);
  expect(join([...picture(1, 2), ...rest, ...after])).toEqual(["1 2", "lost", "71 72"]);
});

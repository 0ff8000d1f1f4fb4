/** Which picture came back: a clip of 10 at 10 a second, sent from time 0 on. */
import { describe, expect, test } from "vitest";
import { createSentPictures } from "./sent-pictures.ts";

/** Pictures of this many turns; the loop begins anew at each of `keys`. */
function sentUntil(count: number, keys: readonly number[] = []) {
  const sent = createSentPictures(1000);
  for (let frame = 0, index = 0; frame < count; frame++, index++) {
    if (index === 10 || keys.includes(frame)) index = 0;
    sent.add(frame, index, frame * 100);
  }
  return sent;
}

describe("a picture that came back", () => {
  test.each([
    [
      "is the one that was sent",
      30,
      [],
      [
        [0, 50],
        [1, 150],
        [2, 250],
      ],
      [0, 1, 2],
    ],
    [
      "is found in a later loop, too",
      30,
      [],
      [
        [9, 950],
        [0, 1050],
        [1, 1150],
      ],
      [9, 10, 11],
    ],
    ["is none that was not sent yet", 30, [], [[5, 450]], [null]],
    ["is none that the clip has not", 30, [], [[12, 450]], [null]],
    [
      "may come once more",
      30,
      [],
      [
        [3, 350],
        [3, 420],
        [4, 450],
      ],
      [3, 3, 4],
    ],
    [
      "is not one before the last",
      30,
      [],
      [
        [5, 550],
        [4, 560],
        [6, 650],
      ],
      [5, null, 6],
    ],
    [
      "may be the first that does, whatever was sent before it",
      30,
      [4],
      [
        [0, 450],
        [1, 550],
      ],
      [4, 5],
    ],
    [
      "is the next where pictures pile up for longer than a loop",
      40,
      [],
      [
        [3, 350],
        [4, 2150],
        [5, 2150],
      ],
      [3, 4, 5],
    ],
    [
      "is a later one after a gap of more than a loop",
      40,
      [],
      [
        [3, 350],
        [8, 2850],
        [9, 2950],
      ],
      [3, 28, 29],
    ],
    [
      "could be one or another after a gap, much older than the last",
      40,
      [],
      [
        [3, 350],
        [8, 2350],
        [8, 2850],
      ],
      [3, null, 28],
    ],
    [
      "is of the new loop after a key picture that was asked for",
      30,
      [5],
      [
        [2, 250],
        [0, 550],
        [1, 650],
      ],
      [2, 5, 6],
    ],
  ] as const)("%s", (_what, count, keys, came, frames) => {
    const sent = sentUntil(count, keys);
    expect(came.map(([index, atMs]) => sent.find(index, atMs))).toEqual(frames);
  });
});

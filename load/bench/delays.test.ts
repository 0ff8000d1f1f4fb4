/** What the bench makes of a page's history, on histories written by hand. */
import { describe, expect, test } from "vitest";
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { agesMs, setDelays } from "./delays.ts";

/** Drawn 40 ms before it was presented. `revision` null: no strip can be read. */
function picture(atMs: number, revision: number | null): SeenPicture {
  const readable = revision !== null;
  return {
    atMs,
    width: 1280,
    height: 720,
    input: readable ? { frameId: atMs, timestampMs: atMs - 40, flags: 0 } : null,
    output: readable ? { revision, promptHash: 0, imageHash: 0, outputCount: atMs } : null,
  };
}

describe("ages", () => {
  const pictures = [picture(90, 0), picture(100, 0), picture(133, null), picture(166, 0), picture(200, 0)];
  test("are those of the window, its end left out, where the sender's strip can be read", () => {
    expect(agesMs(pictures, 100, 200)).toEqual([40, 40]);
  });
});

describe("a set()", () => {
  test.each([
    ["shown by the first picture after the ack", [100, 133], [166, 200], 150, 0],
    ["shown by the third", [100, 133, 166, 200], [233], 150, 2],
    ["shown by a picture that was presented at the ack", [100, 133], [150], 150, 0],
    ["shown by the one after that", [100, 133, 150], [166], 150, 1],
    ["shown before the ack", [100, 133], [166, 200], 180, 0],
    ["not counted before the ack", [100, 110, 120, 130, 140], [200], 150, 0],
  ])("%s", (_name, before, after, ackedMs, picturesBefore) => {
    const pictures = [...before.map((atMs) => picture(atMs, 4)), ...after.map((atMs) => picture(atMs, 5))];
    expect(setDelays({ calledMs: 99, ackedMs, revision: 5 }, pictures)).toEqual({
      ackMs: ackedMs - 99,
      visibleMs: after[0]! - 99,
      picturesBefore,
    });
  });

  test("an unreadable picture counts as one that does not show it", () => {
    const pictures = [picture(166, null), picture(200, 5)];
    expect(setDelays({ calledMs: 99, ackedMs: 150, revision: 5 }, pictures).picturesBefore).toBe(1);
  });

  test("a later revision shows it, too, and the counter may turn over", () => {
    const pictures = [picture(166, 4095), picture(200, 1)];
    expect(setDelays({ calledMs: 99, ackedMs: 150, revision: 0 }, pictures).visibleMs).toBe(101);
  });

  test("that nothing shows is an error, not a zero", () => {
    expect(() => setDelays({ calledMs: 99, ackedMs: 150, revision: 5 }, [picture(166, 4)])).toThrow(
      "None of 1 pictures shows revision 5.",
    );
  });
});

/** The camera's schedule on a clock that goes as far as the test says, at 10 pictures a second, with a clip of 5. */
import { describe, expect, test } from "vitest";
import type { SentPicture } from "../../generator.ts";
import { steppedClock } from "./_stepped-clock.ts";
import { startCamera } from "./camera.ts";

function setUp() {
  const time = steppedClock();
  const shown: string[] = [];
  const told: SentPicture[] = [];
  const sink = (frame: number, index: number) => void shown.push(`${frame}:${index}`);
  const about = {
    loopCount: 5,
    fps: 10,
    clock: time.clock,
    grids: null,
    sent: (picture: SentPicture) => told.push(picture),
  };
  return { time, shown, told, sink, camera: startCamera(about, sink) };
}

describe("the camera", () => {
  test("shows the clip over and over, each picture at its turn", () => {
    const { time, shown, told } = setUp();
    time.advance(600);
    expect(shown).toEqual(["0:0", "1:1", "2:2", "3:3", "4:4", "5:0", "6:1"]);
    expect(told.map(({ dueMs }) => dueMs)).toEqual([0, 100, 200, 300, 400, 500, 600]);
    expect(told.map(({ sentMs }) => sentMs)).toEqual([0, 100, 200, 300, 400, 500, 600]);
  });

  test("keeps to its schedule where it was late", () => {
    const { time, told } = setUp();
    time.stall(130);
    time.advance(170);
    expect(told).toEqual([
      { frame: 0, dueMs: 0, sentMs: 0 },
      { frame: 1, dueMs: 100, sentMs: 130 },
      { frame: 2, dueMs: 200, sentMs: 200 },
      { frame: 3, dueMs: 300, sentMs: 300 },
    ]);
  });

  test("makes up for three turns; those before have passed, and the clip goes on where it was", () => {
    const { time, shown, told } = setUp();
    time.stall(560);
    time.advance(40);
    expect(told.map(({ frame, sentMs }) => [frame, sentMs])).toEqual([
      [0, 0],
      [1, null],
      [2, null],
      [3, 560],
      [4, 560],
      [5, 560],
      [6, 600],
    ]);
    expect(shown).toEqual(["0:0", "3:1", "4:2", "5:3", "6:4"]);
  });

  test("lets turns pass while it is aimed at nothing, and then begins with the key picture", () => {
    const { time, shown, told, sink, camera } = setUp();
    time.advance(200);
    camera.aim(null);
    time.advance(200);
    camera.aim(sink);
    time.advance(200);
    expect(shown).toEqual(["0:0", "1:1", "2:2", "5:0", "6:1"]);
    expect(told.filter(({ sentMs }) => sentMs === null).map(({ frame }) => frame)).toEqual([3, 4]);
  });

  test("starts its loop anew for who asks, but not within 300 ms of the last time", () => {
    const { time, shown, camera } = setUp();
    time.advance(100);
    camera.requestKey();
    camera.requestKey();
    time.advance(500);
    expect(shown).toEqual(["0:0", "1:1", "2:2", "3:0", "4:1", "5:2", "6:3"]);
  });

  test("forgets who asked once a key picture has gone", () => {
    const { time, shown, camera } = setUp();
    time.advance(400);
    camera.requestKey();
    time.advance(600);
    expect(shown.slice(4)).toEqual(["4:4", "5:0", "6:1", "7:2", "8:3", "9:4", "10:0"]);
  });

  test("stops", () => {
    const { time, told, camera } = setUp();
    camera.close();
    time.advance(1000);
    expect(told).toHaveLength(1);
    expect(time.timerCount).toBe(0);
  });
});

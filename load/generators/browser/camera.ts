/** A camera on a fixed schedule, in a page: a canvas that is painted when a picture's turn comes, and tells of the turns that it slept through. */
import { paintScene } from "../../../fixtures/browser/synthetic-camera.ts";
import { paintInputStrip } from "../../../fixtures/strips.ts";
import type { SentPicture } from "../../generator.ts";
import type { GridReader } from "./luma-grid.ts";
import { createTurns } from "./turns.ts";

export type CameraAbout = { readonly width: number; readonly height: number; readonly fps: number };

export type Camera = {
  readonly stream: MediaStream;
  stop(): void;
};

/**
 * Draws at once, and then `fps` pictures a second, each with its running number in its input strip. `told` hears of every turn, in order, times
 * on the clock of `performance.now()`. `readGrid`: tells a picture's luma along.
 */
export function startCamera(
  { width, height, fps }: CameraAbout,
  told: (picture: SentPicture) => void,
  readGrid: GridReader | null,
): Camera {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false })!;
  // Captured when we say so: a rate of its own would leave out pictures that come a moment before its time.
  const stream = canvas.captureStream(0);
  const track = stream.getVideoTracks()[0] as CanvasCaptureMediaStreamTrack;
  const turns = createTurns(performance.now(), fps);
  let timer: ReturnType<typeof setTimeout>;

  function wake(): void {
    const taken = turns.take(performance.now());
    const now = taken.pop();
    for (const { frame, dueMs } of taken) told({ frame, dueMs, sentMs: null });
    if (now) draw(now.frame, now.dueMs);
    timer = setTimeout(wake, Math.max(0, turns.nextDueMs - performance.now()));
  }

  function draw(frame: number, dueMs: number): void {
    paintScene(context, width, height, frame);
    paintInputStrip(context, width, { frameId: frame, timestampMs: Math.floor(performance.now()), flags: 0 });
    track.requestFrame();
    const sentMs = performance.now();
    told({ frame, dueMs, sentMs, ...(readGrid && { luma: readGrid(canvas, canvas) }) });
  }

  wake();
  return {
    stream,
    stop() {
      clearTimeout(timer);
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

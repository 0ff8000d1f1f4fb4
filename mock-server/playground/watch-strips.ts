/** Reads the strips of every picture a video element shows. */
import {
  type InputStrip,
  lumaOfRgba,
  type OutputStrip,
  readInputStrip,
  readOutputStrip,
  stripsHeight,
} from "../../fixtures/strips.ts";

export type SeenPicture = {
  /** `performance.now()` when the picture went to the compositor. */
  readonly atMs: number;
  readonly width: number;
  readonly height: number;
  readonly input: InputStrip | null;
  readonly output: OutputStrip | null;
};

/** Calls `seen` once for each picture that is presented; call the result to stop. Pictures replaced within one tick of the display are not seen. */
export function watchStrips(video: HTMLVideoElement, seen: (picture: SeenPicture) => void): () => void {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
  /** When the first picture was presented, until it can be drawn. */
  let undrawnMs: number | null = null;
  let handle = video.requestVideoFrameCallback(look);
  video.addEventListener("loadeddata", lookLate);

  function look(atMs: number): void {
    handle = video.requestVideoFrameCallback(look);
    // The first picture's callback may come while the element has metadata only; drawing it would draw nothing at all.
    undrawnMs = video.readyState < video.HAVE_CURRENT_DATA ? atMs : null;
    if (undrawnMs === null) read(atMs);
  }

  function lookLate(): void {
    if (undrawnMs !== null) read(undrawnMs);
    undrawnMs = null;
  }

  function read(atMs: number): void {
    const { videoWidth: width, videoHeight: height } = video;
    // Tall cells need twice the lines; reading them costs little.
    const lines = Math.min(height, stripsHeight(width, "tall"));
    if (width === 0 || lines === 0) return;
    if (canvas.width !== width || canvas.height !== lines) Object.assign(canvas, { width, height: lines });
    context.drawImage(video, 0, 0);
    const luma = lumaOfRgba(context.getImageData(0, 0, width, lines).data, width, lines);
    seen({ atMs, width, height, input: readInputStrip(luma), output: readOutputStrip(luma) });
  }

  return () => {
    video.cancelVideoFrameCallback(handle);
    video.removeEventListener("loadeddata", lookLate);
  };
}

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
  let handle = video.requestVideoFrameCallback(look);

  function look(atMs: number): void {
    handle = video.requestVideoFrameCallback(look);
    const { videoWidth: width, videoHeight: height } = video;
    // Tall cells need twice the lines; reading them costs little.
    const lines = Math.min(height, stripsHeight(width, "tall"));
    if (width === 0 || lines === 0) return;
    if (canvas.width !== width || canvas.height !== lines) Object.assign(canvas, { width, height: lines });
    context.drawImage(video, 0, 0);
    const luma = lumaOfRgba(context.getImageData(0, 0, width, lines).data, width, lines);
    seen({ atMs, width, height, input: readInputStrip(luma), output: readOutputStrip(luma) });
  }

  return () => video.cancelVideoFrameCallback(handle);
}

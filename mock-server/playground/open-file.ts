/** A video file as a camera: played in a loop into a canvas of the model's size. Audio stays silent. */
import type { SdkModel } from "./load-sdk.ts";
import { fpsOf, type Source } from "./open-source.ts";

/** @throws Error with a sentence: a file that the browser cannot play, or that has no pictures */
export async function openFile(
  file: File,
  { width, height, fps: modelFps }: Pick<SdkModel, "width" | "height" | "fps">,
): Promise<Source> {
  const fps = fpsOf(modelFps);
  const url = URL.createObjectURL(file);
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    loop: true,
    playsInline: true,
  });
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false })!;
  try {
    await new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve);
      video.addEventListener("error", reject);
      video.src = url;
    });
    await video.play();
  } catch {
    URL.revokeObjectURL(url);
    throw new Error(
      `${file.name} cannot be played by this browser. Choose an MP4 with H.264, or a WebM with VP8, VP9 or AV1.`,
    );
  }
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) {
    URL.revokeObjectURL(url);
    throw new Error(`${file.name} has sound and no pictures. Choose a video.`);
  }

  const scale = Math.min(width / videoWidth, height / videoHeight);
  const place = [
    (width - videoWidth * scale) / 2,
    (height - videoHeight * scale) / 2,
    videoWidth * scale,
    videoHeight * scale,
  ] as const;
  const draw = () => context.drawImage(video, ...place);
  draw();
  const timer = setInterval(draw, 1000 / fps);
  const stream = canvas.captureStream(fps);
  return {
    kind: "file",
    fileName: file.name,
    stream,
    size: { width, height, fps },
    about: `${file.name}, ${videoWidth}×${videoHeight}, sent as ${width}×${height}, ${fps} fps`,
    stop() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      video.pause();
      video.removeAttribute("src");
      URL.revokeObjectURL(url);
    },
  };
}

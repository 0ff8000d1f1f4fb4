/** Where the pictures come from: the synthetic camera, or a real one. Video files are in open-file.ts. */

import { startSyntheticCamera } from "../../fixtures/browser/synthetic-camera.ts";
import type { SdkModel } from "./load-sdk.ts";

export type SourceKind = "synthetic" | "camera" | "file";

export type Source = {
  /** Only the synthetic camera writes this page's clock into its pictures. */
  readonly kind: SourceKind;
  readonly stream: MediaStream;
  /** Pixels, pictures a second. */
  readonly size: { readonly width: number; readonly height: number; readonly fps: number };
  /** Size and rate, for a person. */
  readonly about: string;
  /** Of a video file. */
  readonly fileName?: string;
  stop(): void;
};

type Size = Pick<SdkModel, "width" | "height" | "fps">;

export function openSynthetic({ width, height, ...model }: Size): Source {
  const fps = fpsOf(model.fps);
  const { stream, stop } = startSyntheticCamera({ width, height, fps });
  return {
    kind: "synthetic",
    stream,
    size: { width, height, fps },
    about: `${width}×${height}, ${fps} fps, with a clock in its top row`,
    stop,
  };
}

/** @throws Error with a sentence: refused, none there, in use, or a page that may not ask */
export async function openCamera({ width, height, ...model }: Size): Promise<Source> {
  const fps = fpsOf(model.fps);
  if (!navigator.mediaDevices) {
    throw new Error(
      "Browsers give cameras only to https pages and to 127.0.0.1. Open this page there, or start the server with --tls.",
    );
  }
  const stream = await navigator.mediaDevices
    .getUserMedia({
      video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } },
    })
    .catch((error: DOMException) => {
      throw new Error(reasons[error.name] ?? `The camera could not be opened: ${error.message}.`);
    });
  const settings = stream.getVideoTracks()[0]!.getSettings();
  const size = {
    width: settings.width ?? width,
    height: settings.height ?? height,
    fps: Math.round(settings.frameRate ?? fps),
  };
  return {
    kind: "camera",
    stream,
    size,
    about: `${size.width}×${size.height}, ${size.fps} fps`,
    stop() {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

/** Since 0.1.0 models say it as a camera is asked for it. */
export function fpsOf(fps: SdkModel["fps"]): number {
  return typeof fps === "number" ? fps : (fps.ideal ?? fps.max ?? 30);
}

const reasons: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The camera was refused. Allow it for this page in the browser’s address bar to use it next time.",
  NotFoundError: "There is no camera here.",
  NotReadableError: "The camera is in use by another program.",
};

/** Where the pictures come from: the synthetic camera, or a real one. */

import { startSyntheticCamera } from "../../fixtures/browser/synthetic-camera.ts";
import type { SdkModel } from "./load-sdk.ts";

export type Source = {
  readonly stream: MediaStream;
  /** Its pictures carry this page's clock. */
  readonly ownClock: boolean;
  /** Size and rate, for a person. */
  readonly about: string;
  stop(): void;
};

type Size = Pick<SdkModel, "width" | "height" | "fps">;

export function openSynthetic({ width, height, ...model }: Size): Source {
  const fps = fpsOf(model);
  const { stream, stop } = startSyntheticCamera({ width, height, fps });
  return {
    stream,
    ownClock: true,
    about: `${width}×${height}, ${fps} fps, with a clock in its top row`,
    stop,
  };
}

/** @throws Error with a sentence: refused, none there, in use, or a page that may not ask */
export async function openCamera({ width, height, ...model }: Size): Promise<Source> {
  const fps = fpsOf(model);
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
  return {
    stream,
    ownClock: false,
    about: `${settings.width}×${settings.height}, ${Math.round(settings.frameRate ?? fps)} fps`,
    stop() {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

function fpsOf({ fps }: Pick<Size, "fps">): number {
  return typeof fps === "number" ? fps : (fps.ideal ?? fps.max ?? 30);
}

const reasons: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The camera was refused. Allow it for this page in the browser’s address bar to use it next time.",
  NotFoundError: "There is no camera here.",
  NotReadableError: "The camera is in use by another program.",
};

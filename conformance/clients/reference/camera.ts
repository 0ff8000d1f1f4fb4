/**
 * The app's camera: made-up pictures that carry the input strip, at its own rate, for whoever watches. It runs on real time whatever time
 * the client lives in.
 */
import { movingSquare } from "../../../fixtures/cameras.ts";
import type { Frame } from "../../../fixtures/frame.ts";
import { stripsFit, writeInputStrip } from "../../../fixtures/strips.ts";
import type { Camera as CameraAbout } from "../../client.ts";
import type { Clock, Timer } from "../../clock.ts";
import { type Microphone, openMicrophone } from "./microphone.ts";

export type Camera = {
  readonly about: CameraAbout;
  /** `null` for a camera without sound. */
  readonly microphone: Microphone | null;
  readonly isEnded: boolean;
  /** Hands on each picture until the result is called. A picture is good until the next. */
  watch(see: (picture: Frame) => void): () => void;
  stop(): void;
};

export function openCamera(about: CameraAbout, live: Clock, sends: (n: number) => boolean): Camera {
  const { width, height, fps } = about;
  const watchers = new Set<(picture: Frame) => void>();
  const startedMs = live.now();
  let count = 0;
  let timer: Timer | null = null;
  let isEnded = false;
  const microphone = about.audio ? openMicrophone(live) : null;

  function shoot(): void {
    if (watchers.size > 0 && sends(count)) {
      const picture = movingSquare(count, width, height);
      if (stripsFit(width, height)) {
        writeInputStrip(picture, { frameId: count, timestampMs: live.now(), flags: 0 });
      }
      for (const see of [...watchers]) see(picture);
    }
    count++;
    const dueMs = startedMs + (count * 1000) / fps;
    timer = live.after(Math.max(0, dueMs - live.now()), shoot);
  }
  shoot();

  return {
    about,
    microphone,
    get isEnded() {
      return isEnded;
    },
    watch(see) {
      if (!isEnded) watchers.add(see);
      return () => watchers.delete(see);
    },
    stop() {
      isEnded = true;
      timer?.cancel();
      microphone?.stop();
      watchers.clear();
    },
  };
}

/** The picture on a page's `<video>` element, for tests in Playwright: waits for pictures, never for time. Needs nothing in the page. */
import type { Locator } from "@playwright/test";
import type { Pixels } from "./match-frame.ts";

type Asked = {
  /** Whether one that is there already will do. */
  readonly isFirst: boolean;
  /** Lines from the top; all of them where it has fewer. */
  readonly linesMax: number;
  readonly withinMs: number;
};

/**
 * The top of the picture that is on the element, or of the next one; `null` where none comes in time, or no element.
 * @throws Error where the element is no video, or is one of several
 */
export async function videoPicture(locator: Locator, asked: Asked): Promise<Pixels | null> {
  // A wait of 0 would be one without an end.
  const timeout = Math.max(1, asked.withinMs);
  return locator.evaluate(readVideo, asked, { timeout }).catch((error: Error) => {
    if (error.name === "TimeoutError") return null;
    throw error;
  });
}

/** Runs in the page, by itself. */
function readVideo(element: Element, { isFirst, linesMax, withinMs }: Asked): Promise<Pixels | null> {
  const video = element as HTMLVideoElement;
  if (!(video instanceof HTMLVideoElement)) {
    throw new Error(
      `The element is a <${element.localName}>. Locate the <video> that shows the edited pictures.`,
    );
  }
  return new Promise((resolve) => {
    const read = () => {
      const { videoWidth: width, videoHeight } = video;
      const height = Math.min(videoHeight, linesMax);
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d", { alpha: false })!;
      context.drawImage(video, 0, 0);
      resolve({ width, height, data: context.getImageData(0, 0, width, height).data });
    };
    // Before the element has the data of its first picture, drawing it would draw nothing.
    const readOnceDrawn = () => {
      if (video.readyState >= video.HAVE_CURRENT_DATA) read();
      else video.addEventListener("loadeddata", read, { once: true });
    };
    AbortSignal.timeout(withinMs).addEventListener("abort", () => resolve(null));
    if (isFirst && video.readyState >= video.HAVE_CURRENT_DATA && video.videoWidth > 0) read();
    else video.requestVideoFrameCallback(readOnceDrawn);
  });
}

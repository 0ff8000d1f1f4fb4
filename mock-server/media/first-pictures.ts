/** What a client's first pictures say: that it is connected, and then that its app knows. */
import type { MediaPacket } from "./frame-assembler.ts";

/**
 * A client's first packet comes as soon as its transport stands, often before its app has heard so; a `generation_started` that overtakes that
 * hides `connected` from the app for good. So it is sent some pictures later: rather late than early.
 */
export const picturesAwaited = 5;

export type FirstPictures = {
  /** They are counted from now on. */
  await(): void;
  forget(): void;
  saw(packet: Pick<MediaPacket, "marker">): void;
};

/** `connected`: with the first packet of those that were awaited; `generate`: once all these pictures are here. */
export function createFirstPictures({
  connected,
  generate,
}: {
  connected(): void;
  generate(): void;
}): FirstPictures {
  let left = 0;
  let hasBegun = false;
  return {
    await() {
      left = picturesAwaited;
      hasBegun = false;
    },
    forget() {
      left = 0;
    },
    saw({ marker }) {
      if (left === 0) return;
      if (!hasBegun) connected();
      hasBegun = true;
      if (marker && --left === 0) generate();
    },
  };
}

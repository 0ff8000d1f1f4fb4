/**
 * What a state looks like: everything a transform may know besides the picture. Made once per revision on the main
 * thread, sent to the codec workers as it is, never changed.
 */
import type { Frame } from "../../fixtures/index.ts";

/** One byte a pixel, 255 where the words are, 0 elsewhere. */
export type Mask = { readonly width: number; readonly height: number; readonly data: Uint8Array };

export type Look = {
  /** Revision of the state it was made from, 0 for the state of a new session. */
  readonly revision: number;
  /** The prompt in force, `null` for none. */
  readonly prompt: string | null;
  /** 16-bit hash as the output strip carries it; 0 where there is no prompt. */
  readonly promptHash: number;
  /** 16-bit hash of the reference image's bytes; 0 where there is none. */
  readonly imageHash: number;
  /** The prompt in letters, laid out for a picture 640 pixels wide; `null` where there is nothing to write. */
  readonly caption: Mask | null;
  /** The reference image, scaled to at most 512 pixels a side; `null` where there is none. */
  readonly image: Frame | null;
  /** True while the client asked for a mirrored picture (`switch_camera`, clients before 0.0.18). */
  readonly mirrored: boolean;
};

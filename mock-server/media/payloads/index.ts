/** The payload format of each codec. */
import type { PictureCodec } from "../codec-name.ts";
import { h264 } from "./h264.ts";
import { i420 } from "./i420.ts";
import type { PayloadFormat } from "./payload-format.ts";
import { vp8 } from "./vp8.ts";
import { vp9 } from "./vp9.ts";

export type { PayloadFormat } from "./payload-format.ts";

export const payloadFormats: Record<PictureCodec, () => PayloadFormat> = { vp8, vp9, h264, i420 };

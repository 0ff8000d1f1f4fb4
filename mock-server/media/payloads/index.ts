/** The payload format of each codec. */
import type { CodecName } from "../codec-name.ts";
import { h264 } from "./h264.ts";
import type { PayloadFormat } from "./payload-format.ts";
import { vp8 } from "./vp8.ts";
import { vp9 } from "./vp9.ts";

export type { PayloadFormat } from "./payload-format.ts";

export const payloadFormats: Record<CodecName, () => PayloadFormat> = { vp8, vp9, h264 };

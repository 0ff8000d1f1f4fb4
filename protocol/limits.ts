// Numbers both sides count on: how big a thing may be, how long a client waits. Units last, times in milliseconds.
import { inRange, type Sdk, type SdkRange } from "./sdk-versions.ts";

/** The largest `image_data`, in base64 characters: 10 MB read as 10 × 1024 × 1024. Documented (preview signalling docs). */
export const IMAGE_BASE64_CHARS_MAX = 10 * 1024 * 1024;

/** The longest side of a reference image. Assumed: a guard against pictures that unpack to gigabytes. */
export const IMAGE_SIDE_PX_MAX = 8192;

/** The largest picture, width × height. Assumed, for the same reason. */
export const IMAGE_PIXELS_MAX = 40_000_000;

/** The smallest side that the docs recommend (512×512); smaller is a warning, not an error. Documented. */
export const IMAGE_SIDE_PX_RECOMMENDED_MIN = 512;

/** The largest frame on the control socket. Assumed: room for the largest image and its prompt. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** The largest SDP: 256 kB. Assumed: an offer is about 6 kB. */
export const SDP_BYTES_MAX = 256 * 1024;

/**
 * Longest prompt, in UTF-16 code units. Assumed: no source names a limit, and without one a single prompt could keep a server busy
 * for seconds.
 */
export const PROMPT_CHARS_MAX = 10_000;

/** How long a client token lives, in seconds. Documented; older docs say ten minutes. */
export const TOKEN_LIFETIME_SECONDS = { min: 1, max: 3600, default: 60 } as const;

/**
 * The largest uploaded file: what the largest `image_data` holds once decoded, 7.5 MB, so that an image is good in both forms or in
 * neither. Assumed: no source names a limit for files.
 */
export const FILE_BYTES_MAX = (IMAGE_BASE64_CHARS_MAX / 4) * 3;

/** How long an uploaded file lives, in seconds, unless it is `"persistent"`. Documented; so is the default of 24 hours. */
export const FILE_LIFETIME_SECONDS = { min: 60, max: 2_592_000, default: 86_400 } as const;

/** A call of the client API whose ack is waited for. */
export type AckedCall = "setPrompt" | "setImage" | "set" | "initialPrompt" | "initialImage" | "passthrough";

/** How long a range of versions waits for a call's ack. */
export interface AckTimeout extends SdkRange {
  call: AckedCall;
  timeoutMs: number;
}

/**
 * Ack time-outs by SDK version; no row, no wait. JS up to 0.0.43 sends the initial prompt and moves on, Android up to 0.6.1
 * does so with every prompt after the first. The LiveKit clients count an initial wait from room info on. Documented; JS's
 * 15 s and 30 s observed.
 */
export const ACK_TIMEOUTS: readonly AckTimeout[] = [
  { sdk: "js", from: "0.0.19", until: null, call: "setPrompt", timeoutMs: 15_000 },
  { sdk: "js", from: "0.0.28", until: "0.0.41", call: "setImage", timeoutMs: 15_000 },
  { sdk: "js", from: "0.0.42", until: null, call: "setImage", timeoutMs: 30_000 },
  { sdk: "js", from: "0.0.43", until: null, call: "set", timeoutMs: 30_000 },
  { sdk: "js", from: "0.0.44", until: "0.0.47", call: "initialPrompt", timeoutMs: 15_000 },
  { sdk: "js", from: "0.0.48", until: null, call: "initialPrompt", timeoutMs: 30_000 },
  { sdk: "js", from: "0.0.48", until: null, call: "initialImage", timeoutMs: 30_000 },
  { sdk: "js", from: "0.0.52", until: "0.1.8", call: "passthrough", timeoutMs: 30_000 },
  { sdk: "python", from: "0.0.12", until: null, call: "setPrompt", timeoutMs: 15_000 },
  { sdk: "python", from: "0.0.16", until: "0.0.18", call: "setImage", timeoutMs: 15_000 },
  { sdk: "python", from: "0.0.19", until: null, call: "setImage", timeoutMs: 30_000 },
  { sdk: "python", from: "0.0.19", until: null, call: "set", timeoutMs: 30_000 },
  { sdk: "python", from: "0.0.16", until: null, call: "initialPrompt", timeoutMs: 15_000 },
  { sdk: "python", from: "0.0.16", until: "0.0.18", call: "initialImage", timeoutMs: 15_000 },
  { sdk: "python", from: "0.0.19", until: null, call: "initialImage", timeoutMs: 30_000 },
  { sdk: "python", from: "0.0.24", until: null, call: "passthrough", timeoutMs: 30_000 },
  { sdk: "android", from: "0.1.0", until: null, call: "setImage", timeoutMs: 30_000 },
  { sdk: "android", from: "0.7.0", until: null, call: "setPrompt", timeoutMs: 15_000 },
  { sdk: "android", from: "0.1.0", until: "0.6.1", call: "initialPrompt", timeoutMs: 30_000 },
  { sdk: "android", from: "0.1.0", until: "0.6.1", call: "initialImage", timeoutMs: 30_000 },
  { sdk: "android", from: "0.7.0", until: null, call: "initialPrompt", timeoutMs: 15_000 },
  { sdk: "android", from: "0.7.0", until: null, call: "initialImage", timeoutMs: 15_000 },
  { sdk: "android", from: "0.7.0", until: null, call: "passthrough", timeoutMs: 15_000 },
];

/** How long `version` of `sdk` waits for the ack of `call`, in milliseconds; null when it does not wait, or has no such call. */
export function ackTimeoutMs(sdk: Sdk, version: string, call: AckedCall): number | null {
  return ACK_TIMEOUTS.find((row) => row.call === call && inRange(row, sdk, version))?.timeoutMs ?? null;
}

/** How long a range of versions gives one connect attempt before it counts as failed. */
export interface ConnectTimeout extends SdkRange {
  timeoutMs: number;
}

/** Connect limits of one attempt. Documented; 25 s and 60 s observed in JS 0.0.6 and 0.0.41. */
export const CONNECT_TIMEOUTS: readonly ConnectTimeout[] = [
  { sdk: "js", from: "0.0.1", until: "0.0.4", timeoutMs: 15_000 },
  { sdk: "js", from: "0.0.5", until: "0.0.15", timeoutMs: 25_000 },
  { sdk: "js", from: "0.0.16", until: "0.0.41", timeoutMs: 60_000 },
  { sdk: "js", from: "0.0.42", until: null, timeoutMs: 300_000 },
  { sdk: "python", from: "0.0.3", until: "0.0.18", timeoutMs: 30_000 },
  { sdk: "python", from: "0.0.19", until: null, timeoutMs: 300_000 },
  { sdk: "android", from: "0.1.0", until: "0.6.1", timeoutMs: 300_000 },
  { sdk: "android", from: "0.7.0", until: null, timeoutMs: 15_000 },
];

/** How long one connect attempt of this version may take, in milliseconds; null for a version nobody read. */
export function connectTimeoutMs(sdk: Sdk, version: string): number | null {
  return CONNECT_TIMEOUTS.find((row) => inRange(row, sdk, version))?.timeoutMs ?? null;
}

/** How long the LiveKit clients wait for room info; a `queue_position` lifts it for JS and Android, not Python. Documented. */
export const ROOM_INFO_TIMEOUT_MS = 15_000;

/** The pauses between the connect attempts of a range of versions: one attempt more than there are pauses. */
export interface RetryPauses extends SdkRange {
  pausesMs: readonly number[];
}

/** Retry ladders, all without jitter. Documented; JS's observed in 0.0.46 and 0.1.20 (25.1 s in total). */
export const RETRY_PAUSES: readonly RetryPauses[] = [
  { sdk: "js", from: "0.0.1", until: null, pausesMs: [1000, 2000, 4000, 8000, 10_000] },
  { sdk: "python", from: "0.0.5", until: null, pausesMs: [1000, 2000, 4000, 8000] },
  { sdk: "android", from: "0.1.0", until: "0.6.1", pausesMs: [1000, 2000, 4000, 8000, 10_000] },
  { sdk: "android", from: "0.7.0", until: null, pausesMs: [1000, 2000, 4000, 8000] },
];

/** The pauses of this version between connect attempts, in milliseconds; empty for a version nobody read. */
export function retryPausesMs(sdk: Sdk, version: string): readonly number[] {
  return RETRY_PAUSES.find((row) => inRange(row, sdk, version))?.pausesMs ?? [];
}

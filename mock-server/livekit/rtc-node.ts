/**
 * The one file that imports @livekit/rtc-node, LiveKit's own client for Node (Rust, libwebrtc; an optional peer). It is loaded with
 * the first who needs it and put away with the last: as long as it runs, no process that has it ends by itself.
 */
import { createRequire } from "node:module";
import type * as RtcNode from "@livekit/rtc-node";

export type { RemoteTrack, Room, VideoSource } from "@livekit/rtc-node";

export type Rtc = typeof RtcNode;

/** `giveBack` once nothing made with it is in use. */
export type BorrowedRtc = { readonly rtc: Rtc; giveBack(): Promise<void> };

let rtc: Rtc | undefined;
let borrowerCount = 0;
let disposed: Promise<void> = Promise.resolve();

/** @throws Error that says what to install */
export function requireRtcNode(): void {
  try {
    import.meta.resolve("@livekit/rtc-node");
  } catch {
    throw new Error(
      "@livekit/rtc-node, which joins the rooms of a LiveKit deployment, is not installed. Install it (npm install @livekit/rtc-node@1.1.0), or leave out --livekit-url for the built-in rooms.",
    );
  }
}

export async function borrowRtcNode(): Promise<BorrowedRtc> {
  borrowerCount++;
  await disposed;
  rtc ??= load();
  const borrowed = rtc;
  return {
    rtc: borrowed,
    giveBack() {
      borrowerCount--;
      if (borrowerCount === 0) disposed = putAway(borrowed);
      return disposed;
    },
  };
}

/** Its log goes to standard output, in detail unless this is production, and is set up while it loads. */
function load(): Rtc {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    return createRequire(import.meta.url)("@livekit/rtc-node") as Rtc;
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
}

async function putAway({ dispose }: Rtc): Promise<void> {
  await dispose();
  // It has no way to start again; where its client is gone, it makes another (observed in 1.1.0).
  Reflect.deleteProperty(globalThis, "_ffiClientInstance");
}

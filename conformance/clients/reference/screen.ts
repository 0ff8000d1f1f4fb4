/** Where received pictures are shown: reads both strips of each and keeps the last for a snapshot. */
import { copyFrame, createFrame, type Frame } from "../../../fixtures/frame.ts";
import { frameToPng } from "../../../fixtures/frame-png.ts";
import { readInputStrip, readOutputStrip } from "../../../fixtures/strips.ts";
import type { loadCodec } from "../../../mock-server/index.ts";
import type { Codec, FrameEvent } from "../../client.ts";
import type { Clock } from "../../clock.ts";

export type Codecs = Awaited<ReturnType<typeof loadCodec>>;

export type Screen = {
  show(picture: Frame): void;
  /** Decodes what a connection brings, and shows it. */
  openFeed(codec: Codec): { decode(data: Uint8Array): void; close(): void };
  /** PNG of the picture that is shown now; `null` for none. */
  snapshot(): Uint8Array | null;
};

export type ScreenAbout = {
  /** Without them, coded pictures are not shown. */
  readonly codecs: Codecs | null;
  readonly live: Clock;
  /** Whether the picture number `n` that has come, from 0, is shown. */
  shows(n: number): boolean;
  tell(event: FrameEvent): void;
};

export function createScreen({ codecs, live, shows, tell }: ScreenAbout): Screen {
  let shown: Frame | null = null;
  let count = 0;

  function show(picture: Frame): void {
    if (!shows(count++)) return;
    const { width, height } = picture;
    if (shown?.width !== width || shown.height !== height) shown = createFrame(width, height);
    copyFrame(picture, shown);
    const input = readInputStrip(picture);
    const output = readOutputStrip(picture);
    tell({
      event: "frame",
      timeMs: live.now(),
      width,
      height,
      input: input && { frameId: input.frameId, timestampMs: input.timestampMs, flags: input.flags },
      output: output && {
        revision: output.revision,
        promptHash: output.promptHash,
        imageHash: output.imageHash,
        outputCount: output.outputCount,
      },
    });
  }

  return {
    show,
    openFeed(codec) {
      const decoder = codecs?.createDecoder(codec);
      let isOpen = true;
      let picture: Frame | null = null;
      return {
        decode(data) {
          if (!isOpen) return;
          decoder?.decode(data, (padded) => {
            const { width, height } = padded;
            if (picture?.width !== width || picture.height !== height) picture = createFrame(width, height);
            codecs!.copyPicture(padded, picture);
            show(picture);
          });
        },
        close() {
          if (isOpen) decoder?.close();
          isOpen = false;
        },
      };
    },
    snapshot: () => shown && frameToPng(shown),
  };
}

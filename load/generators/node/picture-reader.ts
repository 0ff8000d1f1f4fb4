/** Decodes what comes back and reads its strips. The one place of this generator where a picture is a picture: whoever wants more of it looks here. */
import {
  type InputStrip,
  type OutputStrip,
  readInputStrip,
  readOutputStrip,
  stripsHeight,
} from "../../../fixtures/index.ts";
import { loadCodec } from "../../../mock-server/index.ts";
import type { Codec } from "../../generator.ts";

export type Reading = { readonly input: InputStrip | null; readonly output: OutputStrip | null };

export type PictureReader = {
  /** `null`: no picture comes of these bytes. */
  read(data: Uint8Array): Reading | null;
  close(): void;
};

export type OpenReader = (codec: Codec) => PictureReader;

/** Loads the codecs. @throws Error when they are not installed */
export async function loadReader(): Promise<OpenReader> {
  const { createDecoder } = await loadCodec();
  return (codec) => {
    const decoder = createDecoder(codec);
    return {
      read(data) {
        let reading: Reading | null = null;
        decoder.decode(data, ({ width, height, planes: [y], strides: [stride] }) => {
          const lines = Math.min(height, stripsHeight(width, "tall"));
          const luma = { width, height: lines, y: packRows(y!, stride!, width, lines) };
          reading = { input: readInputStrip(luma), output: readOutputStrip(luma) };
        });
        return reading;
      },
      close: decoder.close,
    };
  };
}

/** Rows without what stands behind each. */
function packRows(y: Uint8Array, stride: number, width: number, lines: number): Uint8Array {
  if (stride === width) return y.subarray(0, width * lines);
  const packed = new Uint8Array(width * lines);
  for (let line = 0; line < lines; line++) {
    packed.set(y.subarray(line * stride, line * stride + width), line * width);
  }
  return packed;
}

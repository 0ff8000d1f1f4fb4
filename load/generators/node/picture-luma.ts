/** The luma plane of a decoded picture, as strips and grids are read from it. */
import type { Luma } from "../../../fixtures/index.ts";
import type { PaddedFrame } from "../../../mock-server/index.ts";

/** Its first `lines` lines; of rows that are padded, without what stands behind each. */
export function lumaOfPicture(
  { width, height, planes: [y], strides: [stride] }: PaddedFrame,
  lines: number = height,
): Luma {
  if (stride === width) return { width, height: lines, y: y!.subarray(0, width * lines) };
  const packed = new Uint8Array(width * lines);
  for (let line = 0; line < lines; line++) {
    packed.set(y!.subarray(line * stride!, line * stride! + width), line * width);
  }
  return { width, height: lines, y: packed };
}

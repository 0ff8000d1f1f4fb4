/** How the light of a clip's pictures moves, worked out once: what a repainted picture is told by, which has lost its strip. */
import type { Clip } from "../../../fixtures/index.ts";
import { loadCodec } from "../../../mock-server/index.ts";
import { gridLuma } from "../../carriers/signature.ts";
import { lumaOfPicture } from "./picture-luma.ts";

/** One a picture, in their order. Takes the thread for some 75 ms at 1280×720, so it is done before anybody sends. */
export async function gridsOf(clip: Clip): Promise<readonly (readonly number[])[]> {
  const { createDecoder } = await loadCodec();
  const decoder = createDecoder(clip.codec);
  const grids: number[][] = [];
  for (const { data } of clip.frames) {
    decoder.decode(data, (picture) => grids.push(gridLuma(lumaOfPicture(picture))));
  }
  decoder.close();
  return grids;
}

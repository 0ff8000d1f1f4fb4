/** Look-up tables of 256 entries: the fastest way to put every sample of a plane through the same function. */

/** What `of` makes of each byte, rounded and kept within 0..255. */
export function tableOf(of: (sample: number) => number): Uint8Array {
  return Uint8Array.from(new Uint8ClampedArray(256).map((_, sample) => of(sample)));
}

/** Replaces every sample of `plane` by its entry in `table`. */
export function applyTable(plane: Uint8Array, table: Uint8Array): void {
  for (let at = 0; at < plane.length; at++) plane[at] = table[plane[at]!]!;
}

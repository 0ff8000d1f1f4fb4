/** Two results as `compare` takes them. */
export function compareFiles(_a: string, _b: string): { text: string; isWorse: boolean } {
  throw new Error("not yet");
}

/** A camera's fixed schedule: whose turn it is, and whose has passed. It reads no clock; safe to bundle for a browser. */
export type Turn = { readonly frame: number; readonly dueMs: number };

export type Turns = {
  /** When the next picture's turn is. */
  readonly nextDueMs: number;
  /** The turns that have come and were not taken before, oldest first: the last is now's, those before it were slept through. */
  take(nowMs: number): Turn[];
};

/** Picture 0 is due at `startMs`, and then `fps` a second, however late the ones before were drawn. */
export function createTurns(startMs: number, fps: number): Turns {
  let next = 0;
  const dueMs = (frame: number) => startMs + (frame * 1000) / fps;
  return {
    get nextDueMs() {
      return dueMs(next);
    },
    take(nowMs) {
      const turns: Turn[] = [];
      for (; dueMs(next) <= nowMs; next++) turns.push({ frame: next, dueMs: dueMs(next) });
      return turns;
    },
  };
}

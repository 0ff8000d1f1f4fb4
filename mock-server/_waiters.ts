/** For clients in tests: waiting for what a callback brings, without asking again and again. */

export type Waiters = {
  /** Everybody who waits looks again. */
  wake(): void;
  /** Resolves with what `find` finds, now or later. */
  until<Value>(find: () => Value | undefined): Promise<Value>;
};

export function createWaiters(): Waiters {
  const waiters = new Set<() => void>();
  return {
    wake() {
      for (const look of [...waiters]) look();
    },
    until: (find) =>
      new Promise((resolve) => {
        const look = () => {
          const value = find();
          if (value === undefined) return;
          waiters.delete(look);
          resolve(value);
        };
        waiters.add(look);
        look();
      }),
  };
}

/** A server for the length of one test. It is closed when the test ends, and the test fails if anything was left open. */
import { expect, onTestFinished } from "vitest";
import { type Clock, realClock } from "./clock.ts";
import type { MockServerOptions } from "./options.ts";
import { type MockServer, startServer } from "./server.ts";

export const nothingOpen = { sessions: 0, sockets: 0, codecs: 0, workers: 0, peers: 0, timers: 0 };

/** On a free port. Clients opened later are closed earlier: vitest undoes in reverse order. */
export async function runServer(
  given: Partial<MockServerOptions> = {},
  clock: Clock = realClock(),
  machine: Clock = clock,
): Promise<MockServer> {
  const server = await startServer({ port: 0, ...given }, clock, machine);
  onTestFinished(async () => {
    await emptied(server);
    await server.close();
    expect(server.open).toEqual(nothingOpen);
    expect(server.faults.planCount, "plans that have not ended").toBe(0);
  });
  return server;
}

/** Resolves when nothing is open any more and every plan has ended, without the server being told to close anything. */
export function emptied(server: MockServer): Promise<void> {
  return until(
    server,
    () => Object.values(server.open).every((count) => count === 0) && server.faults.planCount === 0,
  );
}

/** Resolves when `done` holds; looks after every line of the journal. */
export function until(server: MockServer, done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!done()) return;
      stop();
      resolve();
    };
    // A turn later: what a line tells of may not be finished when it is written.
    const stop = server.journal.follow(() => setImmediate(look));
    look();
  });
}

/** Closes it when the test ends. */
export function closeLater<Thing extends AsyncDisposable>(thing: Thing): Thing {
  onTestFinished(() => thing[Symbol.asyncDispose]().then(() => {}));
  return thing;
}

import { expect, test } from "vitest";
import { createSerialQueue } from "./serial-queue.ts";

const noFailure = (error: unknown) => expect.unreachable(String(error));

test("runs tasks in the order they came, however long each takes, never two at once", async () => {
  const queue = createSerialQueue(10, noFailure);
  const seen: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = Promise.withResolvers<void>();
  queue.add(async () => {
    seen.push("slow begins");
    await gates[0]!.promise;
    seen.push("slow ends");
  });
  queue.add(() => void seen.push("at once"));
  queue.add(async () => {
    await gates[1]!.promise;
    seen.push("last");
  });
  queue.add(done.resolve);
  gates[1]!.resolve();
  await Promise.resolve();
  expect(seen).toEqual(["slow begins"]);
  gates[0]!.resolve();
  await done.promise;
  expect(seen).toEqual(["slow begins", "slow ends", "at once", "last"]);
});

test("takes no more than its bound, and more once some are done", async () => {
  const queue = createSerialQueue(2, noFailure);
  const gate = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  let refusedRan = false;
  expect(queue.add(() => gate.promise)).toBe(true);
  expect(queue.add(first.resolve)).toBe(true);
  expect(
    queue.add(() => {
      refusedRan = true;
    }),
  ).toBe(false);
  gate.resolve();
  await first.promise;
  const last = Promise.withResolvers<void>();
  // The place of a task is free one turn after it has ended.
  await Promise.resolve()
    .then(() => {})
    .then(() => {})
    .then(() => {});
  expect(queue.add(last.resolve)).toBe(true);
  await last.promise;
  expect(refusedRan).toBe(false);
});

test("a task that throws, now or later, is told of and does not stop the next", async () => {
  const failures: string[] = [];
  const queue = createSerialQueue(10, (error) => failures.push((error as Error).message));
  const done = Promise.withResolvers<void>();
  queue.add(() => {
    throw new Error("at once");
  });
  queue.add(async () => {
    await Promise.resolve();
    throw new Error("later");
  });
  queue.add(done.resolve);
  await done.promise;
  expect(failures).toEqual(["at once", "later"]);
});

test("once closed it takes nothing and runs nothing that waited", async () => {
  const queue = createSerialQueue(10, noFailure);
  const gate = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  queue.add(async () => {
    await gate.promise;
    ended.resolve();
  });
  queue.add(() => expect.unreachable("a task ran after close()"));
  await Promise.resolve();
  queue.close();
  expect(queue.add(() => {})).toBe(false);
  gate.resolve();
  await ended.promise;
});

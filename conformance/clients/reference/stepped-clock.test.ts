import { expect, test } from "vitest";
import { handClock } from "../_hand-clock.ts";
import { createSteppedClock } from "./stepped-clock.ts";

test("runs by itself until it is stepped, and then only so far as it is", async () => {
  const { clock: real, waiting, fire } = handClock();
  const clock = createSteppedClock(real);
  const done: string[] = [];
  clock.after(10, () => done.push("by itself"));
  clock.after(5000, () => {
    done.push(`at ${clock.now()}`);
    clock.after(1000, () => done.push(`at ${clock.now()}`));
  });
  clock.after(300, () => done.push("cancelled")).cancel();
  expect(clock.waitingCount).toBe(2);
  fire(10);
  expect(done).toEqual(["by itself"]);
  expect(clock.waitingCount).toBe(1);

  await clock.advance(4999);
  expect(waiting()).toEqual([]);
  expect(done).toEqual(["by itself"]);
  await clock.advance(1);
  expect(done).toEqual(["by itself", "at 5000"]);
  await clock.advance(60_000);
  expect(done).toEqual(["by itself", "at 5000", "at 6000"]);
  expect(clock.now()).toBe(65_000);
  expect(clock.waitingCount).toBe(0);
});

test("what is due in one step runs in the order in which it is due, promises between", async () => {
  const clock = createSteppedClock(handClock().clock);
  const done: string[] = [];
  clock.after(200, () => done.push("second"));
  clock.after(100, () => {
    done.push("first");
    void Promise.resolve().then(() => clock.after(50, () => done.push("between")));
  });
  await clock.advance(300);
  expect(done).toEqual(["first", "between", "second"]);
});

import { describe, expect, test } from "vitest";
import { handClock } from "../_hand-clock.ts";
import { createAckQueue, Refused } from "./ack-queue.ts";
import { type Ack, correct, type StateMessage } from "./policy.ts";

const imageAck = (error: string | null = null): Ack => ({
  type: "set_image_ack",
  success: error === null,
  error,
});
const promptAck = (prompt: string, error: string | null = null): Ack => ({
  type: "prompt_ack",
  prompt,
  success: error === null,
  error,
});
const image: StateMessage = { type: "set_image", image_data: null };
const prompt = (text: string): StateMessage => ({ type: "prompt", prompt: text });

function play() {
  const hand = handClock();
  const queue = createAckQueue(correct, hand.clock);
  const ends: string[] = [];
  const applied: string[] = [];
  return {
    queue,
    ...hand,
    applied,
    /** How calls ended so far, in order. */
    async ends() {
      await new Promise((resolve) => setImmediate(resolve));
      return ends;
    },
    wait(name: string, message: StateMessage, session = 1) {
      queue
        .wait(message, session, correct.ackMsMax(message), () => applied.push(name))
        .then(
          () => ends.push(`${name} ok`),
          (error: Error) =>
            ends.push(`${name} ${error instanceof Refused ? "refused" : "failed"}: ${error.message}`),
        );
    },
  };
}

describe("whose an ack is", () => {
  test("images in the order of sending, one each", async () => {
    const { queue, wait, ends } = play();
    wait("a", image);
    wait("b", image);
    queue.take(imageAck(), 1);
    queue.take(imageAck("too large"), 1);
    expect(await ends()).toEqual(["a ok", "b refused: too large"]);
  });

  test("prompts by their text, and in order where it is the same", async () => {
    const { queue, wait, ends } = play();
    wait("a", prompt("p"));
    wait("b", prompt("q"));
    wait("c", prompt("q"));
    queue.take(promptAck("q", "no"), 1);
    queue.take(promptAck("p"), 1);
    queue.take(promptAck("q"), 1);
    expect(await ends()).toEqual(["b refused: no", "a ok", "c ok"]);
  });

  test("neither kind takes the other's, nor another text's", async () => {
    const { queue, wait, ends } = play();
    wait("a", prompt("p"));
    queue.take(imageAck(), 1);
    queue.take(promptAck("P"), 1);
    expect(await ends()).toEqual([]);
    queue.take(promptAck("p"), 1);
    expect(await ends()).toEqual(["a ok"]);
  });

  test("one that nobody waits for is dropped, and is not kept for who comes", async () => {
    const { queue, wait, ends } = play();
    queue.take(imageAck("no"), 1);
    wait("a", image);
    expect(await ends()).toEqual([]);
  });

  test("another session's is nobody's", async () => {
    const { queue, wait, ends } = play();
    wait("a", image, 2);
    queue.take(imageAck(), 1);
    expect(await ends()).toEqual([]);
  });
});

describe("late and missing", () => {
  test("a late one is still its own call's, not the next one's", async () => {
    const { queue, wait, ends, fire, applied } = play();
    wait("a", image);
    fire(30_000);
    wait("b", image);
    queue.take(imageAck(), 1);
    expect(await ends()).toEqual(["a failed: Image send timed out"]);
    expect(applied).toEqual(["a"]);
    queue.take(imageAck("no"), 1);
    expect(await ends()).toEqual(["a failed: Image send timed out", "b refused: no"]);
  });

  test("where none came but one that went to a call that was over, it was the later call's own", async () => {
    const { queue, wait, ends, fire, waiting } = play();
    wait("a", image);
    fire(30_000);
    wait("b", image);
    queue.take(imageAck(), 1);
    fire(30_000);
    expect(await ends()).toEqual(["a failed: Image send timed out", "b ok"]);
    expect(waiting()).toEqual([]);
  });

  test("a claim to a late one ends, too", async () => {
    const { queue, wait, ends, fire, waiting } = play();
    wait("a", prompt("p"));
    fire(15_000);
    fire(correct.lateAckMsMax);
    wait("b", prompt("p"));
    queue.take(promptAck("p"), 1);
    expect(await ends()).toEqual(["a failed: Prompt send timed out", "b ok"]);
    expect(waiting()).toEqual([]);
  });

  test("a lost session ends its own calls at once, and leaves no timer", async () => {
    const { queue, wait, ends, waiting } = play();
    wait("a", image, 1);
    wait("b", image, 2);
    queue.fail(1, "WebSocket closed: 1006");
    expect(await ends()).toEqual(["a failed: WebSocket closed: 1006"]);
    queue.fail(2, "gone");
    expect(waiting()).toEqual([]);
  });
});

import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { sendWithin } from "./socket-line.ts";

/** Whose other end reads nothing. */
function stuckSocket() {
  const socket = {
    bufferedAmount: 0,
    terminated: 0,
    send(data: string) {
      socket.bufferedAmount += data.length;
    },
    terminate() {
      socket.terminated++;
    },
  };
  return socket;
}

test("a socket whose other end does not read is dropped once more waits than may, and told of", () => {
  const socket = stuckSocket();
  const told: number[] = [];
  const send = () =>
    sendWithin(100, socket as unknown as WebSocket, "x".repeat(50), (bytes) => told.push(bytes));
  send();
  send();
  expect([socket.terminated, told]).toEqual([0, []]);
  send();
  expect([socket.terminated, told]).toEqual([1, [150]]);
});

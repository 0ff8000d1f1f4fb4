/** What one client may ask of its session: sizes, and the order of acks under them. Sockets only, no media. */

import { expect, test } from "vitest";
import { PROMPT_CHARS_MAX } from "../protocol/index.ts";
import { closeLater, runServer } from "./_running-server.ts";
import { openSocket } from "./_socket-client.ts";
import { realClock } from "./clock.ts";
import type { ServerContext } from "./context.ts";
import { createDice } from "./dice.ts";
import { emptyPlan } from "./faults/_plans.ts";
import { noKeyFaults } from "./faults/desk.ts";
import { createJournal } from "./journal.ts";
import { defaultOptions } from "./options.ts";
import { createSession } from "./session.ts";

test("a prompt that is too long is refused with a sentence, changes nothing, and the next one is taken", async () => {
  const server = await runServer();
  const client = closeLater(await openSocket(server.realtimeUrl));
  const long = "x".repeat(PROMPT_CHARS_MAX + 1);
  client.send({ type: "prompt", prompt: long });
  client.send({ type: "set_image", image_data: null, prompt: long });
  client.send({ type: "prompt", prompt: "short" });
  const error = "The prompt has 10001 characters; at most 10000 are taken. Shorten it.";
  expect(await client.take("prompt_ack")).toEqual({
    type: "prompt_ack",
    prompt: long,
    success: false,
    error,
  });
  expect(await client.take("set_image_ack")).toMatchObject({ success: false, error });
  expect(await client.take("prompt_ack")).toMatchObject({ prompt: "short", success: true });
  expect(server.sessions[0]!.state).toMatchObject({ revision: 1, prompt: "short" });
});

test("a prompt of 12 MB gets its ack: what is sent is no backlog", async () => {
  const server = await runServer();
  const client = closeLater(await openSocket(server.realtimeUrl));
  client.send({ type: "prompt", prompt: "x".repeat(12_000_000) });
  expect((await client.take("prompt_ack")).success).toBe(false);
});

test("a client that heaps up more than 64 MB of messages is refused", async () => {
  const clock = realClock();
  const refusals: string[] = [];
  const socket = {
    id: "s",
    send() {},
    refuse: (error: string) => refusals.push(error),
    close() {},
    isOpen: true,
  };
  const context = {
    options: defaultOptions(),
    clock,
    machine: clock,
    sessions: new Map(),
    journal: createJournal(clock),
  } as unknown as ServerContext;
  const session = createSession(context, socket, {
    id: "s",
    model: "lucy_2_rt",
    row: null,
    secondsMax: null,
    plan: emptyPlan(),
    dice: createDice(1),
    keyFaults: noKeyFaults,
  });
  const image = "A".repeat(10_000_000);
  for (let i = 0; i < 6; i++) session.handleState({ type: "set_image", image_data: image });
  expect(refusals).toEqual([]);
  session.handleState({ type: "set_image", image_data: image });
  expect(refusals).toEqual([
    "More than 256 state messages or 64 MB of them wait for their acks. Await each set() before the next.",
  ]);
  session.leave("disconnect");
});

test("an unknown file is named, but not at any length", async () => {
  const server = await runServer();
  const client = closeLater(await openSocket(server.realtimeUrl));
  client.send({ type: "set_image", image_ref: `file_${"a".repeat(5000)}` });
  const { error } = await client.take("set_image_ack");
  expect(error).toMatch(/^There is no file file_a+: it was not uploaded here, was deleted, or has expired\./);
  expect(error!.length).toBeLessThan(250);
});

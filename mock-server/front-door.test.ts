/** What the compiler says of the front door: tsc holds these lines, each of them red once it takes what it refuses now. */
import { expect, expectTypeOf, test } from "vitest";
import { faults } from "./faults/index.ts";
import {
  type Declaration,
  type FaultName,
  type MockServer,
  type Session,
  startMockServer,
  writeMockKey,
} from "./index.ts";

/** Checked, and never called. */
async function typed(server: MockServer, session: Session): Promise<void> {
  server.faults.add("drop");
  server.faults.add({ name: "drop", only: "prompt_ack", when: { at: "tick:3", after: { messages: 1 } } });
  server.faults.add(["drop", { name: "delay", channel: "livekit" }] as const, { session: session.id });
  // @ts-expect-error No such fault.
  server.faults.add("dorp");
  // @ts-expect-error No such fault.
  server.faults.add({ name: "dorp" });
  // @ts-expect-error No name.
  server.faults.add({ nmae: "drop" });
  // @ts-expect-error No such key.
  server.faults.add({ name: "drop", whn: {} });
  // @ts-expect-error No such moment.
  server.faults.add({ name: "drop", when: { at: "conected" } });
  // @ts-expect-error Several are a list.
  server.faults.add({ name: "drop" }, { name: "delay" });
  // @ts-expect-error A list of no such fault.
  server.faults.add(["drop", "dorp"]);
  // @ts-expect-error A key belongs to a client.
  server.faults.add("mock:drop");
  // @ts-expect-error Of the server's own affairs.
  server.faults.planCount;

  writeMockKey("a-scenario");
  writeMockKey(["drop", { name: "delay", with: { delayMs: 5 } }]);
  // @ts-expect-error No such fault.
  writeMockKey({ name: "dorp" });
  // @ts-expect-error No such fault.
  writeMockKey([{ name: "drop" }, { name: "dorp" }]);
  // @ts-expect-error Nothing at all.
  writeMockKey(undefined);
  // @ts-expect-error No such channel.
  const wrong: Declaration = { name: "drop", channel: "web" };

  const next = await server.nextSession({ withinMs: 5 });
  await next.until("connected", { withinMs: 5 });
  await server.sessions[0]?.until("tick:3");
  // @ts-expect-error No such moment.
  await session.until("conected");
  // @ts-expect-error No number.
  await session.until("tick:three");
  // @ts-expect-error No such option.
  await session.frames(3, { within: 3 });
  // @ts-expect-error Of the server's own affairs.
  session.plan;
  // @ts-expect-error Of the server's own affairs.
  next.handleState;
  // @ts-expect-error Of the server's own affairs.
  server.sessions[0]?.dice;
  // @ts-expect-error No such option.
  await startMockServer({ prot: 0 });
  void wrong;
}

test("the front door knows the faults by name", () => {
  expectTypeOf<typeof typed>().toBeFunction();
  // A name widened to `string` would take anything.
  expectTypeOf<string>().not.toExtend<FaultName>();
  const some: FaultName[] = ["drop", "wrong-ticks"];
  expect(faults.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
});

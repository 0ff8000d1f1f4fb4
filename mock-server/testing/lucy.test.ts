import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runServer } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import type { MockServer } from "../server.ts";
import { joinAs } from "./_client.ts";
import { type OpenLucy, openLucy } from "./lucy.ts";

function openFor(server: MockServer, name: string): OpenLucy {
  const lucy = openLucy(server, name);
  onTestFinished(() => lucy.close());
  return lucy;
}

describe("two tests on one server", () => {
  test("see their own sessions, viewers and lines, whichever comes first", async () => {
    const server = await runServer({ mode: "none" });
    const [one, other] = [openFor(server, "one"), openFor(server, "other")];
    const ours = await joinAs(one);
    const theirs = await joinAs(other, { type: "prompt", prompt: "neon" });
    await Promise.all([ours.take("prompt_ack"), theirs.take("prompt_ack")]);
    expect(one.sessions.map(({ state }) => state.prompt)).toEqual(["sepia"]);
    expect(other.sessions.map(({ state }) => state.prompt)).toEqual(["neon"]);
    const [session] = one.sessions;
    expect(new Set(one.lines.map(({ session }) => session))).toEqual(new Set([session!.id]));
    const viewer = await openSocket(one.realtimeUrl, {
      path: `/subscribe/${session!.id}`,
      query: { api_key: "dct_other" },
    });
    await viewer[Symbol.asyncDispose]();
    const watching = (lucy: OpenLucy) => lucy.lines.some(({ fields }) => fields.watches === session!.id);
    expect([watching(one), watching(other)]).toEqual([true, false]);
  });

  test("meet their own faults", async () => {
    const server = await runServer({ mode: "none" });
    const [one, other] = [openFor(server, "one"), openFor(server, "other")];
    const running = await joinAs(one);
    await running.take("prompt_ack");
    const [fault] = one.faults.add("negative-ack");
    const ours = await joinAs(one);
    const theirs = await joinAs(other);
    running.send({ type: "prompt", prompt: "neon" });
    for (const client of [ours, running]) expect((await client.take("prompt_ack")).success).toBe(false);
    expect((await theirs.take("prompt_ack")).success).toBe(true);
    expect([fault!.fired, fault!.healed]).toEqual([2, false]);
    fault!.heal();
    for (const client of [ours, running, await joinAs(one)]) {
      client.send({ type: "prompt", prompt: "edges" });
      expect((await client.take("prompt_ack")).success).toBe(true);
    }
    expect(one.faults.list.map(({ fired, healed }) => [fired, healed])).toEqual([[2, true]]);
  });

  test("and one session's alone, where they say so", async () => {
    const server = await runServer({ mode: "none" });
    const lucy = openFor(server, "one");
    const first = await joinAs(lucy);
    await first.take("prompt_ack");
    const beside = await joinAs(lucy);
    await beside.take("prompt_ack");
    lucy.faults.add("negative-ack", { session: lucy.sessions[0]!.id });
    const after = await joinAs(lucy);
    for (const client of [first, beside]) client.send({ type: "prompt", prompt: "neon" });
    const acks = [first, beside, after].map((client) => client.take("prompt_ack"));
    expect((await Promise.all(acks)).map(({ success }) => success)).toEqual([false, true, true]);
    expect(() => lucy.faults.add("nothing", { session: "f00" })).toThrow(
      /^No session f00 of this test runs. It has [0-9a-f]{16}(, [0-9a-f]{16}){2}\.$/,
    );
  });

  test("and those of a fault's own connections, which are counted from when it was declared", async () => {
    const server = await runServer({ mode: "none" });
    const lucy = openFor(server, "one");
    const running = await joinAs(lucy);
    await running.take("prompt_ack");
    lucy.faults.add({ name: "negative-ack", when: { connections: 1 } });
    const clients = [running, await joinAs(lucy), await joinAs(lucy)];
    running.send({ type: "prompt", prompt: "neon" });
    const acks = await Promise.all(clients.map((client) => client.take("prompt_ack")));
    expect(acks.map(({ success }) => success)).toEqual([true, false, true]);
  });

  test("of one name have keys of their own, and a test's key is the same in each run", async () => {
    const server = await runServer({ mode: "none" });
    const [one, again] = [openFor(server, "one"), openFor(server, "one")];
    expect(again.apiKey).toBe(`${one.apiKey}-2`);
    one.close();
    expect(openFor(server, "one").apiKey).toBe(one.apiKey);
  });
});

test("at its end sessions are over, faults healed, and who comes late is refused", async () => {
  const server = await runServer({ mode: "none" });
  const lucy = openFor(server, "one");
  const [fault] = lucy.faults.add("nothing");
  const client = await joinAs(lucy);
  await client.take("prompt_ack");
  lucy.close();
  expect((await client.take("generation_ended")).reason).toBe("disconnect");
  await client.closed;
  expect([fault!.healed, server.sessions.length, lucy.sessions.length]).toEqual([true, 0, 1]);
  const late = await joinAs(lucy);
  expect((await late.take("error")).error).toMatch(/names no scenario and no fault/);
  await late.closed;
});

test("tokens minted with its key are of it", async () => {
  const server = await runServer({ mode: "none" });
  const lucy = openFor(server, "one");
  const minted = await fetch(`${lucy.url}/v1/client/tokens`, {
    method: "POST",
    headers: { "x-api-key": lucy.apiKey },
    body: "{}",
  });
  const { apiKey } = (await minted.json()) as { apiKey: string };
  await joinAs({ ...lucy, realtimeUrl: lucy.realtimeUrl, apiKey });
  expect((await lucy.session()).id).toMatch(/^[0-9a-f]{16}$/);
});

test("who waits in vain is told of other keys, and of faults that never fired", async () => {
  const server = await runServer({ mode: "none" });
  const lucy = openFor(server, "one");
  lucy.faults.add(["drop-socket", "nothing"]);
  await using _stranger = await openSocket(server.realtimeUrl);
  await joinAs(openFor(server, "other"));
  const error = await lucy.session(2, { withinMs: 0 }).catch(({ message }) => message);
  expect(error).toMatch(
    /^Waited 0 ms for session 2 of this test; none began\.\n\n1 client came without this test's key: give the app lucy\.apiKey\.\nNever fired in a session of this test: drop-socket, nothing\.\nThe journal has no line of this test\.$/,
  );
  expect(() => lucy.faults.add("no-such" as never)).toThrow(/^The fault: there is no fault "no-such"\./);
  await expect(lucy.session(1, { withinMs: -1 })).rejects.toThrow("withinMs is -1; it takes 0 to 600000 ms.");
});

test("waiting ends with the test, and leaves no timer", async () => {
  const server = await runServer({ mode: "none" });
  const lucy = openFor(server, "one");
  const looked = vi.fn(() => undefined);
  const waiting = lucy.until(looked, 600_000);
  lucy.close();
  expect(await waiting).toBe(undefined);
  expect(looked).toHaveBeenCalled();
});

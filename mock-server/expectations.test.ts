import { describe, expect, onTestFinished, test } from "vitest";
import { closeLater, nothingOpen, runServer } from "./_running-server.ts";
import { openSocket } from "./_socket-client.ts";
import { manualClock, realClock } from "./clock.ts";
import { startServer } from "./server.ts";

async function joined() {
  const server = await runServer({ mode: "none" });
  const waiting = server.nextSession();
  const client = closeLater(await openSocket(server.realtimeUrl));
  client.send({ type: "prompt", prompt: "edges", enhance_prompt: true });
  return { server, client, session: await waiting };
}

describe("until", () => {
  test("a moment to come, and one that has come", async () => {
    const { session } = await joined();
    expect(await session.until("ack-sent")).toBe(1);
    expect(await session.until("ack-sent")).toBe(1);
    expect(await session.until("state-applied:1")).toBe(1);
  });

  test("the session's end is one", async () => {
    const { session, client } = await joined();
    const ended = session.until("ended");
    client.socket.close(1000);
    expect(await ended).toBe(1);
  });

  test("one that does not come says what happened instead", async () => {
    const { session } = await joined();
    await session.until("ack-sent");
    const error = await session.until("connected", { withinMs: 1 }).catch((error) => error.message);
    expect(error).toContain("Waited for connected, which did not come within 1 ms.");
    expect(error).toContain("prompt_ack");
    expect(error).toMatch(/Seed 1\.$/);
  });

  test("nor after the session is over", async () => {
    const { session, client } = await joined();
    const failed = expect(session.until("tick:2")).rejects.toThrow("before the session ended");
    client.socket.close(1000);
    await failed;
    await expect(session.until("tick:2")).rejects.toThrow("before the session ended");
  });

  test("what is no moment is refused with the nearest", async () => {
    const { session } = await joined();
    await expect(session.until("conected")).rejects.toThrow('Did you mean "connected"?');
    await expect(session.until("tick:0")).rejects.toThrow('"tick:0" is no moment.');
    await expect(session.until("tick", { withinMs: -1 })).rejects.toThrow("0 to 600000 ms");
  });
});

test("frames() takes 1 to a million", async () => {
  const { session } = await joined();
  await expect(session.frames(0)).rejects.toThrow("asked for 0 pictures; it takes 1 to 1000000");
  await expect(session.frames(2, { withinMs: 1 })).rejects.toThrow(
    "Waited for 2 more pictures of the 0 so far",
  );
});

test("the journal can be waited for", async () => {
  const { server, session } = await joined();
  const line = await server.journal.match({ kind: "prompt_ack", session: session.id });
  expect(line.fields.success).toBe(true);
  expect(server.journal.lines).toContain(line);
});

test("while the clock stands still, waiting ends all the same, and says where it stands", async () => {
  const server = await startServer({ port: 0, mode: "none", clock: "manual" }, manualClock(), realClock());
  onTestFinished(async () => {
    await server.close();
    expect(server.open).toEqual(nothingOpen);
  });
  await server.clock.advance(250);
  const sentence = "Seed 1, manual clock at 250 ms.";
  await expect(server.nextSession({ withinMs: 1 })).rejects.toThrow(sentence);
  await expect(server.journal.match({ kind: "never" }, { withinMs: 1 })).rejects.toThrow(sentence);
});

test("whoever waits when the server closes is told at once, and leaves no timer", async () => {
  const server = await startServer({ port: 0, mode: "none" });
  const client = closeLater(await openSocket(server.realtimeUrl));
  const [session] = server.sessions;
  const waits = [server.nextSession(), session!.until("tick:3"), session!.frames(1)];
  const told = Promise.allSettled(waits);
  await server.close();
  const sentences = (await told).map((one) => (one.status === "rejected" ? one.reason.message : "resolved"));
  expect(sentences[0]).toContain("Waited for a session, which did not come before the server closed.");
  expect(sentences.slice(1).join("\n")).not.toContain("resolved");
  expect(server.open).toEqual(nothingOpen);
  await expect(server.nextSession()).rejects.toThrow("before the server closed");
  await client.closed;
});

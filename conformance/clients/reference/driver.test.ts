/** The driver as the suite starts it: a process, from hello to goodbye. */
import { expect, test } from "vitest";
import { startMockServer } from "../../../mock-server/index.ts";
import { dialects, type FrameEvent } from "../../client.ts";
import { realClock } from "../../clock.ts";
import { referenceClient } from "./index.ts";

test.each(dialects)("%s: shows edited pictures, and ends", async (dialect) => {
  const server = await startMockServer({ port: 0, seed: 1 });
  const driver = await referenceClient({ dialect }, realClock).open();
  const frames: FrameEvent[] = [];
  const edited = Promise.withResolvers<void>();
  driver.follow((event) => {
    if (event.event !== "frame") return;
    frames.push(event);
    if (event.input && event.output?.revision === 1) edited.resolve();
  });
  expect(driver.hello).toMatchObject({ client: `reference-${dialect}`, dialect });
  expect(driver.hello.capabilities).toEqual(expect.arrayContaining(["frames", "clock", "reconnect"]));

  const camera = { width: 320, height: 180, fps: 15 };
  const { url, realtimeUrl } = server;
  const connected = await driver.request("connect", { url, realtimeUrl, apiKey: "dct_local", camera });
  expect(connected).toMatchObject({ ok: true, value: { sessionId: server.sessions[0]!.id } });
  await driver.request("set", { prompt: "a red cape" });
  await edited.promise;
  const ids = frames.flatMap(({ input }) => (input ? [input.frameId] : []));
  expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
  const { value } = await driver.request("snapshot", {});
  expect(Buffer.from(String(value?.png), "base64").subarray(1, 4).toString()).toBe("PNG");
  // It says goodbye by itself when it is told to go.
  const gone = server.sessions[0]!.until("ended");
  await driver.close();
  await gone;
  await server.close();
});

test("a mutant that there is none of is no driver", async () => {
  const opening = referenceClient({ dialect: "direct", mutant: "no-such" }, realClock).open();
  await expect(opening).rejects.toThrow();
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import type { When } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

// Whoever is closed by its own moment goes on a little: what it would begin next must not outlive it.
test.each<[at: string, more: When]>([
  ["joined", {}],
  ["connected", {}],
  ["generation-started", {}],
  ["generation-started", { after: { messages: 1 } }],
])("a session that ends at %s, %j, leaves no timer, no room and no plan", async (at, more) => {
  const clock = manualClock();
  const server = await runServer({ mode: "none", queue: 1 }, clock);
  const query = { api_key: writeMockKey({ name: "session-expiry", when: { at, ...more } }) };
  const client = closeLater(await openSocket(server.realtimeUrl, { query }));
  client.send({ type: "livekit_join" });
  if (at !== "joined") {
    await client.take("queue_position");
    await server.clock.advance(1000);
    await client.take("livekit_room_info");
    const session = server.sessions[0]!;
    session.connected();
    session.generate();
  }
  await client.closed;
  await until(server, () => server.faults.planCount === 0);
  expect(server.open).toMatchObject({ sessions: 0, sockets: 0, timers: 0 });
  const told = client.received.map(({ type }) => type);
  // What it counts goes by first.
  expect(told.includes("generation_started")).toBe("after" in more);
  expect(told.includes("livekit_room_info")).toBe(at !== "joined");
});

test("a connection that is lost while it is made is answered, and no defect", async () => {
  const server = await runServer({ mode: "none" }, manualClock());
  const query = { api_key: writeMockKey({ name: "dtls-closed", when: { at: "offer" } }) };
  const client = closeLater(await openSocket(server.realtimeUrl, { query }));
  const sdp = readFileSync(`${import.meta.dirname}/../media/offers/chromium-vp8.sdp`, "utf8");
  client.send({ type: "offer", sdp });
  await client.take("answer");
  const kinds = server.journal.lines.map(({ kind }) => kind);
  expect(kinds).toContain("fault-fired");
  expect(kinds).not.toContain("defect");
});

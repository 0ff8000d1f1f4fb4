/** A client of one test, for tests of what tests are given: its control socket with that test's key. */
import { closeLater } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import type { Lucy } from "./lucy.ts";

/** Begins a session by a message of its own, or by those given. */
export async function joinAs(lucy: Lucy, ...messages: object[]): Promise<SocketClient> {
  const client = closeLater(await openSocket(lucy.realtimeUrl, { query: { api_key: lucy.apiKey } }));
  for (const message of messages.length > 0 ? messages : [{ type: "prompt", prompt: "sepia" }]) {
    client.send(message);
  }
  return client;
}

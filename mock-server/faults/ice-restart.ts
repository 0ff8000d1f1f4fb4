/** Despite its name it makes a client build another connection, through a TURN server. Documented, JS 0.0.5 to 0.0.52. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

const text = z.string().max(1000);

export const iceRestart = defineFault({
  name: "ice-restart",
  about: "The client is told to connect anew through a TURN server, which is not there.",
  places: [{ channel: "control", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({
    username: text.default("lucy").describe("Of the TURN server."),
    // By this name the journal knows it for a secret.
    credential: text.default("lucy").describe("Of the TURN server; the journal does not show it."),
    serverUrl: text.default("turn:127.0.0.1:3478").describe("The TURN server."),
  }),
  open: ({ username, credential, serverUrl }) => ({
    strike: (line) =>
      line.send({ type: "ice-restart", turn_config: { username, credential, server_url: serverUrl } }),
  }),
});

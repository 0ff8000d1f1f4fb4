/** A TCP reset while a client asks for something, as from a proxy that lost its backend. */
import { z } from "zod";
import { defineFault, type HttpItem, type UpgradeItem } from "./fault.ts";

export const connectionReset = defineFault({
  name: "connection-reset",
  about: "The connection of a client that asks for a socket, or for something over HTTP, is reset.",
  places: [
    { channel: "control", directions: ["to-server"], kinds: ["upgrade"] },
    { channel: "livekit", directions: ["to-server"], kinds: ["upgrade"] },
    { channel: "http", directions: ["to-server"] },
  ],
  settings: z.strictObject({}),
  open: () => ({
    take: (item) => (item as UpgradeItem | HttpItem).reset(),
  }),
});

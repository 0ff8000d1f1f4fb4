/** A client announces a track and waits to be told that it is taken. Here it is not told until the fault heals. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilHealed } from "./held-items.ts";

export const noTrackPublished = defineFault({
  name: "no-track-published",
  about: "The client announces its camera and is not told that it is taken: it waits.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["trackPublished"] }],
  settings: z.strictObject({}),
  open: (_settings, tools) => holdUntilHealed(tools),
});

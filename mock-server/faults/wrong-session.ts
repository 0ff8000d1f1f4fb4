/** A change that reaches the wrong client's pictures: what somebody asked for, somebody else sees. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const wrongSession = defineFault({
  name: "wrong-session",
  about:
    "A change is acked and shown in the oldest other session (of the same key, where it has a mock key), until that changes; here nothing changes. Alone, a session keeps its changes.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({}),
  needs: "transcode",
  open: (_settings, { note }) => ({
    take(item, next, lines) {
      const [other] = [...lines].flatMap((line) => line.others());
      if (!other || !item.adopted) {
        next(item);
        return false;
      }
      other.show(item.adopted);
      note("shown-elsewhere", { revision: item.adopted.revision, inSession: other.id });
      next({ ...item, adopted: null, shown: [] });
    },
  }),
});

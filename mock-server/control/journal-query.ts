/** What of the journal somebody wants, as the query of `/_lucy/journal` says it: the filters of `journal-match.ts`, and `live`. */
import { z } from "zod";
import { type LineFilter, parseFilter } from "../journal-match.ts";

export type JournalQuery = { readonly filter: LineFilter; readonly isLive: boolean };

const text = (about: string) => z.string().describe(about).optional();

/** Parameters as texts; `parseFilter` has a sentence for each that is wrong. */
const parameters = z.strictObject({
  session: text("Lines of this session only; none: of no session."),
  kind: text(
    "Kinds with commas between them, in each of which a * may stand for any characters: fault-*,state.",
  ),
  direction: z
    .enum(["to-server", "to-client", "inside"])
    .describe("Lines of this direction only.")
    .optional(),
  measured: z
    .enum(["true", "false"])
    .describe("Lines that the network or the machine caused, or all others.")
    .optional(),
  after: text("Lines behind this number (seq) only."),
  limit: text(
    "At most so many of the lines that there are: the first behind `after`, or without it the last.",
  ),
  live: z
    .enum(["1", "true", "0", "false"])
    .describe("Goes on with new lines, as server-sent events; so does accept: text/event-stream.")
    .optional(),
});

export const journalParameters: z.ZodObject = parameters;

/** @returns what is wrong, as a sentence */
export function readJournalQuery(query: URLSearchParams): JournalQuery | { error: string } {
  const live = query.get("live");
  if (live !== null && !/^(1|true|0|false)$/.test(live)) {
    return { error: `live is ${JSON.stringify(live.slice(0, 40))}; it takes 1, true, 0 or false.` };
  }
  const rest = new URLSearchParams([...query].filter(([name]) => name !== "live" && name !== "token"));
  const parsed = parseFilter(rest);
  return parsed.ok
    ? { filter: parsed.filter, isLive: live === "1" || live === "true" }
    : { error: parsed.error };
}

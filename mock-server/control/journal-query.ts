/** What of the journal somebody wants, as the query of `/_lucy/journal` says it. */
import { z } from "zod";
import type { JournalLine } from "../journal.ts";

const kindsLengthMax = 200;
const starsMax = 8;

const flag = (description: string) =>
  z.enum(["0", "1", "false", "true"], { error: "It takes true or false." }).describe(description).optional();
const whole = (description: string, least: number) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= least, {
      error: `It takes a whole number, ${least} or more.`,
    })
    .transform(Number)
    .describe(description)
    .optional();

export const journalQuery = z.strictObject({
  session: z
    .string()
    .regex(/^[\w-]{1,64}$/, { error: "It takes a session's id: GET /_lucy/sessions lists those that run." })
    .describe("Lines of this session only.")
    .optional(),
  kind: z
    .string()
    .refine(
      (text) =>
        /^[\w*,-]+$/.test(text) && text.length <= kindsLengthMax && text.split("*").length <= starsMax + 1,
      {
        error: `It takes kinds with commas between them, * for any characters: fault-*,state. At most ${kindsLengthMax} characters and ${starsMax} stars.`,
      },
    )
    .describe("Kinds with commas between them, * for any characters: fault-*,state.")
    .optional(),
  direction: z
    .enum(["to-server", "to-client", "inside"], { error: "It takes to-server, to-client or inside." })
    .describe("Lines of this direction only.")
    .optional(),
  measured: flag("Only lines that the network or the machine caused, or only those that it did not."),
  after: whole("Lines behind this number (seq) only.", 0),
  limit: whole(
    "At most so many of the lines that there are: the first behind `after`, or without it the last.",
    1,
  ),
  live: flag("Goes on with new lines, as server-sent events; so does accept: text/event-stream."),
});

export type JournalQuery = z.output<typeof journalQuery>;

export function isTrue(flag: JournalQuery["live"]): boolean {
  return flag === "1" || flag === "true";
}

export function matcher({
  session,
  kind,
  direction,
  measured,
}: JournalQuery): (line: JournalLine) => boolean {
  const kinds = kind
    ?.split(",")
    .filter((one) => one !== "")
    .map(pattern);
  return (line) =>
    (session === undefined || line.session === session) &&
    (direction === undefined || line.direction === direction) &&
    (measured === undefined || line.measured === isTrue(measured)) &&
    (kinds === undefined || kinds.some((one) => one.test(line.kind)));
}

/** The text was checked: it has no characters that mean something in a pattern but the star. */
function pattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/\*+/g, ".*")}$`);
}

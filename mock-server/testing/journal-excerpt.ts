/** The end of a journal as text for people: what a failed test prints. Knows lines, and nothing of what they mean. */
import type { JournalLine } from "../journal.ts";
import { tellLine } from "../journal-match.ts";

/** As many as a person reads before turning to the whole journal. */
const shownMax = 20;

/** Lines that networks and machines cause are left out: they are many, and say little of what an app did. */
export function journalExcerpt(lines: readonly JournalLine[]): string {
  const caused = lines.filter(({ measured }) => !measured);
  if (caused.length === 0) return "The journal has no line of this test.";
  const which =
    caused.length > shownMax
      ? `The last ${shownMax} of ${caused.length} lines of the journal:`
      : "The journal:";
  return [which, ...caused.slice(-shownMax).map(tellLine)].join("\n");
}

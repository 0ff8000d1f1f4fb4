import { expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { createJournal } from "../journal.ts";
import { journalExcerpt } from "./journal-excerpt.ts";

test("the last 20 lines, without those of networks and machines", () => {
  const journal = createJournal(manualClock());
  expect(journalExcerpt(journal.lines)).toBe("The journal has no line of this test.");
  for (let index = 1; index <= 20; index++) journal.add({ kind: `line-${index}` });
  journal.add({ kind: "shown", measured: true });
  expect(journalExcerpt(journal.lines)).toMatch(/^The journal:\n.* · line-1\n[\s\S]* · line-20$/);
  journal.add({ kind: "line-21" });
  expect(journalExcerpt(journal.lines)).toMatch(
    /^The last 20 of 21 lines of the journal:\n.* · line-2\n[\s\S]* · line-21$/,
  );
});

/** Takes the journal's server-sent events apart, as their text comes in pieces. */
import type { JournalLine } from "../../journal.ts";

type StreamItem = { readonly line: JournalLine } | { readonly remark: string };

/** What the server says besides lines, and means nobody. */
const silent = new Set(["here", "beat"]);

/** Call it with each piece; it returns what is complete, in order. */
export function createEventReader(): (text: string) => StreamItem[] {
  let rest = "";
  return (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop()!;
    return blocks.flatMap((block): StreamItem[] => {
      if (block.startsWith(": ")) {
        const remark = block.slice(2);
        return silent.has(remark) ? [] : [{ remark }];
      }
      const at = block.indexOf("data: ");
      return at < 0 ? [] : [{ line: JSON.parse(block.slice(at + "data: ".length)) }];
    });
  };
}

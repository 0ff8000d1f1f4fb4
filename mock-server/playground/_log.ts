/** The list of what happened, newest first; a screen reader is told each line once. */
import { element } from "./_element.ts";
import { sentenceOf } from "./sentence-of.ts";

const linesMax = 100;

type LogLine = { end(text: string, tone?: "good" | "bad"): void };

/** Adds a line; `end` says how it came out. */
export function note(text: string, tone?: "bad"): LogLine {
  const list = element("log");
  const time = Object.assign(document.createElement("time"), {
    textContent: new Date().toTimeString().slice(0, 8),
  });
  const what = Object.assign(document.createElement("span"), { textContent: text, className: tone ?? "" });
  const line = document.createElement("li");
  line.append(time, what);
  list.prepend(line);
  while (list.children.length > linesMax) list.lastElementChild!.remove();
  return {
    end(text, tone) {
      what.append(
        Object.assign(document.createElement("span"), { textContent: text, className: `end ${tone ?? ""}` }),
      );
    },
  };
}

/** Runs a call of the SDK and notes how long its ack took, or why it was refused. Resolves with that reason, or null. */
export async function noteCall(name: string, run: () => Promise<unknown>): Promise<string | null> {
  const startedMs = performance.now();
  const line = note(name);
  try {
    await run();
    line.end(`acked after ${Math.round(performance.now() - startedMs)} ms`, "good");
    return null;
  } catch (error) {
    const sentence = sentenceOf(error);
    line.end(sentence, "bad");
    return sentence;
  }
}

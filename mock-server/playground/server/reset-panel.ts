/** Gives the next test a clean server, once a person has said so twice. */
import { askServer } from "../_ask-server.ts";
import { build, button, complain, say } from "../_build.ts";
import { sentenceOf } from "../sentence-of.ts";

type Counts = {
  readonly sessions: number;
  readonly faults: number;
  readonly files: number;
  readonly tokens: number;
};

/** `didReset`: a person has done it. */
export function resetPanel(root: HTMLElement, didReset: () => void): void {
  const outcome = build("p", { class: "note", role: "status" });
  const refusal = build("p", { class: "refusal", role: "alert", hidden: true });
  const first = button("Reset…", () => askAgain(true), { "aria-expanded": "false" });
  const sure = button("Reset the server", reset, { class: "danger" });
  const question = build(
    "div",
    { class: "question", role: "group", "aria-labelledby": "reset-question" },
    build(
      "p",
      { id: "reset-question" },
      "Every session ends, those of other people too. Every fault heals; uploaded files and tokens are forgotten; scenarios are those of the scenario file again. Options, time and the journal stay.",
    ),
    build(
      "div",
      { class: "buttons" },
      sure,
      button("Leave it", () => askAgain(false)),
    ),
  );
  question.hidden = true;
  root.append(
    build(
      "p",
      { class: "note" },
      "For a clean start without a new one: sessions, faults, files and tokens go.",
    ),
    first,
    question,
    refusal,
    outcome,
  );
  question.addEventListener("keydown", ({ key }) => key === "Escape" && askAgain(false));

  function askAgain(isAsking: boolean): void {
    question.hidden = !isAsking;
    first.hidden = isAsking;
    first.setAttribute("aria-expanded", String(isAsking));
    (isAsking ? sure : first).focus();
    if (isAsking) say(outcome, "");
  }

  async function reset(): Promise<void> {
    try {
      const { sessions, faults, files, tokens } = await askServer<Counts>("/_lucy/reset", { method: "POST" });
      complain(refusal, "");
      didReset();
      askAgain(false);
      say(
        outcome,
        `It is reset: ${counted(sessions, "session")} ended, ${counted(faults, "fault")} healed, ${counted(files, "file")} and ${counted(tokens, "token")} forgotten.`,
      );
    } catch (error) {
      complain(refusal, sentenceOf(error));
    }
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The server's clock: where it is manual, a person lets time pass here. */
import { askServer } from "../_ask-server.ts";
import { build, button, complain, say } from "../_build.ts";
import { offered } from "../offered.ts";
import { sentenceOf } from "../sentence-of.ts";
import { timeInShort } from "./line-filter.ts";

type Clock = { readonly mode: "real" | "manual"; readonly nowMs: number; readonly date: string };

type ClockPanel = {
  /** `mode` of the server that answers now. */
  show(mode: Clock["mode"]): void;
};

const steps: readonly [text: string, ms: number][] = [
  ["+1 s", 1000],
  ["+1 min", 60_000],
  ["+1 h", 3_600_000],
];

/** `advanced`: a person has let so much time pass. */
export function clockPanel(root: HTMLElement, advanced: (ms: number) => void): ClockPanel {
  const now = build("p", { role: "status" });
  const refusal = build("p", { class: "refusal", role: "alert", hidden: true });
  const ms = build("input", { type: "number", min: 0, step: "any", value: 100, inputmode: "decimal" });
  const form = build(
    "form",
    { class: "clock-form", novalidate: true, "aria-label": "Let time pass" },
    build("label", { class: "field" }, build("span", { class: "label" }, "Milliseconds"), ms),
    build("button", { type: "submit" }, "Advance"),
    ...steps.map(([text, ms]) => button(text, () => advance(ms))),
  );
  const startManual = build("code");
  offered.then(
    ({ startCommand }) => startManual.append(`${startCommand} --clock manual`),
    // The page says so elsewhere.
    () => startManual.append("--clock manual"),
  );
  const real = build(
    "p",
    { class: "note" },
    "It runs by itself. To let time pass by hand, start the server with ",
    startManual,
    ".",
  );
  root.append(now, form, refusal, real);
  form.hidden = true;
  real.hidden = true;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (ms.value === "") return complain(refusal, "How many milliseconds? Write a number, 0 or more.");
    advance(Number(ms.value));
  });

  async function advance(ms: number): Promise<void> {
    try {
      const clock = await askServer<Clock>("/_lucy/clock/advance", { method: "POST", body: { ms } });
      complain(refusal, "");
      tell(clock);
      advanced(ms);
    } catch (error) {
      complain(refusal, sentenceOf(error));
    }
  }

  function tell({ nowMs, date }: Clock): void {
    say(now, `It stands at ${timeInShort(nowMs)} s, ${date.replace("T", " ").replace(/\.\d+Z$/, " UTC")}.`);
  }

  return {
    show(mode) {
      form.hidden = mode === "real";
      real.hidden = mode === "manual";
      now.hidden = mode === "real";
      // Others may advance it, too.
      if (mode === "manual") askServer<Clock>("/_lucy/clock").then(tell, () => {});
    },
  };
}

/** The part of the page that shows what is alive on the whole server. Puts its panels together, and hands each what it needs. */
import { element } from "../_element.ts";
import type { Deed } from "../deeds.ts";
import type { watchHealth } from "../health.ts";
import { clockPanel } from "./clock-panel.ts";
import { faultsPanel } from "./faults-panel.ts";
import { journalPanel } from "./journal-panel.ts";
import { resetPanel } from "./reset-panel.ts";
import { createMarks } from "./session-mark.ts";
import { sessionsPanel } from "./sessions-panel.ts";

type ShowServerAbout = {
  /** A person has done something here. */
  did(deed: Deed): void;
  /** The session of this page's own client. */
  ownSession(): string | null;
  /** Calls with what the server tells each second: no panel asks for it again. */
  readonly watch: typeof watchHealth;
};

/** Starts with the first answer of the server, and goes on with each. */
export function showServer({ did, ownSession, watch }: ShowServerAbout): void {
  const marks = createMarks();
  const faults = faultsPanel(element("server-faults"), { marks, did });
  const sessions = sessionsPanel(element("server-sessions"), {
    marks,
    narrowJournal: (session) => journal.narrowTo(session),
    aimFaults: (session) => faults.aimAt(session),
    didEnd: (session) => did({ kind: "end-session", session }),
  });
  const journal = journalPanel(element("server-journal"), {
    marks,
    lines(lines) {
      faults.lines(lines);
      for (const { session, kind, fields } of lines) {
        if (kind === "session-ended" && session !== null) sessions.ended(session, String(fields.reason));
      }
    },
  });
  const clock = clockPanel(element("server-clock"), (ms) => did({ kind: "advance", ms }));
  resetPanel(element("server-reset"), () => did({ kind: "reset" }));

  watch(({ health, sessions: live }) => {
    sessions.show(live, ownSession(), health.uptimeMs);
    faults.show(live.map(({ id }) => id));
    clock.show(health.options.clock);
  });
}

/** Every session of the server, whoever began it: what it is, how it runs, and what can be done to it. */
import { askServer } from "../_ask-server.ts";
import { build, button, complain, say } from "../_build.ts";
import type { DescribedSession } from "../readout.ts";
import { sentenceOf } from "../sentence-of.ts";
import { createPlot, type Plot, rounded } from "./plot.ts";
import { type Counted, createFigureLog, type FigureLog } from "./session-figures.ts";
import { type Marks, shortOf } from "./session-mark.ts";

/** How long one that is over can still be read. */
const goodbyeMs = 4000;

type SessionsPanel = {
  /** `own`: the page's; `nowMs`: the server's time. */
  show(sessions: readonly DescribedSession[], own: string | null, nowMs: number): void;
  /** Why one ended; it may still be among those that are told next. */
  ended(session: string, reason: string): void;
};

type SessionsPanelAbout = {
  readonly marks: Marks;
  narrowJournal(session: string): void;
  aimFaults(session: string): void;
  /** A person has ended it. */
  didEnd(session: string): void;
};

type Card = {
  readonly element: HTMLElement;
  readonly figures: FigureLog;
  show(session: DescribedSession, isOwn: boolean, nowMs: number): void;
  end(why: string): void;
};

export function sessionsPanel(root: HTMLElement, about: SessionsPanelAbout): SessionsPanel {
  const cards = new Map<string, Card>();
  const reasons = new Map<string, string>();
  const list = build("ul", { class: "sessions" });
  const counted = build("p", { class: "note" }, "The server has not said yet.");
  root.append(counted, list);

  function end(id: string, card: Card): void {
    if (card.element.classList.contains("ended")) return;
    card.end(reasons.get(id) ?? "");
    setTimeout(() => {
      const isIn = card.element.contains(document.activeElement);
      const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
      card.element.remove();
      cards.delete(id);
      reasons.delete(id);
      if (isIn) (next?.querySelector("button") ?? root.querySelector<HTMLElement>("h3"))?.focus();
      count();
    }, goodbyeMs);
  }

  function count(): void {
    const live = [...cards.values()].filter(({ element }) => !element.classList.contains("ended")).length;
    say(
      counted,
      live > 0
        ? `${live} ${live === 1 ? "session runs" : "sessions run"}.`
        : "Nobody is connected. Press Connect above, or point your own code at this server: its address stands at the top of the page.",
    );
  }

  return {
    show(sessions, own, nowMs) {
      const live = new Set(sessions.map(({ id }) => id));
      for (const session of sessions) {
        let card = cards.get(session.id);
        if (!card) {
          card = createCard(session.id, about);
          cards.set(session.id, card);
          list.append(card.element);
        }
        card.show(session, session.id === own, nowMs);
      }
      for (const [id, card] of cards) if (!live.has(id)) end(id, card);
      count();
    },
    ended(session, reason) {
      const card = cards.get(session);
      if (!card) return;
      reasons.set(session, reason);
      end(session, card);
      count();
    },
  };
}

function createCard(id: string, { marks, narrowJournal, aimFaults, didEnd }: SessionsPanelAbout): Card {
  const figures = createFigureLog();
  const ownBadge = build("span", { class: "badge", hidden: true }, "this page");
  const phase = build("span", { class: "badge" });
  const kind = build("p", { class: "note" });
  const facts = { prompt: build("dd"), image: build("dd"), codec: build("dd"), viewers: build("dd") };
  const fps = createPlot({ title: "Pictures", unit: "fps", least: 10 });
  const latency = createPlot({ title: "In the server", unit: "ms", least: 10 });
  const refusal = build("p", { class: "refusal", role: "alert", hidden: true });
  const named = (text: string) => ({ "aria-label": `${text}: session ${shortOf(id)}` });
  const journalButton = button("Journal", () => narrowJournal(id), named("Journal"));
  const endButton = button("End", endIt, named("End"));
  const aimButton = button("Aim faults", () => aimFaults(id), named("Aim faults"));
  const plots = build("div", { class: "plots", hidden: true }, fps.element, latency.element);
  let isOver = false;
  const element = build(
    "li",
    { class: "session", "aria-label": `Session ${shortOf(id)}` },
    build("h4", {}, marks.of(id), ownBadge, phase),
    kind,
    build(
      "dl",
      {},
      ...Object.entries(facts).map(([name, fact]) => build("div", {}, build("dt", {}, name), fact)),
    ),
    plots,
    build("div", { class: "buttons" }, journalButton, aimButton, endButton),
    refusal,
  );
  element.dataset.session = id;

  async function endIt(): Promise<void> {
    if (isOver) return;
    didEnd(id);
    try {
      await askServer(`/_lucy/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
      complain(refusal, "");
    } catch (error) {
      complain(refusal, sentenceOf(error));
    }
  }

  return {
    element,
    figures,
    show(session, isOwn, nowMs) {
      if (isOver) return;
      const { model, dialect, seconds, viewerCount, state, media } = session;
      ownBadge.hidden = !isOwn;
      say(phase, session.phase);
      say(kind, `${dialect ?? "no dialect yet"} · ${model} · ${seconds} s`);
      kind.title = id;
      say(facts.prompt, state.prompt === null ? "none" : `“${state.prompt}”`);
      facts.prompt.title = state.prompt ?? "";
      const { image } = state;
      say(facts.image, image ? `${image.width}×${image.height} ${image.mime.replace("image/", "")}` : "none");
      say(facts.codec, media ? media.codec.toUpperCase() : "none");
      say(facts.viewers, String(viewerCount));
      if (media) plots.hidden = false;
      figures.add(nowMs, media as Counted | null);
      plotFigures(figures, fps, latency, nowMs);
    },
    end(why) {
      isOver = true;
      const hadFocus = [endButton, aimButton].includes(document.activeElement as HTMLButtonElement);
      element.classList.add("ended");
      say(phase, why === "" ? "ended" : `ended: ${why}`);
      if (hadFocus) journalButton.focus();
      for (const gone of [endButton, aimButton]) gone.hidden = true;
    },
  };
}

function plotFigures({ points }: FigureLog, fps: Plot, latency: Plot, nowMs: number): void {
  const newest = points.at(-1);
  const line = (name: "fps" | "p50Ms" | "p99Ms") =>
    points.map(({ atMs, [name]: value }) => ({ atMs, value }));
  fps.show([line("fps")], nowMs, newest?.fps == null ? "not known" : `${rounded(newest.fps)} fps`);
  latency.show(
    [line("p50Ms"), line("p99Ms")],
    nowMs,
    newest?.p50Ms == null
      ? "not known"
      : `p50 ${rounded(newest.p50Ms)}, p99 ${rounded(newest.p99Ms ?? 0)} ms`,
  );
}

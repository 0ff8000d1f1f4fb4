/**
 * The journal as a timeline, newest at the bottom. It holds some thousand lines and shows those that are wanted; the rest stays with the
 * server. Lines come in bursts, so the list is not written to with each.
 */
import type { Direction, JournalLine } from "../../journal.ts";
import { build, button, complain, say } from "../_build.ts";
import { followJournal, type StreamState } from "./follow-journal.ts";
import { fieldsInShort, type LineFilter, timeInShort, wantedLines } from "./line-filter.ts";
import { type Marks, shortOf } from "./session-mark.ts";

const shownMax = 2000;
const heldMax = 10_000;
/** Sessions to choose from; who wants an older one writes its id into the text. */
const sessionsMax = 100;
const drawMsMin = 100;
const blockLines = 100;
/** As many pixels from the end as a hand does not mean. */
const endSlack = 12;

const ways: Record<Direction, { arrow: string; words: string }> = {
  "to-server": { arrow: "→", words: "to the server" },
  "to-client": { arrow: "←", words: "to the client" },
  inside: { arrow: "·", words: "inside the server" },
};

type JournalPanel = {
  /** Shows this session's lines only, and moves the focus there. */
  narrowTo(session: string): void;
};

type JournalPanelAbout = {
  readonly marks: Marks;
  /** Each line once, whether it is shown or not. */
  lines(lines: readonly JournalLine[]): void;
};

export function journalPanel(root: HTMLElement, { marks, lines: tell }: JournalPanelAbout): JournalPanel {
  let held: JournalLine[] = [];
  /** As they stand in the list. */
  let shown: JournalLine[] = [];
  /** Wanted, and not yet in the list: until it is drawn, or for as long as it is paused. */
  let waiting: JournalLine[] = [];
  let waitingCount = 0;
  let newestSeq = 0;
  /** Up to which lines were looked at for the list. */
  let drawnSeq = 0;
  let clearedSeq = 0;
  let paused = false;
  let follows = true;
  let scrolledTop = 0;
  let isDue = false;
  let drawnAtMs = 0;
  const kinds = new Map<string, { count: number; box: HTMLInputElement; shownCount: HTMLElement }>();
  const sessions = new Map<string, HTMLOptionElement>();

  const session = build(
    "select",
    { id: "journal-session" },
    new Option("All sessions", ""),
    new Option("The server itself", "none"),
  );
  const direction = build(
    "select",
    {},
    new Option("Every direction", ""),
    ...Object.entries(ways).map(([name, { arrow, words }]) => new Option(`${arrow} ${words}`, name)),
  );
  const text = build("input", { type: "search", placeholder: "Any words", autocomplete: "off" });
  const kindsTitle = build("summary", {}, "Kinds");
  const kindList = build("ul", { class: "kinds" });
  const kindBox = build(
    "details",
    { class: "kind-filter" },
    kindsTitle,
    build(
      "div",
      { class: "buttons" },
      button("All kinds", () => tickAll(true)),
      button("No kinds", () => tickAll(false)),
    ),
    kindList,
  );
  const pauseButton = button("Pause", () => setPaused(!paused));
  const followButton = button("Follow", () => setFollows(!follows), { "aria-pressed": "true" });
  const buttons = build(
    "div",
    { class: "buttons" },
    pauseButton,
    followButton,
    button("Clear", clear),
    button("Download", download, { title: "What is shown, as JSON Lines" }),
  );
  const stateText = build("span", { role: "status" });
  const againButton = button("Try now", () => follower.again());
  const broken = build("p", { class: "stream" }, stateText, againButton);
  // No li: a browser counts the items of a list anew with each that goes, which took two seconds for two thousand (measured).
  const list = build("div", { role: "list", class: "lines" });
  const empty = build("p", { class: "note nothing" });
  const scroller = build(
    "div",
    {
      class: "lines-scroller follows",
      tabindex: 0,
      role: "group",
      "aria-label": "Lines of the journal; arrow keys go from line to line, Enter opens one",
    },
    empty,
    list,
  );
  const counts = build("p", { class: "note line-counts" });
  root.append(
    build(
      "div",
      { class: "filters" },
      field("Session", session),
      field("Direction", direction),
      field("Search", text),
    ),
    kindBox,
    buttons,
    broken,
    scroller,
    counts,
  );

  kindBox.addEventListener("toggle", plan);
  for (const choice of [session, direction]) choice.addEventListener("change", redraw);
  text.addEventListener("input", redraw);
  scroller.addEventListener("scroll", () => {
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < endSlack;
    // A narrower window puts the end further away, and nobody has gone anywhere.
    const wentUp = scroller.scrollTop < scrolledTop;
    scrolledTop = scroller.scrollTop;
    // Who reads a line that is open is not pulled away from it.
    const isReading = list.querySelector("[aria-expanded=true]") !== null;
    if (follows ? wentUp && !isAtEnd : isAtEnd && !isReading) showFollows(!follows);
  });
  list.addEventListener("click", ({ target }) => {
    const head = (target as Element).closest<HTMLElement>("button.line");
    if (head) toggle(head);
  });
  scroller.addEventListener("keydown", walk);
  // In a narrow window a line is as high as two, and one that is open is higher than it was taken for out of sight.
  const keepEnd = new ResizeObserver(() => follows && toEnd());
  for (const resized of [scroller, list]) keepEnd.observe(resized);

  let stream: StreamState = { is: "open" };
  const follower = followJournal({
    pastMax: heldMax,
    lines: arrive,
    remark: (remark) => showState(`The server says: ${remark}.`, false),
    state(state) {
      stream = state;
      if (state.is === "broken") {
        showState(
          state.retryMs === null
            ? state.why
            : `${state.why} Trying again in ${state.retryMs / 1000} s; no line is lost.`,
          true,
        );
      } else showState(state.is === "hidden" ? "Nothing is read while nobody sees this page." : "", false);
      plan();
    },
  });
  plan();

  function wanted(): (line: JournalLine) => boolean {
    const filter: LineFilter = {
      session: session.value,
      direction: direction.value as LineFilter["direction"],
      hiddenKinds: new Set([...kinds].filter(([, { box }]) => !box.checked).map(([kind]) => kind)),
      text: text.value,
    };
    return wantedLines(filter);
  }

  function arrive(lines: readonly JournalLine[]): void {
    const isWanted = wanted();
    for (const line of lines) {
      // A server that has started anew counts from the first again.
      if (line.seq <= newestSeq) forget();
      newestSeq = line.seq;
      held.push(line);
      count(line);
      if (isWanted(line)) {
        waiting.push(line);
        waitingCount++;
      }
    }
    if (held.length > heldMax * 1.1) held = held.slice(-heldMax);
    // Of these, no more are ever shown.
    if (waiting.length > 2 * shownMax) waiting = waiting.slice(-shownMax);
    tell(lines);
    plan();
  }

  function forget(): void {
    held = [];
    waiting = [];
    waitingCount = 0;
    drawnSeq = 0;
    clearedSeq = 0;
    for (const kind of kinds.values()) kind.count = 0;
    replace([]);
  }

  function count({ kind, session: id }: JournalLine): void {
    const known = kinds.get(kind) ?? addKind(kind);
    known.count++;
    if (id !== null && !sessions.has(id)) addSession(id);
  }

  function addKind(kind: string) {
    const box = build("input", { type: "checkbox", checked: true });
    const shownCount = build("span", { class: "count" });
    const added = { count: 0, box, shownCount };
    box.addEventListener("change", redraw);
    kinds.set(kind, added);
    const item = build(
      "li",
      { class: "kind" },
      build("label", { class: "check" }, box, ` ${kind} `, shownCount),
    );
    const later = [...kindList.children].find((other) => kindOf(other) > kind);
    kindList.insertBefore(item, later ?? null);
    item.dataset.kind = kind;
    return added;
  }

  function addSession(id: string): void {
    const option = new Option(shortOf(id), id);
    option.title = id;
    sessions.set(id, option);
    session.append(option);
    if (sessions.size <= sessionsMax) return;
    const [oldest, gone] = [...sessions].find(([id]) => id !== session.value)!;
    sessions.delete(oldest);
    gone.remove();
  }

  /** Before a picture of the screen, ten times a second at most: each time, all that is in sight is painted anew. */
  function plan(): void {
    if (isDue) return;
    isDue = true;
    setTimeout(
      () =>
        requestAnimationFrame(() => {
          isDue = false;
          drawnAtMs = performance.now();
          draw();
        }),
      drawnAtMs + drawMsMin - performance.now(),
    );
  }

  function draw(): void {
    if (!paused) {
      append(waiting.slice(-shownMax));
      waiting = [];
      waitingCount = 0;
      drawnSeq = newestSeq;
    }
    say(pauseButton, !paused ? "Pause" : waitingCount === 0 ? "Go on" : `Go on: ${newLines(waitingCount)}`);
    const shownKinds = [...kinds.values()].filter(({ box }) => box.checked).length;
    say(
      kindsTitle,
      shownKinds === kinds.size ? `Kinds: all ${kinds.size}` : `Kinds: ${shownKinds} of ${kinds.size}`,
    );
    if (kindBox.open) for (const { count, shownCount } of kinds.values()) say(shownCount, String(count));
    say(
      counts,
      `${shown.length} shown of ${held.length} held. It shows the newest ${shownMax} that pass, of the newest ${heldMax} that came.`,
    );
    complain(
      empty,
      shown.length > 0
        ? ""
        : held.length === 0
          ? stream.is === "broken"
            ? "There are no lines yet."
            : "Waiting for the first line."
          : clearedSeq === newestSeq
            ? "Cleared. New lines come here."
            : "No line that is held passes these filters.",
    );
  }

  function append(lines: readonly JournalLine[]): void {
    if (lines.length === 0) return;
    put(lines);
    shown.push(...lines);
    const excess = shown.length - shownMax;
    if (excess > 0) {
      shown = shown.slice(excess);
      const leaving = items().slice(0, excess);
      // Who has gone there with the keyboard stays in the list.
      const isIn = leaving.some((row) => row.contains(document.activeElement));
      for (const row of leaving) take(row);
      if (isIn) list.querySelector<HTMLElement>("button.line")?.focus({ preventScroll: true });
    }
    if (follows) toEnd();
  }

  function redraw(): void {
    const isWanted = wanted();
    const passing = held.filter((line) => line.seq > clearedSeq && isWanted(line));
    waiting = passing.filter(({ seq }) => seq > drawnSeq);
    waitingCount = waiting.length;
    replace(passing.filter(({ seq }) => seq <= drawnSeq).slice(-shownMax));
    plan();
  }

  function replace(lines: readonly JournalLine[]): void {
    shown = [...lines];
    if (list.contains(document.activeElement)) scroller.focus();
    list.replaceChildren();
    put(lines);
    if (follows) toEnd();
  }

  /** In blocks, of which a browser passes over those that nobody sees: to ask each of two thousand lines took it as long again. */
  function put(lines: readonly JournalLine[]): void {
    for (const line of lines) {
      let block = list.lastElementChild as HTMLElement | null;
      if (!block || block.children.length === blockLines) {
        block = build("div", { role: "none", class: "line-block" });
        list.append(block);
      }
      block.append(row(line));
      sizeOf(block);
    }
  }

  function take(row: Element): void {
    const block = row.parentElement!;
    row.remove();
    if (block.children.length === 0) block.remove();
    else sizeOf(block);
  }

  function items(): Element[] {
    return [...list.querySelectorAll(".line-item")];
  }

  function row({ atMs, session, direction, kind, fields, measured }: JournalLine): HTMLElement {
    const { arrow, words } = ways[direction];
    const head = build(
      "button",
      { type: "button", class: "line", tabindex: -1, "aria-expanded": "false" },
      build("time", { class: "line-time" }, timeInShort(atMs)),
      marks.of(session),
      build("span", { class: "way", "aria-hidden": "true" }, arrow),
      build("span", { class: "sr" }, ` ${words} `),
      build("b", {}, kind),
      build("span", { class: "short" }, ` ${fieldsInShort(fields)}`),
    );
    return build("div", { role: "listitem", class: measured ? "line-item measured" : "line-item" }, head);
  }

  function toggle(head: HTMLElement): void {
    const item = head.parentElement!;
    const isOpen = head.getAttribute("aria-expanded") === "true";
    head.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) return item.querySelector("pre")?.remove();
    const line = shown[items().indexOf(item)]!;
    item.append(build("pre", {}, JSON.stringify(line, null, 1)));
    showFollows(false);
    item.scrollIntoView({ block: "nearest" });
  }

  /** Two thousand lines are one stop for the tab key. */
  function walk(event: KeyboardEvent): void {
    const rows = [...list.querySelectorAll<HTMLElement>("button.line")];
    const now = rows.indexOf(document.activeElement as HTMLElement);
    const next = {
      ArrowDown: now < 0 ? rows.length - 1 : Math.min(rows.length - 1, now + 1),
      ArrowUp: now < 0 ? rows.length - 1 : Math.max(0, now - 1),
      Home: 0,
      End: rows.length - 1,
    }[event.key];
    if (next === undefined || rows.length === 0) return;
    event.preventDefault();
    rows[next]!.focus();
  }

  function tickAll(isTicked: boolean): void {
    for (const { box } of kinds.values()) box.checked = isTicked;
    redraw();
  }

  function setPaused(isPaused: boolean): void {
    paused = isPaused;
    pauseButton.classList.toggle("on", paused);
    draw();
  }

  function setFollows(isFollowing: boolean): void {
    showFollows(isFollowing);
    if (follows) toEnd();
  }

  function showFollows(isFollowing: boolean): void {
    follows = isFollowing;
    followButton.setAttribute("aria-pressed", String(follows));
    scroller.classList.toggle("follows", follows);
  }

  function toEnd(): void {
    scroller.scrollTop = scroller.scrollHeight;
    scrolledTop = scroller.scrollTop;
  }

  function clear(): void {
    clearedSeq = newestSeq;
    waiting = [];
    waitingCount = 0;
    drawnSeq = newestSeq;
    replace([]);
    plan();
  }

  function download(): void {
    const lines = shown.map((line) => `${JSON.stringify(line)}\n`);
    const href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    build("a", { href, download: "journal.jsonl" }).click();
    URL.revokeObjectURL(href);
  }

  function showState(sentence: string, isBroken: boolean): void {
    say(stateText, sentence);
    broken.classList.toggle("bad", isBroken);
    // The focus would be lost with the button.
    if (!isBroken && againButton === document.activeElement) scroller.focus();
    againButton.hidden = !isBroken;
  }

  return {
    narrowTo(id) {
      if (!sessions.has(id)) addSession(id);
      session.value = id;
      redraw();
      session.focus();
    },
  };
}

/** How high it is where it is not laid out. */
function sizeOf(block: HTMLElement): void {
  block.style.setProperty("--lines", String(block.children.length));
}

function field(label: string, control: HTMLElement): HTMLElement {
  return build("label", { class: "field" }, build("span", { class: "label" }, label), control);
}

function kindOf(item: Element): string {
  return (item as HTMLElement).dataset.kind!;
}

function newLines(count: number): string {
  return count === 1 ? "1 new line" : `${count} new lines`;
}

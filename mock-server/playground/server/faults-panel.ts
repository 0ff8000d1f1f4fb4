/**
 * Every fault as a switch, for the whole server or one session, and a list of those that are on, whoever declared them. What is on is read
 * from the server each time, never remembered.
 */
import type { Declaration } from "../../faults/fault.ts";
import type { JournalLine } from "../../journal.ts";
import { askServer } from "../_ask-server.ts";
import { build, button, complain, say } from "../_build.ts";
import type { Deed } from "../deeds.ts";
import { sentenceOf } from "../sentence-of.ts";
import { inShort } from "./declaration-of.ts";
import { type CatalogueFault, type FaultCard, faultCard, firedInWords, type Moment } from "./fault-card.ts";
import { type Marks, shortOf } from "./session-mark.ts";

type Catalogue = { faults: CatalogueFault[]; moments: Moment[] };

type DeclaredFault = {
  readonly id: string;
  readonly session: string | null;
  readonly declaration: { readonly name: string } | string;
  readonly fired: number;
  readonly healed: boolean;
};

type FaultsPanel = {
  /** The sessions there are, and time to ask what is on. */
  show(sessions: readonly string[]): void;
  /** Faults are for this session from now on; moves the focus there. */
  aimAt(session: string): void;
  /** What connections brought along themselves stands in the journal only. */
  lines(lines: readonly JournalLine[]): void;
};

type FaultsPanelAbout = { readonly marks: Marks; did(deed: Deed): void };

/** What a connection's key declares is known by such an id in the journal, and the server's list does not have it. */
const keyId = /^key-\d+$/;

export function faultsPanel(root: HTMLElement, { marks, did }: FaultsPanelAbout): FaultsPanel {
  let declared: readonly DeclaredFault[] = [];
  let live: readonly string[] = [];
  const fromKeys = new Map<string, DeclaredFault[]>();
  const cards: FaultCard[] = [];
  const groups: { channel: string; fold: HTMLDetailsElement; title: HTMLElement; cards: FaultCard[] }[] = [];
  const rows = new Map<string, { element: HTMLElement; fired: HTMLElement }>();
  let newestSeq = 0;
  let isLoading = false;
  let asking: Promise<void> | null = null;

  const aim = build("select", { id: "faults-aim" }, new Option("All sessions, and those to come", ""));
  const search = build("input", {
    type: "search",
    placeholder: "Name, channel or words",
    autocomplete: "off",
  });
  const aimRefusal = build("p", { class: "refusal", role: "alert", hidden: true });
  const onTitle = build("h4", { tabindex: -1 }, "On now");
  const onList = build("ul", { class: "on-now" });
  const noneOn = build("p", { class: "note" }, "The server has not said yet.");
  const healAllButton = button("Heal all", healAll);
  const found = build("p", { class: "note", role: "status" });
  const groupList = build("div", { class: "fault-groups" });
  root.append(
    build("div", { class: "on-head" }, onTitle, healAllButton),
    noneOn,
    onList,
    aimRefusal,
    build(
      "div",
      { class: "filters" },
      build("label", { class: "field" }, build("span", { class: "label" }, "Aimed at"), aim),
      build("label", { class: "field" }, build("span", { class: "label" }, "Search faults"), search),
    ),
    found,
    groupList,
  );
  search.addEventListener("input", showFound);
  aim.addEventListener("change", showDeclared);

  async function load(): Promise<void> {
    if (isLoading || cards.length > 0) return;
    isLoading = true;
    try {
      const { faults, moments } = await askServer<Catalogue>("/_lucy/catalogue");
      for (const fault of faults) cards.push(faultCard(fault, { moments, turnOn, turnOff }));
      const channels = new Set(faults.map(({ places }) => places[0]!.channel));
      for (const channel of channels) {
        const own = cards.filter(({ fault }) => fault.places[0]!.channel === channel);
        const title = build("summary");
        const fold = build(
          "details",
          { class: "fault-group" },
          title,
          build("ul", {}, ...own.map(({ element }) => element)),
        );
        groups.push({ channel, fold, title, cards: own });
      }
      groups.sort((one, other) => other.cards.length - one.cards.length);
      groupList.append(...groups.map(({ fold }) => fold));
      showDeclared();
    } catch (error) {
      complain(aimRefusal, sentenceOf(error));
    } finally {
      isLoading = false;
    }
  }

  function showFound(): void {
    const sought = search.value.trim().toLowerCase();
    let count = 0;
    for (const { fold, cards } of groups) {
      let isIn = false;
      for (const { element, fault } of cards) {
        const text = `${fault.name} ${fault.places.map(({ channel }) => channel).join(" ")} ${fault.about}`;
        element.hidden = !text.toLowerCase().includes(sought);
        if (element.hidden) continue;
        isIn = true;
        count++;
      }
      fold.hidden = !isIn;
      if (sought !== "") fold.open = isIn;
    }
    say(
      found,
      sought === ""
        ? ""
        : count === 0
          ? `No fault has “${search.value.trim()}” in it. There are ${cards.length}; look by channel below, or clear the search.`
          : `${count} of ${cards.length} faults`,
    );
  }

  async function turnOn(card: FaultCard, declaration: Declaration): Promise<void> {
    const session = aim.value || null;
    try {
      const query = session === null ? "" : `?session=${encodeURIComponent(session)}`;
      const [added] = await askServer<{ id: string }[]>(`/_lucy/faults${query}`, {
        method: "POST",
        body: declaration,
      });
      card.refuse("");
      did({ kind: "fault", declaration, session, id: added!.id });
    } catch (error) {
      card.refuse(sentenceOf(error));
    }
    await ask();
  }

  async function turnOff(card: FaultCard): Promise<void> {
    for (const { id } of aimed(card)) await heal(id, card.refuse);
    await ask();
  }

  async function heal(id: string, refuse: (sentence: string) => void): Promise<void> {
    try {
      await askServer(`/_lucy/faults/${encodeURIComponent(id)}`, { method: "DELETE" });
      refuse("");
      did({ kind: "heal", id });
    } catch (error) {
      refuse(sentenceOf(error));
    }
  }

  async function healAll(): Promise<void> {
    try {
      await askServer("/_lucy/faults", { method: "DELETE" });
      complain(aimRefusal, "");
      did({ kind: "heal", id: null });
    } catch (error) {
      complain(aimRefusal, sentenceOf(error));
    }
    await ask();
  }

  /** Those of this fault that are on for whom the switches are aimed at. */
  function aimed({ fault }: FaultCard): DeclaredFault[] {
    return declared.filter(
      (one) => !one.healed && nameOf(one) === fault.name && (one.session ?? "") === aim.value,
    );
  }

  /** One at a time; who asks meanwhile gets what comes next. */
  function ask(): Promise<void> {
    asking = (asking ?? Promise.resolve()).then(async () => {
      try {
        declared = await askServer<DeclaredFault[]>("/_lucy/faults");
        showDeclared();
      } catch {
        // The page says so by itself.
      }
    });
    return asking;
  }

  function showDeclared(): void {
    const on = declared.filter(({ healed }) => !healed);
    for (const card of cards) {
      const all = on.filter((one) => nameOf(one) === card.fault.name);
      const firedCount = all.length === 0 ? null : all.reduce((sum, { fired }) => sum + fired, 0);
      card.show(aimed(card).length > 0, firedCount);
    }
    for (const { channel, title, cards } of groups) {
      const count = cards.filter(({ fault }) => on.some((one) => nameOf(one) === fault.name)).length;
      say(title, `${channel}: ${cards.length} faults${count > 0 ? `, ${count} on` : ""}`);
    }
    showOn([...on, ...live.flatMap((session) => fromKeys.get(session) ?? [])]);
  }

  function showOn(on: readonly DeclaredFault[]): void {
    const keys = new Set<string>();
    for (const one of on) {
      const key = `${one.session ?? ""}/${one.id}`;
      keys.add(key);
      let row = rows.get(key);
      if (!row) {
        row = onRow(one);
        rows.set(key, row);
        onList.append(row.element);
      }
      say(row.fired, keyId.test(one.id) && one.fired > 0 ? "fired" : firedInWords(one.fired));
    }
    for (const [key, { element }] of rows) {
      if (keys.has(key)) continue;
      const isIn = element.contains(document.activeElement);
      const next = (element.nextElementSibling ?? element.previousElementSibling)?.querySelector("button");
      element.remove();
      rows.delete(key);
      if (isIn) (next ?? onTitle).focus();
    }
    noneOn.hidden = on.length > 0;
    if (asking) say(noneOn, "No fault is on.");
  }

  function onRow(one: DeclaredFault): { element: HTMLElement; fired: HTMLElement } {
    const fired = build("span", { class: "fired" });
    const said = inShort(one.declaration);
    const isOfKey = keyId.test(one.id);
    const whose = one.session === null ? "all sessions" : `session ${shortOf(one.session)}`;
    const healed = button(
      "Heal",
      async () => {
        await heal(one.id, (sentence) => complain(aimRefusal, sentence));
        await ask();
      },
      { "aria-label": `Heal ${nameOf(one)} (${one.id}) of ${whose}` },
    );
    const element = build(
      "li",
      { class: "on-item" },
      build("b", {}, nameOf(one)),
      one.session === null ? build("span", { class: "mark" }, "all sessions") : marks.of(one.session),
      build("span", { class: "note said" }, said),
      fired,
      isOfKey ? build("span", { class: "note" }, "came with its key, and goes with it") : healed,
    );
    element.dataset.fault = one.id;
    return { element, fired };
  }

  function showAims(): void {
    const known = new Set([...aim.options].map(({ value }) => value));
    for (const id of live) if (!known.has(id)) aim.append(new Option(`Session ${shortOf(id)} only`, id));
    for (const option of [...aim.options].slice(1)) {
      const isLive = live.includes(option.value);
      // Aiming at all in its place would be a surprise.
      if (!isLive && option.selected) say(option, `Session ${shortOf(option.value)}, which has ended`);
      else if (!isLive) option.remove();
    }
  }

  return {
    show(sessions) {
      live = sessions;
      showAims();
      load();
      ask();
    },
    aimAt(session) {
      if (!live.includes(session)) live = [...live, session];
      showAims();
      aim.value = session;
      showDeclared();
      aim.focus();
    },
    lines(lines) {
      for (const { seq, session, kind, fields } of lines) {
        // Another server, whose sessions may have the names of those before.
        if (seq <= newestSeq) fromKeys.clear();
        newestSeq = seq;
        if (session === null) continue;
        if (kind === "faults") {
          const all = fields.declared as ({ id: string } & Declaration)[];
          // "nothing" is how a test marks its own clients.
          const brought = all.filter(({ id, name }) => keyId.test(id) && name !== "nothing");
          if (brought.length === 0) continue;
          fromKeys.set(
            session,
            brought.map(({ id, ...declaration }) => ({ id, session, declaration, fired: 0, healed: false })),
          );
        }
        if (kind === "session-ended") fromKeys.delete(session);
        if (kind === "fault-fired" && fromKeys.has(session)) {
          const seen = fromKeys.get(session)!;
          fromKeys.set(
            session,
            seen.map((one) => (one.id === fields.fault ? { ...one, fired: one.fired + 1 } : one)),
          );
        }
      }
    },
  };
}

function nameOf({ declaration }: DeclaredFault): string {
  return typeof declaration === "string" ? declaration : declaration.name;
}

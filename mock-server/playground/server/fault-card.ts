/** One fault of the catalogue as a switch, with its settings and its envelope as a form. Speaks to no server. */
import type { CatalogueEntry } from "../../faults/catalogue.ts";
import type { Declaration } from "../../faults/fault.ts";
import { build, complain, say } from "../_build.ts";
import { declarationOf, type Envelope, plainEnvelope, refusedField } from "./declaration-of.ts";
import { type SettingField, type SettingSchema, settingField, settingOf } from "./setting-field.ts";

type Place = CatalogueEntry["places"][number];

/** As it comes over HTTP: settings are JSON Schema. */
export type CatalogueFault = Omit<CatalogueEntry, "settings"> & {
  readonly settings: { readonly properties?: Readonly<Record<string, SettingSchema>> };
};

export type Moment = {
  readonly name: string;
  readonly about: string;
  readonly ordinal: "protocol" | "count";
};

export type FaultCard = {
  readonly element: HTMLElement;
  readonly fault: CatalogueFault;
  /** `firedCount`: of those that are on; `null` where none is. */
  show(isOn: boolean, firedCount: number | null): void;
  /** At the field that it is about, or below the switch; empty: there is none. */
  refuse(sentence: string): void;
};

type FaultCardAbout = {
  readonly moments: readonly Moment[];
  /** With what the form holds. */
  turnOn(card: FaultCard, declaration: Declaration): Promise<void>;
  turnOff(card: FaultCard): Promise<void>;
};

const needed: Record<string, string> = {
  transcode: "It needs --mode transcode.",
  pictures: "It does not work with --mode none.",
};

export function faultCard(fault: CatalogueFault, { moments, turnOn, turnOff }: FaultCardAbout): FaultCard {
  const { name, about, places, needs } = fault;
  const id = `fault-${name}`;
  const fields = Object.entries(fault.settings.properties ?? {}).map(([name, schema]) =>
    settingField(name, schema),
  );
  const controls = new Map<string, HTMLInputElement | HTMLSelectElement>();
  let isOn = false;

  const toggle = build("button", {
    type: "button",
    role: "switch",
    "aria-checked": "false",
    "aria-labelledby": `${id}-name`,
    "aria-describedby": `${id}-about`,
  });
  const fired = build("span", { class: "fired" });
  const refusal = build("p", { class: "refusal", role: "alert", hidden: true });
  const form = build("form", { novalidate: true, "aria-label": `Settings of ${name}` });
  const submit = build("button", { type: "submit", class: "sr", tabindex: -1, "aria-hidden": "true" }, "On");
  const envelopeFold = build("details", {}, build("summary", {}, "When, where, how often"));
  if (fields.length > 0) {
    const names = fields.map(({ label }) => label).join(", ");
    form.append(
      lazily(
        build("details", {}, build("summary", {}, "Settings ", build("small", {}, names))),
        fillSettings,
      ),
    );
  }
  form.append(lazily(envelopeFold, fillEnvelope), submit);
  const element = build(
    "li",
    { class: "fault" },
    toggle,
    build(
      "div",
      {},
      build(
        "p",
        { class: "fault-name" },
        build("b", { id: `${id}-name` }, name),
        build("span", { class: "note" }, places.map(({ channel }) => channel).join(", ")),
        fired,
      ),
      build(
        "p",
        { class: "note", id: `${id}-about` },
        needs === null ? about : `${about} ${needed[needs] ?? ""}`,
      ),
      refusal,
      form,
    ),
  );
  element.dataset.fault = name;

  const card: FaultCard = {
    element,
    fault,
    show(nowOn, firedCount) {
      isOn = nowOn;
      toggle.setAttribute("aria-checked", String(isOn));
      element.classList.toggle("is-on", isOn);
      say(fired, firedCount === null ? "" : firedInWords(firedCount));
    },
    refuse(sentence) {
      for (const control of controls.values()) control.removeAttribute("aria-invalid");
      for (const shown of form.querySelectorAll<HTMLElement>(".refusal")) complain(shown, "");
      const key = refusedField(sentence);
      const control =
        key === null ? undefined : (controls.get(key) ?? controls.get(key.replace(/\.\w+$/, "")));
      complain(refusal, control ? "" : sentence);
      if (!control) return;
      control.setAttribute("aria-invalid", "true");
      complain(complaintOf(control.name), sentence);
      control.closest("details")!.open = true;
      control.focus();
    },
  };

  let isAsking = false;
  toggle.addEventListener("click", flip);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isOn) flip();
  });
  return card;

  /** A second click before the server has answered the first would declare it twice. */
  async function flip(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    await (isOn ? turnOff(card) : declare());
    isAsking = false;
  }

  function complaintOf(key: string): HTMLElement {
    return element.querySelector<HTMLElement>(`#${CSS.escape(complaintId(key))}`)!;
  }

  function complaintId(key: string): string {
    return `${id}-${key.replaceAll(".", "-")}-refused`;
  }

  async function declare(): Promise<void> {
    const unread = [...controls.values()].find(({ validity }) => validity.badInput);
    if (unread) return card.refuse(`Fault ${name}: "${unread.name}" is no number. It takes digits.`);
    await turnOn(card, declarationOf(name, settings(), envelope()));
  }

  function settings(): Record<string, unknown> {
    const given = fields.flatMap((field) => {
      const control = controls.get(`with.${field.name}`);
      // Nobody has looked at it.
      if (!control) return [];
      const isBox = control instanceof HTMLInputElement && control.type === "checkbox";
      const value = settingOf(field, isBox ? control.checked : control.value);
      return value === undefined ? [] : [[field.name, value]];
    });
    return Object.fromEntries(given);
  }

  function envelope(): Envelope {
    const value = (key: string) => controls.get(key)?.value ?? "";
    return {
      ...plainEnvelope,
      channel: value("channel") === places[0]!.channel ? "" : value("channel"),
      direction: value("direction"),
      only: value("only"),
      at: value("when.at"),
      atNumber: value("when.at.number"),
      after: value("when.after"),
      afterUnit: value("when.after.unit"),
      for: value("when.for"),
      forUnit: value("when.for.unit"),
      times: value("when.times"),
      chance: value("when.chance"),
      firstConnection: value("when.connections.first"),
      lastConnection: value("when.connections"),
    };
  }

  function fillSettings(fold: HTMLElement): void {
    fold.append(build("div", { class: "fields" }, ...fields.map(settingRow)));
  }

  function settingRow(field: SettingField): HTMLElement {
    const { takes, min, max, lengthMax, isWhole, choices } = field;
    const usual = field.default;
    const control =
      takes === "choice"
        ? build(
            "select",
            {},
            ...choices.map(
              (choice) => new Option(String(choice), String(choice), choice === usual, choice === usual),
            ),
          )
        : takes === "yes-or-no"
          ? build("input", { type: "checkbox", checked: usual === true })
          : takes === "number"
            ? numberInput({ min, max, step: isWhole ? 1 : "any", value: usual as number | undefined })
            : build("input", { type: "text", maxlength: lengthMax ?? null, value: String(usual ?? "") });
    const bounds = field.range === "" ? "" : `${field.range}${field.unit && ` ${field.unit}`}. `;
    return row(`with.${field.name}`, field.label, control, `${bounds}${field.about}`, field.unit);
  }

  function fillEnvelope(fold: HTMLElement): void {
    const fieldset = build("div", { class: "fields" });
    fold.append(fieldset);
    if (places.length > 1) {
      const channel = choice(places.map(({ channel }) => [channel, channel] as const));
      channel.addEventListener("change", () => fitPlace());
      fieldset.append(row("channel", "channel", channel, "Where it spoils something."));
    }
    const direction = build("select");
    const directionRow = row("direction", "direction", direction, "Which way what it spoils goes.");
    const only = build("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    const onlyRow = row("only", "only", only, "");
    const at = choice([["", ""], ...moments.map(({ name }) => [name, name] as const)]);
    const atNumber = numberInput({ min: 1, step: 1 });
    const atRow = row("when.at", "from", at, "");
    const atNumberRow = row("when.at.number", "moment number", atNumber, "");
    const afterUnit = build("select");
    const forUnit = build("select");
    const after = row("when.after", "after", numberInput({ min: 1, step: 1 }), "So much passes first.");
    const lasts = row("when.for", "for", numberInput({ min: 1, step: 1 }), "Then it heals by itself.");
    measure(after, "when.after.unit", afterUnit);
    measure(lasts, "when.for.unit", forUnit);
    const chance = numberInput({ min: 0, max: 1, step: "any" });
    const firstConnection = numberInput({ min: 1, step: 1 });
    const lastConnection = numberInput({ min: 1, step: 1 });
    fieldset.append(
      directionRow,
      onlyRow,
      atRow,
      atNumberRow,
      after,
      lasts,
      row("when.times", "times", numberInput({ min: 1, step: 1 }), timesAbout()),
      row("when.chance", "chance", chance, "Above 0, up to 1: 0.1 is one in ten. Seeded."),
      row(
        "when.connections.first",
        "first connection",
        firstConnection,
        "Counted from when it is turned on.",
      ),
      row("when.connections", "last connection", lastConnection, "Alone: so many from the first."),
    );
    at.addEventListener("change", aboutMoment);
    fitPlace();

    function timesAbout(): string {
      return fault.times === null ? "Then it sleeps." : `${fault.times} unless you say more. Then it sleeps.`;
    }

    function place(): Place {
      const channel = controls.get("channel")?.value;
      return places.find((place) => place.channel === channel) ?? places[0]!;
    }

    /** What another channel has otherwise. What was chosen stays where it can. */
    function fitPlace(): void {
      const { channel, directions, kinds, also, at: usual, units } = place();
      const ways = directions.length > 1 ? [...directions, "both"] : directions;
      // The first is what it is anyway.
      setChoices(
        direction,
        ways.map((way, index) => [index === 0 ? "" : way, way] as const),
      );
      directionRow.hidden = ways.length < 2;
      if (directionRow.hidden) direction.value = "";
      const others = also.length > 0 ? ` but ${also.join(", ")}` : "";
      aboutOf(
        onlyRow,
        kinds === null
          ? `Kinds of items, with commas between; empty: all${others}.`
          : `Of ${[...kinds, ...also].join(", ")}; with commas between.`,
      );
      for (const unit of [afterUnit, forUnit])
        setChoices(
          unit,
          units.map((unit) => [unit, unit] as const),
        );
      const usualFor = Object.entries(fault.for ?? {})[0];
      aboutOf(
        lasts,
        usualFor
          ? `Then it heals by itself; ${usualFor[1]} ${usualFor[0]} unless you say more.`
          : "Then it heals by itself.",
      );
      at.options[0]!.text = usual === null ? "the beginning" : `${usual}, as usual`;
      const hasMoments = channel !== "http";
      for (const row of [atRow, atNumberRow]) row.hidden = !hasMoments;
      if (!hasMoments) at.value = "";
      aboutMoment();
    }

    function aboutMoment(): void {
      const moment = moments.find(({ name }) => name === at.value);
      aboutOf(atRow, moment?.about ?? "A moment of the session's life.");
      atNumberRow.hidden = !moment;
      if (!moment) atNumber.value = "";
      else
        aboutOf(
          atNumberRow,
          moment.ordinal === "protocol" ? "The protocol's own number." : "Empty: the first time it comes.",
        );
    }
  }

  /** Puts the choice of a unit behind a row's number. */
  function measure(row: HTMLElement, key: string, unit: HTMLSelectElement): void {
    const number = row.querySelector("input")!;
    unit.setAttribute("aria-label", `unit of ${row.querySelector("label")!.textContent}`);
    unit.name = key;
    controls.set(key, unit);
    const both = build("div", { class: "amount" });
    number.replaceWith(both);
    both.append(number, unit);
  }

  /** A label, the control, what it takes, and a place for what the server says of it. */
  function row(
    key: string,
    label: string,
    control: HTMLInputElement | HTMLSelectElement,
    about: string,
    unit = "",
  ): HTMLElement {
    const controlId = `${id}-${key.replaceAll(".", "-")}`;
    control.id = controlId;
    control.name = key;
    control.setAttribute("aria-describedby", `${controlId}-about ${complaintId(key)}`);
    controls.set(key, control);
    return build(
      "div",
      { class: "setting" },
      build("label", { for: controlId }, label, unit === "" ? null : build("small", {}, ` ${unit}`)),
      control,
      build("p", { class: "note", id: `${controlId}-about` }, about),
      build("p", { class: "refusal", id: complaintId(key), role: "alert", hidden: true }),
    );
  }
}

/** Sixty forms that nobody has opened are not made. */
function lazily(fold: HTMLDetailsElement, fill: (fold: HTMLElement) => void): HTMLDetailsElement {
  fold.addEventListener("toggle", () => fold.open && fold.children.length === 1 && fill(fold));
  return fold;
}

function aboutOf(row: HTMLElement, text: string): void {
  say(row.querySelector(".note")!, text);
}

function numberInput(bounds: {
  min?: number | undefined;
  max?: number | undefined;
  step: number | "any";
  value?: number | undefined;
}): HTMLInputElement {
  const { min = null, max = null, step, value = null } = bounds;
  return build("input", { type: "number", min, max, step, value, inputmode: "decimal" });
}

type Choice = readonly [value: string, text: string];

function choice(choices: readonly Choice[]): HTMLSelectElement {
  const select = build("select");
  setChoices(select, choices);
  return select;
}

function setChoices(select: HTMLSelectElement, choices: readonly Choice[]): void {
  const { value } = select;
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  if (choices.some(([kept]) => kept === value)) select.value = value;
}

export function firedInWords(count: number): string {
  return count === 0 ? "has not fired" : count === 1 ? "fired once" : `fired ${count} times`;
}

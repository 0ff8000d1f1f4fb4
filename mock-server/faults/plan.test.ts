import { describe, expect, test } from "vitest";
import { z } from "zod";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { declareFaults } from "./declare.ts";
import {
  type ControlItem,
  type ControlLine,
  type Declaration,
  defineFault,
  type Fault,
  type Item,
} from "./fault.ts";
import { createPlan } from "./plan.ts";

/** Marks what it gets, and strikes lines with its mark. */
const mark = defineFault({
  name: "mark",
  about: "Marks items.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"] },
    { channel: "media", directions: ["to-client", "to-server"] },
  ],
  settings: z.strictObject({ with: z.string().default("!"), spare: z.string().default("") }),
  open: ({ with: text, spare }) => ({
    take(item, next) {
      next({ ...item, kind: item.kind } as never);
      if (item.kind === spare) return false;
      (item as unknown as { marks: string[] }).marks.push(text);
    },
  }),
});

/** Gives out what it holds once something has gone by. */
const behind = defineFault({
  name: "behind",
  about: "Puts items behind the next.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  times: 1,
  open() {
    const held: (() => void)[] = [];
    return {
      take: (item, next) => held.push(() => next(item)),
      passed() {
        for (const give of held.splice(0)) give();
      },
    };
  },
});

/** Holds everything back. */
const hold = defineFault({
  name: "hold",
  about: "Holds items.",
  places: [{ channel: "control", directions: ["to-client", "to-server"], also: ["close"] }],
  settings: z.strictObject({}),
  open() {
    const held: (() => void)[] = [];
    return {
      take: (item, next) => held.push(() => next(item)),
      heal() {
        for (const give of held) give();
      },
    };
  },
});

const strike = defineFault({
  name: "strike",
  about: "Strikes the line.",
  places: [{ channel: "control", at: "connected" }],
  settings: z.strictObject({}),
  open: () => ({ strike: (line: ControlLine) => line.drop() }),
});

/** Strikes the lines with each item. */
const through = defineFault({
  name: "through",
  about: "Strikes lines with items.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: () => ({
    take(_item, _next, lines) {
      for (const line of lines) line.drop();
    },
  }),
});

const broken = defineFault({
  name: "broken",
  about: "Throws.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: () => ({
    take() {
      throw new Error("a defect");
    },
  }),
});

/** Lets an item on, and throws. */
const brokenBehind = defineFault({
  name: "broken-behind",
  about: "Throws too late.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: () => ({
    take(item, next) {
      next(item);
      throw new Error("a defect");
    },
  }),
});

/** Lets items on later. */
const late = defineFault({
  name: "late",
  about: "Items come late.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: (_settings, { clock }) => ({
    take: (item, next) => clock.after(10, () => next(item)),
  }),
});

const many = defineFault({
  name: "many",
  about: "Copies items.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: () => ({
    take(item, next) {
      for (let n = 0; n < 21; n++) next(item);
    },
  }),
});

/** Says that it holds too much. */
const full = defineFault({
  name: "full",
  about: "Holds too much.",
  places: [{ channel: "control" }],
  settings: z.strictObject({}),
  open: (_settings, { note }) => ({
    take: () => note("fault-overflow", { itemsMax: 1 }),
  }),
});

const faults = [
  mark,
  hold,
  behind,
  strike,
  through,
  broken,
  brokenBehind,
  late,
  many,
  full,
] as unknown as Fault[];

function setUp(...declarations: Declaration[]) {
  const clock = manualClock();
  const noted: { kind: string; fields: Record<string, unknown> }[] = [];
  const firedNames: string[] = [];
  const plan = createPlan({
    clock,
    dice: createDice(7),
    fired: (name, id) => firedNames.push(`${id} ${name}`),
    note: (kind, fields) => void noted.push({ kind, fields }),
  });
  let n = 0;
  plan.add(declareFaults(declarations, { faults, mode: "transcode", nextId: () => `f${++n}` }));
  const out: string[] = [];
  /** Sends an item of this kind; tells how often it was marked. */
  function send(kind: string, some: Partial<Item> = {}, channel: "control" | "media" = "control"): number {
    const marks: string[] = [];
    const item = { direction: "to-client", kind, message: {}, marks, byteLength: () => 10, ...some };
    plan.pass(channel, item as unknown as ControlItem, (given) => out.push(given.kind));
    return marks.length;
  }
  const many = (count: number, ...about: [kind?: string, some?: Partial<Item>, channel?: "media"]) =>
    Array.from({ length: count }, () => send(about[0] ?? "a", about[1], about[2])).join("");
  return { plan, clock, noted, firedNames, out, send, many };
}

describe("the envelope", () => {
  test.each<[name: string, when: Declaration["when"], expected: string]>([
    ["nothing: all", undefined, "11111111"],
    ["after", { after: { messages: 3 } }, "00011111"],
    ["for", { for: { messages: 3 } }, "11100000"],
    ["after and for", { after: { messages: 2 }, for: { messages: 3 } }, "00111000"],
    ["times", { times: 2 }, "11000000"],
    ["bytes, 10 each", { after: { bytes: 25 } }, "00011111"],
    ["bytes, for", { for: { bytes: 25 } }, "11100000"],
  ])("%s", (_name, when, expected) => {
    expect(setUp({ name: "mark", when }).many(8)).toBe(expected);
  });

  test("frames are counted by their ends", () => {
    const { send } = setUp({ name: "mark", channel: "media", when: { after: { frames: 2 } } });
    const ends = [false, true, true, false, true];
    expect(ends.map((endsFrame) => send("video", { endsFrame }, "media")).join("")).toBe("00011");
  });

  test.each([
    ["encoded", "sound", undefined],
    ["video", "audio", false],
  ])("frames of %s are counted for %s as well, which has none", (pictures, sound, endsFrame) => {
    const when = { after: { frames: 2 }, for: { frames: 1 } };
    const { send } = setUp({ name: "mark", channel: "media", only: [pictures, sound], when });
    const say = () =>
      send(sound, { stream: "sound", ...(endsFrame !== undefined && { endsFrame }) }, "media");
    const show = () => send(pictures, { endsFrame: true }, "media");
    expect([say(), show(), say(), show(), say(), say(), show(), say()].join("")).toBe("00001110");
  });

  test("streams are counted apart", () => {
    const { many } = setUp({ name: "mark", channel: "media", when: { after: { packets: 2 } } });
    expect(many(3, "video", { stream: "1" }, "media")).toBe("001");
    expect(many(3, "video", { stream: "2" }, "media")).toBe("001");
  });

  test("a moment", () => {
    const { plan, send } = setUp({ name: "mark", when: { at: "ack-queued:2", times: 1 } });
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      plan.reach("ack-queued");
      seen.push(send("prompt_ack"));
    }
    expect(seen.join("")).toBe("0100");
  });

  test("milliseconds, after the moment", () => {
    const { plan, clock, many } = setUp({
      name: "mark",
      when: { at: "connected", after: { ms: 100 }, for: { ms: 50 } },
    });
    const seen = [many(1)];
    plan.reach("connected");
    for (const ms of [99, 1, 49, 1]) {
      clock.advance(ms);
      seen.push(many(1));
    }
    expect(seen.join("")).toBe("00110");
  });

  test("chance is thrown for each, with the same dice each time", () => {
    const declaration = { name: "mark", when: { chance: 0.5 } };
    const first = setUp(declaration).many(64);
    expect(first).toBe(setUp(declaration).many(64));
    expect(first.replaceAll("0", "").length).toBeGreaterThan(20);
    expect(first.replaceAll("1", "").length).toBeGreaterThan(20);
  });

  test("a stream's dice depend on its name, or on its number among those of its kind, never on who came first", () => {
    const declaration = {
      name: "mark",
      channel: "media",
      only: ["video", "audio", "sound"],
      when: { chance: 0.5 },
    } as const;
    const streams = [
      ["video", "4294901244"],
      ["audio", "17"],
      ["sound", "sound"],
    ] as const;
    const thrown = (order: readonly (readonly [string, string])[]) => {
      const { many } = setUp(declaration);
      return Object.fromEntries(order.map(([kind, stream]) => [kind, many(64, kind, { stream }, "media")]));
    };
    const inOrder = thrown(streams);
    expect(thrown(streams.toReversed())).toEqual(inOrder);
    expect(thrown([["video", "5"]])).toEqual({ video: inOrder.video });
    expect(new Set(Object.values(inOrder)).size).toBe(3);
  });

  test.each<[name: string, some: Partial<Declaration>, kind: string, item: Partial<Item>, marks: number]>([
    ["another direction", {}, "a", { direction: "to-server" }, 0],
    ["the direction asked for", { direction: "to-server" }, "a", { direction: "to-server" }, 1],
    ["both", { direction: "both" }, "a", { direction: "to-server" }, 1],
    ["only another kind", { only: "b" }, "a", {}, 0],
    ["only this kind", { only: ["b", "a"] }, "a", {}, 1],
    ["a close is not meant", {}, "close", {}, 0],
    ["unless named", { only: "close" }, "close", {}, 1],
    ["nor an upgrade", {}, "upgrade", {}, 0],
  ])("%s", (_name, some, kind, item, marks) => {
    expect(setUp({ name: "mark", ...some }).send(kind, item)).toBe(marks);
  });
});

describe("several on one channel", () => {
  test("each gets what the one before lets on, and what is held comes out in order when healed", () => {
    const { plan, send, out } = setUp({ name: "hold" }, { name: "mark" });
    send("a");
    send("close");
    expect(out).toEqual([]);
    expect(plan.heal("f1")).toBe(true);
    send("b");
    expect(out).toEqual(["a", "close", "b"]);
    expect(plan.heal("f9")).toBe(false);
  });

  test("one that throws is a defect of ours: the item goes on", () => {
    const { send, out, noted } = setUp({ name: "broken" }, { name: "mark" });
    expect(send("a")).toBe(1);
    expect(out).toEqual(["a"]);
    expect(noted.find(({ kind }) => kind === "defect")?.fields.error).toContain("a defect");
  });

  test("one that throws once it has let an item on delivers it once", () => {
    const { send, out, noted } = setUp({ name: "broken-behind" });
    send("a");
    expect(out).toEqual(["a"]);
    expect(noted.map(({ kind }) => kind)).toEqual(["defect"]);
  });

  describe("what throws behind a fault", () => {
    const fail = () => {
      throw new Error("behind");
    };
    const item = { direction: "to-client", kind: "a", message: {} } as ControlItem;

    test("is a defect where only a timer would hear of it", () => {
      const { plan, clock, noted } = setUp({ name: "late" });
      plan.pass("control", item, fail);
      expect(() => clock.advance(10)).not.toThrow();
      expect(noted.find(({ kind }) => kind === "defect")?.fields.error).toContain("behind");
    });

    test("is a defect where only who heals would hear of it, and what else is held comes out", () => {
      const { plan, send, out, noted } = setUp({ name: "hold" });
      plan.pass("control", item, fail);
      send("b");
      plan.heal("f1");
      expect(out).toEqual(["b"]);
      expect(noted.at(-1)).toMatchObject({ kind: "defect", fields: { fault: "f1" } });
    });

    test.each(["mark", "nothing of ours"])("reaches the sender meanwhile, once: %s", (only) => {
      const { plan, noted } = setUp({ name: "many", only: [only, "a"] });
      let count = 0;
      const failing = () => {
        count++;
        fail();
      };
      expect(() => plan.pass("control", item, failing)).toThrow("behind");
      expect([count, noted.filter(({ kind }) => kind === "defect")]).toEqual([21, []]);
    });
  });

  test("copies of copies end at a thousand, and the journal says once whose they are", () => {
    const four = Array.from({ length: 4 }, () => ({ name: "many" }));
    const { send, out, noted } = setUp(...four);
    send("a");
    expect(out).toHaveLength(1000);
    send("a");
    expect(out).toHaveLength(2000);
    const fields = { fault: "f4", name: "many", channel: "control", copiesMax: 1000 };
    expect(noted.filter(({ kind }) => kind === "fault-overflow")).toEqual([
      { kind: "fault-overflow", fields },
    ]);
  });

  test("copies are bounded where none comes through", () => {
    const { send, firedNames } = setUp(...Array(4).fill({ name: "many" }), { name: "hold" });
    send("a");
    expect(firedNames.filter((name) => name === "f5 hold")).toHaveLength(1000);
  });

  test("a gate that holds too much is named", () => {
    const { send, noted } = setUp({ name: "full" });
    send("a");
    expect(noted[0]).toEqual({
      kind: "fault-overflow",
      fields: { fault: "f1", name: "full", channel: "control", itemsMax: 1 },
    });
  });

  test.each<[name: string, declaration: Declaration, isIdle: boolean]>([
    ["has nothing more to do", { name: "mark", when: { times: 2 } }, true],
    ["holds something", { name: "hold", when: { times: 2 } }, false],
    ["waits for what passes", { name: "behind", when: { times: 2 } }, false],
    ["ends by a count", { name: "mark", when: { times: 2, for: { messages: 9 } } }, false],
    ["ends by a clock", { name: "mark", when: { times: 2, for: { ms: 9 } } }, true],
  ])("one that fired as often as it may, and %s", (_name, declaration, isIdle) => {
    const { plan, clock, many, noted } = setUp(declaration);
    many(1);
    expect(plan.isIdle("control")).toBe(false);
    many(declaration.name === "behind" ? 3 : 1);
    expect(plan.isIdle("control")).toBe(isIdle);
    expect(plan.faults[0]).toMatchObject({ fired: 2, healed: false });
    many(9);
    clock.advance(9);
    const heals = declaration.when!.for !== undefined;
    expect(noted.some(({ kind }) => kind === "fault-healed")).toBe(heals);
  });

  test("`for` releases with its last item, not with the one after", () => {
    const { many, out } = setUp({ name: "hold", when: { for: { messages: 3 } } });
    many(2);
    expect(out).toEqual([]);
    many(1);
    expect(out).toEqual(["a", "a", "a"]);
  });

  test("what waits for an item to go by comes after it, past the gates that follow", () => {
    const { send, out } = setUp({ name: "behind" }, { name: "mark" });
    expect([send("a"), send("b"), send("c")]).toEqual([0, 1, 1]);
    expect(out).toEqual(["b", "a", "c"]);
  });

  test("after the end nothing comes out any more", () => {
    const { plan, send, out } = setUp({ name: "hold" });
    send("a");
    plan.end();
    plan.heal("f1");
    expect(out).toEqual([]);
    expect(plan.isIdle("control")).toBe(true);
  });
});

describe("strikes", () => {
  const line = () => {
    const drops: string[] = [];
    return { drops, line: { drop: () => drops.push("drop") } as unknown as ControlLine };
  };

  test("at its moment, once", () => {
    const { plan } = setUp({ name: "strike" });
    const { drops, line: control } = line();
    plan.attach("control", control);
    expect(drops).toEqual([]);
    plan.reach("connected");
    plan.reach("connected");
    expect(drops).toEqual(["drop"]);
  });

  test("as often as it is told, each time the moment comes", () => {
    const { plan } = setUp({ name: "strike", when: { at: "tick", times: 2 } });
    const { drops, line: control } = line();
    plan.attach("control", control);
    for (let n = 1; n < 5; n++) plan.reach("tick", n);
    expect(drops).toHaveLength(2);
  });

  test("a line that is not there yet is struck when it comes", () => {
    const { plan } = setUp({ name: "strike", when: { at: "upgrade" } });
    const { drops, line: control } = line();
    plan.reach("upgrade");
    plan.attach("control", control);
    expect(drops).toEqual(["drop"]);
  });

  test.each<[name: string, when: Declaration["when"], expected: number]>([
    ["its own moment: at once", undefined, 1],
    ["a moment that the declaration names: when it comes again", { at: "connected" }, 0],
  ])("one added after %s", (_name, when, expected) => {
    const { plan } = setUp();
    const { drops, line: control } = line();
    plan.attach("control", control);
    plan.reach("connected");
    plan.add(declareFaults({ name: "strike", when }, { faults, mode: "transcode" }));
    expect(drops).toHaveLength(expected);
    plan.reach("connected");
    expect(drops).toHaveLength(1);
  });

  test("what takes items gets the lines that stand, of its channel only", () => {
    const { plan, send } = setUp({ name: "through" });
    const { drops, line: control } = line();
    send("a");
    plan.attach("media", control as never);
    const detach = plan.attach("control", control);
    send("a");
    detach();
    send("a");
    expect(drops).toEqual(["drop"]);
  });

  test("is gone once it has struck as often as it may", () => {
    const { plan } = setUp({ name: "strike", when: { at: "tick", times: 2 } });
    plan.attach("control", line().line);
    plan.reach("tick", 1);
    expect(plan.isIdle("control")).toBe(false);
    plan.reach("tick", 2);
    expect(plan.isIdle("control")).toBe(true);
  });

  test.each([
    ["a line that stands", true],
    ["a line that is still to come", false],
  ])("chance is thrown once for each strike, with the same dice: %s", (_name, stands) => {
    const struck = (id: string) => {
      const { plan } = setUp();
      const { drops, line: control } = line();
      if (stands) plan.attach("control", control);
      const declaration = { name: "strike", when: { at: "upgrade", chance: 0.5 } };
      plan.add(declareFaults(declaration, { faults, mode: "transcode", nextId: () => id }));
      plan.reach("upgrade");
      if (!stands) plan.attach("control", control);
      expect(drops).toHaveLength(plan.faults[0]!.fired);
      return drops.length;
    };
    const all = () => Array.from({ length: 64 }, (_, n) => struck(`f${n}`)).join("");
    const first = all();
    expect(all()).toBe(first);
    expect(first.replaceAll("0", "").length).toBeGreaterThan(20);
    expect(first.replaceAll("1", "").length).toBeGreaterThan(20);
  });

  test("chance is thrown again each time its moment comes", () => {
    const { plan } = setUp({ name: "strike", when: { at: "tick", times: 100, chance: 0.5 } });
    const { drops, line: control } = line();
    plan.attach("control", control);
    for (let n = 1; n <= 64; n++) plan.reach("tick", n);
    expect(drops.length).toBeGreaterThan(20);
    expect(drops.length).toBeLessThan(44);
  });

  test.each<[name: string, when: Declaration["when"], items: number]>([
    ["from its moment on", { for: { messages: 3 } }, 3],
    ["from its count on", { after: { messages: 2 }, for: { messages: 3 } }, 5],
    ["not by strikes", { at: "connected", times: 9, for: { messages: 3 } }, 3],
  ])("heals after so many messages: %s", (_name, when, items) => {
    const { plan, send } = setUp({ name: "strike", when });
    plan.attach("control", line().line);
    send("a");
    plan.reach("connected");
    plan.reach("connected");
    for (let n = 1; n <= items; n++) {
      expect(plan.faults[0]!.healed).toBe(false);
      send("a", { stream: `${n % 2}` });
    }
    expect(plan.faults[0]!.healed).toBe(true);
  });

  test("heals so long after it first woke, however often it strikes", () => {
    const { plan, clock, noted } = setUp({
      name: "strike",
      when: { at: "tick", times: 3, for: { ms: 100 } },
    });
    const { drops, line: control } = line();
    plan.attach("control", control);
    for (const n of [1, 2, 3]) {
      plan.reach("tick", n);
      clock.advance(60);
    }
    expect(drops).toHaveLength(2);
    expect(noted.filter(({ kind }) => kind === "fault-healed")).toHaveLength(1);
  });

  test("the last of so many messages is out before it strikes", () => {
    const { plan, send, out } = setUp({ name: "strike", when: { at: "open", after: { messages: 2 } } });
    plan.attach("control", { drop: () => out.push("drop") } as unknown as ControlLine);
    plan.reach("open");
    for (const kind of ["a", "b", "c"]) send(kind);
    expect(out).toEqual(["a", "b", "drop", "c"]);
  });

  test("after so many messages", () => {
    const { plan, many } = setUp({ name: "strike", when: { at: "open", after: { messages: 3 } } });
    const { drops, line: control } = line();
    plan.attach("control", control);
    many(5);
    expect(drops).toEqual([]);
    plan.reach("open");
    many(2);
    expect(drops).toEqual([]);
    many(1);
    expect(drops).toEqual(["drop"]);
  });
});

test("the journal is told what fired, what healed and, at the end, what never did", () => {
  const { plan, many, noted } = setUp({ name: "mark", when: { times: 2 } }, { name: "hold", only: "never" });
  many(3);
  plan.heal("f2");
  plan.end();
  plan.end();
  expect(noted).toEqual([
    { kind: "fault-fired", fields: { fault: "f1", name: "mark", channel: "control", on: "a" } },
    { kind: "fault-fired", fields: { fault: "f1", name: "mark", channel: "control", on: "a", time: 2 } },
    { kind: "fault-healed", fields: { fault: "f2", name: "hold", channel: "control", why: "asked" } },
    { kind: "faults-ended", fields: { fired: ["f1 mark"], neverFired: ["f2 hold"] } },
  ]);
});

test("each time counts, where the journal tells of the first ones only", () => {
  const { many, noted, firedNames } = setUp({ name: "mark", channel: "media" });
  many(300, "video", { stream: "1" }, "media");
  expect(noted.filter(({ kind }) => kind === "fault-fired")).toHaveLength(1);
  expect(firedNames).toEqual(Array(300).fill("f1 mark"));
});

test("an item that was let be does not count", () => {
  const { plan, send } = setUp({ name: "mark", when: { times: 1 }, with: { spare: "a" } });
  send("a");
  expect(plan.faults[0]!.fired).toBe(0);
  send("b");
  expect(plan.faults[0]!.fired).toBe(1);
});

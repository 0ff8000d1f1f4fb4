import { describe, expect, test } from "vitest";
import { manualClock } from "./clock.ts";
import { createJournal, type Journal, type JournalLine } from "./journal.ts";
import {
  createMatcher,
  filterLines,
  type LineFilter,
  type LineWanted,
  matches,
  parseFilter,
  tellLine,
  toJsonLine,
} from "./journal-match.ts";

const line: JournalLine = {
  seq: 7,
  atMs: 1234.6,
  session: "0123456789abcdef",
  direction: "to-client",
  kind: "prompt_ack",
  fields: {
    prompt: "a cat",
    success: true,
    error: null,
    nested: { list: [1, { two: 2, three: 3 }], text: "x" },
  },
  measured: false,
};

describe("a line", () => {
  test.each<[string, LineWanted, boolean]>([
    ["anything", {}, true],
    ["its kind", { kind: "prompt_ack" }, true],
    ["another kind", { kind: "prompt" }, false],
    ["a pattern of its kind", { kind: /_ack$/ }, true],
    ["a pattern that remembers where it was", { kind: /_ack/g }, true],
    ["its session", { session: "0123456789abcdef" }, true],
    ["no session", { session: null }, false],
    ["a pattern of its session", { session: /^0123/ }, true],
    ["its direction", { direction: "to-client" }, true],
    ["another direction", { direction: "inside" }, false],
    ["some of its fields", { fields: { success: true } }, true],
    ["null", { fields: { error: null } }, true],
    ["null for what is not", { fields: { other: null } }, false],
    ["what must not be there", { fields: { other: undefined } }, true],
    ["what must not be there, and is", { fields: { error: undefined } }, false],
    ["a field of another type", { fields: { success: "true" } }, false],
    ["a pattern of a text", { fields: { prompt: /^a / } }, true],
    ["a pattern for what is no text", { fields: { success: /true/ } }, false],
    ["fields within fields", { fields: { nested: { text: "x" } } }, true],
    ["a list, with some fields of an item", { fields: { nested: { list: [1, { two: 2 }] } } }, true],
    ["part of a list", { fields: { nested: { list: [1] } } }, false],
    ["an object for a list", { fields: { nested: { list: { 0: 1 } } } }, false],
    ["a list for an object", { fields: { nested: [] } }, false],
    ["what every object has", { fields: { toString: Object.prototype.toString } }, false],
    ["kind and fields, of which one is wrong", { kind: "prompt_ack", fields: { prompt: "a dog" } }, false],
    ["a function", ({ seq }) => seq === 7, true],
    ["a function that says no", () => false, false],
  ])("is or is not %s", (_name, wanted, expected) => {
    // Twice: it has no memory.
    expect([matches(line, wanted), matches(line, wanted)]).toEqual([expected, expected]);
  });

  test.each<[unknown, string]>([
    [
      { type: "prompt_ack" },
      '"type" is none of them. What a message carries goes into fields: { fields: { type: … } }.',
    ],
    [{ kind: 3 }, "kind is 3; it takes a text or a RegExp"],
    [{ kind: null }, "kind is null; it takes a text or a RegExp"],
    [{ session: 3 }, "session is 3; it takes an id, a RegExp, or null"],
    [{ direction: "out" }, 'direction is "out"; it takes to-server, to-client, inside'],
    [{ fields: [1] }, "fields is [1]; it takes an object"],
    [{ fields: null }, "fields is null; it takes an object"],
    ["prompt_ack", 'not by "prompt_ack". Write { kind: "prompt_ack" }, say.'],
    [/prompt/, "not by /prompt/"],
    [null, "not by null"],
    [undefined, "not by undefined"],
  ])("cannot be described by %o", (wanted, sentence) => {
    expect(() => matches(line, wanted as LineWanted)).toThrow(sentence);
  });

  test("is told in one line, and written as one", () => {
    expect(tellLine(line)).toMatch(/^ {4}1\.235 {2}01234567 {2}← prompt_ack \{"prompt":"a cat",/);
    expect(
      tellLine({ ...line, session: null, direction: "inside", kind: "server-stopped", fields: {} }),
    ).toBe("    1.235  server    · server-stopped");
    const long = tellLine({
      ...line,
      session: "\n\u001b[2Jxxx",
      kind: "a\nb\u001b[2J",
      fields: { text: "x".repeat(1000) },
    });
    expect(long).toHaveLength(9 + 2 + 8 + 2 + 2 + 161);
    expect(long).not.toMatch(/\p{Cc}/u);
    expect(toJsonLine(line).split("\n")).toEqual([JSON.stringify(line), ""]);
    expect(JSON.parse(toJsonLine({ ...line, kind: "a\nb" }))).toEqual({ ...line, kind: "a\nb" });
  });
});

describe("waiting", () => {
  function begin() {
    const machine = manualClock();
    const plain = createJournal(machine);
    const readers = new Set<object>();
    const journal: Journal = {
      ...plain,
      get lines() {
        return plain.lines;
      },
      follow(read) {
        const stop = plain.follow(read);
        readers.add(stop);
        return () => {
          readers.delete(stop);
          stop();
        };
      },
    };
    return { machine, journal, readers, matcher: createMatcher(journal, machine, () => "Seed 42.") };
  }

  test("lines that are there already count, and so do those that come", async () => {
    const { machine, journal, readers, matcher } = begin();
    journal.add({ kind: "tick", fields: { seconds: 1 } });
    journal.add({ kind: "tick", fields: { seconds: 2 } });
    const tick = { kind: "tick" };
    expect((await matcher.match(tick)).seq).toBe(1);
    expect((await matcher.match(tick, { count: 2 })).seq).toBe(2);
    const fourth = matcher.match(tick, { count: 4 });
    journal.add({ kind: "tick", fields: { seconds: 3 } });
    journal.add({ kind: "other" });
    expect(machine.pendingCount).toBe(1);
    journal.add({ kind: "tick", fields: { seconds: 4 } });
    expect((await fourth).seq).toBe(5);
    // The matcher itself listens for the server's end.
    expect([machine.pendingCount, readers.size]).toEqual([0, 1]);
    matcher.close();
    expect(readers.size).toBe(0);
  });

  test("a time-out tells what was waited for, how many came, what happened instead, and the seed", async () => {
    const { machine, journal, readers, matcher } = begin();
    for (let seconds = 1; seconds <= 15; seconds++) {
      journal.add({ session: "one", direction: "to-client", kind: "tick", fields: { seconds } });
      journal.add({ session: "other", kind: "noise" });
    }
    const wanted = {
      kind: /^tick$/,
      session: "one",
      direction: "to-client",
      fields: { seconds: /1/ },
    } as const;
    const failed = expect(
      matcher.match({ ...wanted, fields: { seconds: 3 } }, { count: 3, withinMs: 100 }),
    ).rejects.toThrow(
      [
        'Waited for a line of kind /^tick$/ to-client of session one with {"seconds":3}, 3 times: 1 came within 100 ms. The last 12 of 15 lines of session one:',
        ...Array.from({ length: 12 }, (_, i) => `    0.000  one       ← tick {"seconds":${i + 4}}`),
        "Seed 42.",
      ].join("\n"),
    );
    machine.advance(99);
    expect(machine.pendingCount).toBe(1);
    machine.advance(1);
    await failed;
    expect([machine.pendingCount, readers.size]).toEqual([0, 1]);
  });

  test.each<[string, LineWanted, string]>([
    [
      "a function",
      ({ kind }) => kind === "never",
      'a line for which ({ kind }) => kind === "never" holds: none came within 5000 ms. All 2 lines:\n',
    ],
    [
      "no session",
      { session: null },
      "a line of no session: none came within 5000 ms. There is no line of no session.\nSeed",
    ],
    [
      "a session that is not there",
      { session: /^z/ },
      "a line of session /^z/: none came within 5000 ms. There is no line of session /^z/.\nSeed",
    ],
    ["fields", { fields: { text: /a\nb/ } }, 'a line with {"text":"/a'],
    [
      "a kind that is nearly one",
      { kind: "sceond" },
      "a line of kind sceond: none came within 5000 ms. Did you mean second? All 2 lines:\n",
    ],
    [
      "a kind that is nearly one of another session",
      { kind: "Second", session: "a" },
      "none came within 5000 ms. Did you mean second? All 1 lines of session a:\n",
    ],
    ["a kind that there is", { kind: "second", session: "a" }, "within 5000 ms. All 1 lines of"],
    ["a kind like none", { kind: "prompt_ack" }, "within 5000 ms. All 2 lines"],
  ])("a time-out of %s", async (_name, wanted, sentence) => {
    const { machine, journal, matcher } = begin();
    journal.add({ session: "a", kind: "first" });
    journal.add({ session: "b", kind: "second" });
    const waiting = expect(matcher.match(wanted)).rejects.toThrow(sentence);
    machine.advance(5000);
    await waiting;
  });

  test("the server closing ends it at once, told or seen in the journal; what is there is still found", async () => {
    for (const how of ["told", "seen"]) {
      const { machine, journal, matcher } = begin();
      journal.add({ kind: "there" });
      const waiting = expect(matcher.match({ kind: "never" })).rejects.toThrow(
        "none came before the server closed. All ",
      );
      const last = matcher.match({ kind: "server-stopped" }).catch(() => null);
      if (how === "told") matcher.close();
      else journal.add({ kind: "server-stopped" });
      await waiting;
      expect((await last)?.kind).toBe(how === "seen" ? "server-stopped" : undefined);
      expect(machine.pendingCount).toBe(0);
      expect((await matcher.match({ kind: "there" })).seq).toBe(1);
      await expect(matcher.match({ kind: "never" })).rejects.toThrow("before the server closed");
      expect(machine.pendingCount).toBe(0);
    }
  });

  test("a function that throws is its caller's failure, not the journal's", async () => {
    const { machine, journal, matcher } = begin();
    const waiting = expect(
      matcher.match(() => {
        throw new Error("thrown");
      }),
    ).rejects.toThrow("thrown");
    const other = matcher.match({ kind: "line" });
    expect(() => journal.add({ kind: "line" })).not.toThrow();
    await waiting;
    expect((await other).kind).toBe("line");
    expect(machine.pendingCount).toBe(0);
  });

  test.each<[object, string]>([
    [{ withinMs: -1 }, "withinMs is -1; it takes 0 to 2147483647 ms."],
    [{ withinMs: Number.NaN }, "withinMs is NaN"],
    [{ withinMs: 2 ** 31 }, "withinMs is 2147483648"],
    [{ count: 0 }, "count is 0; it takes a whole number from 1"],
    [{ count: 1.5 }, "count is 1.5"],
    [{ timeoutMs: 5 }, 'match() takes withinMs and count beside the pattern, not "timeoutMs".'],
  ])("refuses %o", async (options, sentence) => {
    const { machine, matcher } = begin();
    await expect(matcher.match({}, options)).rejects.toThrow(sentence);
    await expect(matcher.match({ typ: "x" } as never)).rejects.toThrow('"typ" is none of them');
    expect(machine.pendingCount).toBe(0);
  });

  test("so many may wait at once", async () => {
    const { matcher } = begin();
    const waiting = Array.from({ length: 1000 }, () => matcher.match({}).catch(() => "gave up"));
    await expect(matcher.match({})).rejects.toThrow("1000 wait for lines already");
    matcher.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["gave up"]));
  });
});

describe("filters", () => {
  const machine = manualClock();
  const journal = createJournal(machine);
  journal.add({ kind: "server-started" });
  journal.add({ session: "a", direction: "to-server", kind: "prompt" });
  journal.add({ session: "a", kind: "fault-fired" });
  journal.add({ session: "b", kind: "fault-healed" });
  journal.add({ session: "a", kind: "shown", measured: true });
  journal.add({ session: "a", direction: "to-client", kind: "prompt_ack" });

  test.each<[string, LineFilter, number[]]>([
    ["", {}, [1, 2, 3, 4, 5, 6]],
    ["session=a", { session: "a" }, [2, 3, 5, 6]],
    ["session=none", { session: null }, [1]],
    ["kind=prompt", { kind: ["prompt"] }, [2]],
    ["kind=prompt*", { kind: ["prompt*"] }, [2, 6]],
    ["kind=fault-*,prompt", { kind: ["fault-*", "prompt"] }, [2, 3, 4]],
    ["kind=fault-*&kind=shown", { kind: ["fault-*", "shown"] }, [3, 4, 5]],
    ["kind=*ed", { kind: ["*ed"] }, [1, 3, 4]],
    ["kind=*", { kind: ["*"] }, [1, 2, 3, 4, 5, 6]],
    ["direction=inside", { direction: "inside" }, [1, 3, 4, 5]],
    ["measured=true", { measured: true }, [5]],
    ["measured=false", { measured: false }, [1, 2, 3, 4, 6]],
    ["after=4", { afterSeq: 4 }, [5, 6]],
    ["limit=2", { limit: 2 }, [5, 6]],
    ["limit=99", { limit: 99 }, [1, 2, 3, 4, 5, 6]],
    [
      "session=a&measured=false&after=2&limit=1",
      { session: "a", measured: false, afterSeq: 2, limit: 1 },
      [6],
    ],
  ])("?%s", (query, filter, expected) => {
    expect(parseFilter(new URLSearchParams(query))).toEqual({ ok: true, filter });
    expect(filterLines(journal.lines, filter).map(({ seq }) => seq)).toEqual(expected);
  });

  test.each<[string, string]>([
    [
      "type=prompt",
      'The journal is filtered by session, kind, direction, measured, after, limit; "type" is none of them.',
    ],
    ["session=", 'session is ""; it takes an id of a session'],
    ["session=a&session=b", "session comes twice. Give it once."],
    ["session=../x", 'session is "../x"'],
    ["kind=", 'kind has ""; it takes kinds of lines, separated by commas'],
    ["kind=a**b", 'kind has "a**b"'],
    ["kind=*a*", 'kind has "*a*"'],
    [`kind=${"a".repeat(65)}`, 'kind has "aaa'],
    [`kind=${"a,".repeat(20)}a`, "21 kinds are asked for; at most 20 are taken."],
    ["direction=out", 'direction is "out"; it takes to-server, to-client, inside.'],
    ["measured=1", 'measured is "1"; it takes true'],
    ["after=-1", 'after is "-1"; it takes the seq of a line'],
    ["after=1e3", 'after is "1e3"'],
    ["after=9007199254740993", 'after is "9007199254740993"'],
    ["limit=0", 'limit is "0"; it takes a whole number of lines from 1 to 100000.'],
    ["limit=100001", 'limit is "100001"'],
  ])("refuses ?%s", (query, sentence) => {
    expect(parseFilter(new URLSearchParams(query))).toEqual({
      ok: false,
      error: expect.stringContaining(sentence),
    });
  });
});

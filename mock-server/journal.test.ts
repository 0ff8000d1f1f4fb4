import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { manualClock } from "./clock.ts";
import { createJournal, type JournalLine, redact } from "./journal.ts";

function journalAt(ms: number, linesMax?: number) {
  const clock = manualClock();
  clock.advance(ms);
  return createJournal(clock, { ...(linesMax && { linesMax }) });
}

test("a line has its number, time and place; what is not said has a default", () => {
  const journal = journalAt(12.3456);
  journal.add({ kind: "first" });
  journal.add({
    session: "s",
    direction: "to-client",
    kind: "second",
    fields: { revision: 3 },
    measured: true,
  });
  expect(journal.lines).toEqual([
    { seq: 1, atMs: 12.346, session: null, direction: "inside", kind: "first", fields: {}, measured: false },
    {
      seq: 2,
      atMs: 12.346,
      session: "s",
      direction: "to-client",
      kind: "second",
      fields: { revision: 3 },
      measured: true,
    },
  ]);
});

test("lines never change: not by the caller's hand, nor through what was passed in", () => {
  const journal = journalAt(0);
  const fields = { nested: { value: 1 }, list: [1] };
  journal.add({ kind: "kept", fields });
  fields.nested.value = 2;
  fields.list.push(2);
  const [line] = journal.lines;
  expect(() => Object.assign(line!, { kind: "changed" })).toThrow(TypeError);
  expect(line).toMatchObject({ kind: "kept", fields: { nested: { value: 1 }, list: [1] } });
});

test("the oldest lines go when there are too many, and are counted", () => {
  const journal = journalAt(0, 100);
  for (let i = 0; i < 1000; i++) journal.add({ kind: "line" });
  const { lines, forgottenCount } = journal;
  expect(lines.length).toBeLessThanOrEqual(110);
  expect(lines.length).toBeGreaterThanOrEqual(100);
  expect(lines.at(-1)!.seq).toBe(1000);
  expect(forgottenCount + lines.length).toBe(1000);
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => forgottenCount + index + 1));
});

test("the oldest lines go when they are too long together", () => {
  const clock = manualClock();
  const journal = createJournal(clock, { linesMax: 1000, charsMax: 100_000 });
  for (let i = 0; i < 100; i++) journal.add({ kind: "long", fields: { text: "x".repeat(5000) } });
  const { lines, forgottenCount } = journal;
  expect(JSON.stringify(lines).length).toBeLessThan(115_000);
  expect(lines.length).toBeGreaterThanOrEqual(18);
  expect(lines.at(-1)!.seq).toBe(100);
  expect(forgottenCount + lines.length).toBe(100);
});

test("a reader gets every line from now on, until it stops; readers do not disturb each other", () => {
  const journal = journalAt(0);
  const one: JournalLine[] = [];
  const other: JournalLine[] = [];
  journal.add({ kind: "before" });
  const stop = journal.follow((line) => one.push(line));
  journal.follow((line) => other.push(line));
  journal.add({ kind: "both" });
  stop();
  stop();
  journal.add({ kind: "other" });
  expect(one.map(({ kind }) => kind)).toEqual(["both"]);
  expect(other.map(({ kind }) => kind)).toEqual(["both", "other"]);
});

const key = "dct_Very-Secret_123";
const token = "ek_0123456789abcdef";
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJyb29tIjoiciJ9fQ.-Sig_nature";

test.each<[string, unknown, unknown]>([
  ["a key's field", { api_key: key }, { api_key: "[redacted]" }],
  [
    "a key's field, spelled otherwise",
    { "X-API-Key": key, apiKey: "x" },
    { "X-API-Key": "[redacted]", apiKey: "[redacted]" },
  ],
  ["a key of no known look", { query: { api_key: "hunter2" } }, { query: { api_key: "[redacted]" } }],
  ["an empty key, which is no secret", { api_key: "" }, { api_key: "" }],
  ["no key", { api_key: null, token: undefined }, { api_key: null, token: undefined }],
  [
    "other secrets",
    { turn_config: { username: "u", credential: "c" } },
    { turn_config: { username: "u", credential: "[redacted]" } },
  ],
  ["a key in a text", `Refused ${key}, minted ${token}.`, "Refused dct_[redacted], minted ek_[redacted]."],
  ["a key in a list", [[{ text: token }]], [[{ text: "ek_[redacted]" }]]],
  [
    "a key in a URL",
    "ws://h/v1/stream?api_key=hunter2&model=lucy_2_rt",
    "ws://h/v1/stream?api_key=[redacted]&model=lucy_2_rt",
  ],
  ["a token in a URL", "?model=m&access_token=a.b.c x", "?model=m&access_token=[redacted] x"],
  [
    "an access token in a path, encoded or not, whole or cut",
    `/rtc/${jwt}, %2F${jwt.slice(0, 40)}, ${jwt}.`,
    "/rtc/eyJ[redacted], %2FeyJ[redacted], eyJ[redacted].",
  ],
  ["a subscribe token, which is none", "eyJzaWQiOiJTIn0=, eyJzaWQ.", "eyJzaWQiOiJTIn0=, eyJzaWQ."],
  [
    "words that only look alike",
    { tokens: 3, projects: "project_ek" },
    { tokens: 3, projects: "project_ek" },
  ],
  ["a large number", 2n ** 64n, "18446744073709551616"],
  ["plain values", [1, true, null, "text"], [1, true, null, "text"]],
])("redacts %s", (_name, value, expected) => {
  expect(redact(value)).toEqual(expected);
});

describe("bulk", () => {
  const summary = (bytes: string | Uint8Array) => ({
    sha256: createHash("sha256").update(bytes).digest("hex").slice(0, 16),
    length: bytes.length,
  });

  test.each(["image_data", "sample_frame_data"])("%s becomes hash and size, at any depth", (name) => {
    expect(redact({ initial_state: { [name]: "QUJD" } })).toEqual({
      initial_state: { [name]: summary("QUJD") },
    });
    expect(redact({ [name]: null })).toEqual({ [name]: null });
  });

  test("bytes become hash and size", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(redact({ bytes })).toEqual({ bytes: summary(bytes) });
    expect(redact(Buffer.from(bytes))).toEqual(summary(bytes));
  });

  test("a long text is cut, and says how long it was", () => {
    expect(redact("x".repeat(10_240))).toHaveLength(10_240);
    expect(redact("x".repeat(10_241))).toBe(`${"x".repeat(10_240)}… (10241 characters)`);
  });

  test("an SDP may be longer", () => {
    const sdp = (length: number) => "v=0\r\n".padEnd(length, "x");
    expect(redact({ sdp: sdp(24_576) })).toEqual({ sdp: sdp(24_576) });
    expect(redact({ sdp: sdp(24_577) })).toEqual({ sdp: `${sdp(24_576)}… (24577 characters)` });
  });

  test("a name is known for what it hides however many others there were", () => {
    for (let i = 0; i < 2000; i++) redact({ [`name${i}`]: 1 });
    for (const name of ["password", "pass-word", "__passWord"]) {
      expect([redact({ [name]: "x" }), redact({ [name]: "x" })]).toEqual(
        Array(2).fill({ [name]: "[redacted]" }),
      );
    }
  });

  test("a key that the cut would leave half of is gone all the same", () => {
    expect(redact(`${"x ".repeat(5117)}dct_secret and more`)).not.toContain("secret");
  });

  const level = (item: unknown) => Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, item]));
  test.each<[string, unknown]>([
    ["many long texts", level("x".repeat(8192))],
    ["many long texts, deeper down", level(level("x".repeat(4000)))],
    ["many long names", Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`.repeat(4000), i]))],
    ["many small values", [level(level(level(0)))]],
    ["many empty ones", level(level(level({})))],
  ])("a whole line is bounded: %s", (_name, value) => {
    const kept = redact({ unknown: value });
    expect(JSON.stringify(kept).length).toBeLessThan(40_000);
    // What there was room for is there, in order.
    expect(JSON.stringify(kept).length).toBeGreaterThan(10_000);
  });

  test("what a line has no room for is marked", () => {
    const texts = Array.from({ length: 6 }, () => "x".repeat(10_000));
    const kept = redact({ texts, after: "said" }) as { texts: string[] };
    expect(kept).toEqual({ texts: expect.anything(), "…": "…" });
    expect(kept.texts.at(-2)).toMatch(/x… \(10000 characters\)$/);
    expect(kept.texts.at(-1)).toBe("…");
  });

  test("a short text that is cut does not hold on to the long one it was cut from", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 20 }, (_, i) => redact({ text: `${i}`.padStart(2_000_000, "x") }));
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
    expect(kept).toHaveLength(20);
  });

  test("long lists, many keys, long names and great depth are cut", () => {
    let deep: unknown = "bottom";
    for (let i = 0; i < 10_000; i++) deep = { a: deep };
    expect(JSON.stringify(redact(deep)).length).toBeLessThan(100);
    expect(redact(Array.from({ length: 1000 }, (_, i) => i))).toHaveLength(100);
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]));
    expect(Object.keys(redact(many) as object)).toHaveLength(100);
    expect(JSON.stringify(redact({ ["n".repeat(100_000)]: 1 })).length).toBeLessThan(11_000);
  });
});

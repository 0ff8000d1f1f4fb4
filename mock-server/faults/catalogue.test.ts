import { describe, expect, test } from "vitest";
import { z } from "zod";
import { sampleFaults } from "./_sample-faults.ts";
import { catalogueMarkdown, catalogueOf, defectsOf, momentsMarkdown, settingsOf } from "./catalogue.ts";
import type { Fault } from "./fault.ts";
import { momentNames } from "./moments.ts";

const black = sampleFaults[1]!;

test("a fault in plain data", () => {
  const [packetLoss] = catalogueOf(sampleFaults);
  expect(packetLoss).toEqual({
    name: "packet-loss",
    about: "Packets are lost in a pattern.",
    places: [
      {
        channel: "media",
        directions: ["to-client", "to-server"],
        kinds: ["video", "audio"],
        also: [],
        at: null,
        units: ["packets", "frames", "bytes", "ms"],
      },
      {
        channel: "ice",
        directions: ["to-client", "to-server"],
        kinds: ["srtp"],
        also: [],
        at: null,
        units: ["packets", "bytes", "ms"],
      },
    ],
    settings: [
      {
        name: "ratio",
        takes: "a number above 0, up to 1",
        default: 0.1,
        about: "Share of packets that are lost.",
      },
      { name: "burst", takes: "a whole number from 1 to 100", default: 1, about: "Packets lost in a row." },
      { name: "pattern", takes: '"even" or "random"', default: "even", about: "Which of them." },
      {
        name: "seen",
        takes: "a list of up to 3 items, each a text of up to 8 characters",
        default: [],
        about: "Names of streams.",
      },
      { name: "note", takes: "a text of up to 20 characters or null", default: null, about: "Why." },
    ],
    needs: "pictures",
    for: { packets: 1000 },
    times: null,
  });
  expect(JSON.parse(JSON.stringify(packetLoss))).toEqual(packetLoss);
});

const withSetting = (a: z.ZodType): Fault => ({ ...black, settings: z.object({ a }) });

test.each<[z.ZodType, string]>([
  [z.boolean(), "true or false"],
  [z.int(), "a whole number"],
  [z.number(), "a number"],
  [z.number().min(1), "a number not below 1"],
  [z.number().max(1), "a number not above 1"],
  [z.number().gt(0).lt(1), "a number above 0, below 1"],
  [z.int().min(-2).max(4), "a whole number from -2 to 4"],
  [z.string(), "a text"],
  [z.string().min(1), "a text that is not empty"],
  [z.string().min(2), "a text of 2 characters or more"],
  [z.string().min(1).max(9), "a text of 1 to 9 characters"],
  [z.literal("x"), '"x"'],
  [z.enum(["a", "b", "c"]), '"a", "b" or "c"'],
  [
    z.union([z.int().min(1).max(9), z.tuple([z.int(), z.int()])]),
    "a whole number from 1 to 9 or [a whole number, a whole number]",
  ],
  [z.array(z.boolean()).min(1), "a list that is not empty, each true or false"],
  [z.record(z.string(), z.unknown()), "an object"],
  [z.unknown(), "anything that JSON has"],
  [z.custom(), "anything that JSON has"],
  [z.number().nullable(), "a number or null"],
])("a setting takes, in words, case %#: %s", (schema, words) => {
  expect(settingsOf(withSetting(schema))[0]!.takes).toBe(words);
});

test("the tables, one a channel", () => {
  expect(catalogueMarkdown(sampleFaults)).toMatchInlineSnapshot(`
    "**http**

    | fault |  | where and when | settings |
    | --- | --- | --- | --- |
    | \`reset\` | The connection is reset. | with \`channel: "http"\` | \`first\`: a whole number, \`1\` unless given. The first.<br>\`last\`: a whole number, \`2\` unless given. The last. |

    **control**

    | fault |  | where and when | settings |
    | --- | --- | --- | --- |
    | \`late-ack\` | An ack comes late. | \`prompt_ack\`; to-client; at \`ack-queued\`; once | \`byMs\`: a whole number from 0 to 60000, \`6000\` unless given. How late.<br>\`fields\`: an object, \`{}\` unless given. Put into it. |
    | \`reset\` | The connection is reset. |  | \`first\`: a whole number, \`1\` unless given. The first.<br>\`last\`: a whole number, \`2\` unless given. The last. |

    **ice**

    | fault |  | where and when | settings |
    | --- | --- | --- | --- |
    | \`packet-loss\` | Packets are lost in a pattern. | with \`channel: "ice"\`; \`srtp\`; to-client or to-server; for 1000 packets; not with \`--mode none\` | \`ratio\`: a number above 0, up to 1, \`0.1\` unless given. Share of packets that are lost.<br>\`burst\`: a whole number from 1 to 100, \`1\` unless given. Packets lost in a row.<br>\`pattern\`: "even" or "random", \`"even"\` unless given. Which of them.<br>\`seen\`: a list of up to 3 items, each a text of up to 8 characters, \`[]\` unless given. Names of streams.<br>\`note\`: a text of up to 20 characters or null, \`null\` unless given. Why. |

    **media**

    | fault |  | where and when | settings |
    | --- | --- | --- | --- |
    | \`packet-loss\` | Packets are lost in a pattern. | \`video\`, \`audio\`; to-client or to-server; for 1000 packets; not with \`--mode none\` | \`ratio\`: a number above 0, up to 1, \`0.1\` unless given. Share of packets that are lost.<br>\`burst\`: a whole number from 1 to 100, \`1\` unless given. Packets lost in a row.<br>\`pattern\`: "even" or "random", \`"even"\` unless given. Which of them.<br>\`seen\`: a list of up to 3 items, each a text of up to 8 characters, \`[]\` unless given. Names of streams.<br>\`note\`: a text of up to 20 characters or null, \`null\` unless given. Why. |
    | \`black\` | Pictures are black. | \`picture\`; to-client; at \`first-frame\`; \`--mode transcode\` only |  |"
  `);
});

test("a bar within a cell ends no cell", () => {
  const [, , , , row] = catalogueMarkdown([withSetting(z.literal("a|b"))]).split("\n");
  expect(row).toContain('`a`: "a\\|b"');
});

test("the table of moments has them all, and shows which take a number of the protocol's", () => {
  const rows = momentsMarkdown().split("\n");
  expect(rows).toHaveLength(2 + momentNames.length);
  expect(rows).toContain("| `tick:n` | Second n of generation is about to be told; n is the second. |");
  expect(rows).toContain("| `upgrade` | A client asks for its control socket. |");
});

describe("a fault that lies about itself", () => {
  test("is none of these", () => expect(defectsOf(sampleFaults)).toEqual([]));

  test.each<[Partial<Fault>, string]>([
    [{ name: "Black" }, "Black: its name is not kebab-case."],
    [{ about: "black" }, 'black: "black" is no sentence.'],
    [{ places: [] }, "it has no place."],
    [{ places: [{ channel: "media" }, { channel: "media" }] }, "it has two places on one channel."],
    [{ places: [{ channel: "media", at: "tik" }] }, '"tik" is no moment.'],
    [{ places: [{ channel: "media", directions: [] }] }, "its directions on media are an empty list."],
    [{ places: [{ channel: "http", at: "open" }] }, "requests come to no moment."],
    [
      { for: { frames: 1 }, places: [{ channel: "media", kinds: ["sound"] }] },
      "nobody counts frames on media.",
    ],
    [{ for: { messages: 1 } }, "nobody counts messages on media."],
    [{ settings: z.object({ a: z.int().default(1) }) }, 'its setting "a" is not described.'],
    [
      { settings: z.object({ a: z.int().describe("One.") }) },
      'its setting "a" has no default, or a bad one.',
    ],
  ])("is found out, case %#: %j", (lie, sentence) => {
    expect(defectsOf([{ ...black, ...lie }]).join()).toContain(sentence);
  });

  test("by a name that another has", () => {
    expect(defectsOf([black, black])).toEqual(["black: there is another of this name."]);
  });
});

import { describe, expect, test } from "vitest";
import { declareFaults, type FaultError } from "../../faults/declare.ts";
import { faults } from "../../faults/index.ts";
import { declarationOf, type Envelope, inShort, plainEnvelope, refusedField } from "./declaration-of.ts";

describe("a declaration has what was said, and nothing else", () => {
  test.each([
    [{}, { name: "drop" }],
    [
      { channel: "livekit", direction: "to-server" },
      { name: "drop", channel: "livekit", direction: "to-server" },
    ],
    [{ only: "prompt_ack" }, { name: "drop", only: "prompt_ack" }],
    [{ only: " prompt_ack, , set_image_ack" }, { name: "drop", only: ["prompt_ack", "set_image_ack"] }],
    [{ at: "tick" }, { name: "drop", when: { at: "tick" } }],
    [
      { at: "tick", atNumber: "3" },
      { name: "drop", when: { at: "tick:3" } },
    ],
    [
      { after: "3", afterUnit: "messages", forUnit: "ms" },
      { name: "drop", when: { after: { messages: 3 } } },
    ],
    [
      { for: "20", forUnit: "ms", times: "2", chance: "0.5" },
      { name: "drop", when: { for: { ms: 20 }, times: 2, chance: 0.5 } },
    ],
    [{ lastConnection: "2" }, { name: "drop", when: { connections: 2 } }],
    [{ firstConnection: "2" }, { name: "drop", when: { connections: [2, 2] } }],
    [
      { firstConnection: "2", lastConnection: "4" },
      { name: "drop", when: { connections: [2, 4] } },
    ],
  ] as [Partial<Envelope>, object][])("%o", (said, declaration) => {
    const made = declarationOf("drop", {}, { ...plainEnvelope, ...said });
    expect(made).toEqual(declaration);
    // And the server takes it.
    expect(declareFaults(made, { faults, mode: "none" })).toHaveLength(1);
  });

  test("settings go under with", () => {
    expect(declarationOf("drop", { every: 3 }, plainEnvelope)).toEqual({ name: "drop", with: { every: 3 } });
  });
});

test.each([
  [{ name: "drop" }, ""],
  [
    {
      name: "drop",
      channel: "livekit",
      with: { every: 3 },
      when: { after: { messages: 2 }, connections: [1, 2] },
    },
    "channel livekit, every 3, after 2 messages, connections 1, 2",
  ],
  ["drop", ""],
])("%j in short", (declaration, short) => expect(inShort(declaration)).toBe(short));

describe("the server's refusals name the field", () => {
  test.each([
    [{ name: "packet-loss", with: { ratio: 3 } }, "with.ratio"],
    [{ name: "drop", when: { at: "tick:0" } }, "when.at"],
    [{ name: "drop", when: { after: { messages: 0 } } }, "when.after.messages"],
    [{ name: "drop", only: "prompt_akc" }, "only"],
    [{ name: "drop", channel: "media" }, "channel"],
    [{ name: "black" }, null],
  ])("%j", (declaration, field) => {
    let sentence = "";
    try {
      declareFaults(declaration, { faults, mode: "none" });
    } catch (error) {
      sentence = (error as FaultError).message;
    }
    expect(sentence).not.toBe("");
    expect(refusedField(sentence)).toBe(field);
  });
});

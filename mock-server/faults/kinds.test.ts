import { SignalRequest, SignalResponse } from "@livekit/protocol";
import { describe, expect, test } from "vitest";
import { CLIENT_MESSAGES, SERVER_MESSAGES } from "../../protocol/index.ts";
import { channels } from "./fault.ts";
import { faults } from "./index.ts";
import { kindsOf } from "./kinds.ts";

describe("the kinds of items", () => {
  test("are each listed once", () => {
    for (const channel of channels) {
      const kinds = kindsOf(channel);
      expect(kinds, channel).toEqual([...new Set(kinds)]);
    }
  });

  test("on control are the protocol's messages, and what is none", () => {
    const types = new Set([...Object.keys(CLIENT_MESSAGES), ...Object.keys(SERVER_MESSAGES)]);
    expect(new Set(kindsOf("control"))).toEqual(new Set([...types, "upgrade", "close", "malformed"]));
  });

  test("on livekit are the cases of its messages, and what is none", () => {
    const cases = [SignalRequest, SignalResponse].flatMap(({ fields }) =>
      fields.list().flatMap((field) => (field.oneof ? [field.localName] : [])),
    );
    expect(new Set(kindsOf("livekit"))).toEqual(
      new Set([...cases, "upgrade", "validate", "resume", "close"]),
    );
  });

  test("have every kind that a fault's place names", () => {
    for (const { name, places } of faults) {
      for (const { channel, kinds = [], also = [] } of places) {
        for (const kind of [...kinds, ...also]) expect(kindsOf(channel), `${name}: ${kind}`).toContain(kind);
      }
    }
  });
});

import { expect, test } from "vitest";
import type { Channel, Items, OutgoingItem, PictureItem } from "./fault.ts";
import { pipelineGates } from "./pipeline-gates.ts";

const picture: PictureItem = { direction: "to-client", kind: "picture", effect: {} };
const encoded: OutgoingItem = { direction: "to-client", kind: "encoded", isKey: false, timestamp: 7 };

/** A plan that spoils what passes on one channel. */
function planOn(spoilt: Channel, spoil: object) {
  return {
    isIdle: (channel: Channel) => channel !== spoilt,
    pass<C extends Channel>(channel: C, item: Items[C], deliver: (item: Items[C]) => void) {
      deliver(channel === spoilt ? { ...item, ...spoil } : item);
    },
  };
}

test.each([
  ["media", false, true],
  ["control", true, false],
] as const)("with a fault on %s they are idle: %s", (channel, idle, spoils) => {
  const gates = pipelineGates(planOn(channel, { effect: { black: true }, timestamp: 8 }));
  const passed: unknown[] = [];
  gates.picture(picture, ({ effect }) => passed.push(effect));
  gates.outgoing(encoded, ({ timestamp }) => passed.push(timestamp));
  expect(gates.idle).toBe(idle);
  expect(passed).toEqual(spoils ? [{ black: true }, 8] : [{}, 7]);
});

test("they are idle no longer once a fault is declared", () => {
  let idle = true;
  const gates = pipelineGates({ ...planOn("media", {}), isIdle: () => idle });
  expect(gates.idle).toBe(true);
  idle = false;
  expect(gates.idle).toBe(false);
});

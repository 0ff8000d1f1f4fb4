import { expect, test } from "vitest";
import { addMachines, machineWords } from "./machine.ts";

const small = { node: "v24.0.0", cpu: "A", cores: "4", memory: "8.0 GiB", "load average": "0.5" };
const large = { ...small, cpu: "B", cores: "8", "load average": "2.5" };

test("shards of one machine name it once", () => {
  expect(addMachines([small, { ...small, "load average": "1.0" }])).toEqual({
    ...small,
    "load average": "1.0",
  });
});

test("of several, each is named, in one order", () => {
  expect(addMachines([small, large, small])).toEqual({
    ...small,
    ...{ cpu: "A | B", cores: "4 | 8", "load average": "2.5" },
  });
});

test("what this machine says of itself stays as it is", () => {
  const own = machineWords();
  expect(own.cores).toMatch(/^\d+$/);
  expect(own.memory).toMatch(/^[\d.]+ GiB$/);
  expect(addMachines([own])).toEqual(own);
});

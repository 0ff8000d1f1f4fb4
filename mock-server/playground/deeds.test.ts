import { expect, it } from "vitest";
import { type Deed, recordDeed, watchDeeds } from "./deeds.ts";

const connect: Deed = {
  kind: "connect",
  version: "0.1.20",
  model: "lucy-2.1",
  apiKey: "dct_local",
  codec: null,
  source: "synthetic",
  camera: { width: 1, height: 1, fps: 1 },
};

it("tells what there is and what comes, keeps a hundred, and the connect that they belong to", () => {
  recordDeed(connect);
  let told: readonly Deed[] = [];
  const stop = watchDeeds((deeds) => {
    told = [...deeds];
  });
  expect(told).toEqual([connect]);
  for (let ms = 0; ms < 200; ms++) recordDeed({ kind: "advance", ms });
  expect(told).toHaveLength(100);
  expect(told[0]).toEqual(connect);
  expect(told.at(-1)).toEqual({ kind: "advance", ms: 199 });
  stop();
  recordDeed({ kind: "reset" });
  expect(told.at(-1)).toEqual({ kind: "advance", ms: 199 });
});

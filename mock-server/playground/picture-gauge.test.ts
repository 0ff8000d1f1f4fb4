import { describe, expect, it } from "vitest";
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { createPictureGauge } from "./picture-gauge.ts";

function seen(atMs: number, timestampMs: number | null): SeenPicture {
  const input = timestampMs === null ? null : { frameId: 1, timestampMs, flags: 0, cell: "normal" as const };
  return { atMs, width: 640, height: 360, input, output: null };
}

describe("createPictureGauge()", () => {
  it("counts the pictures of the last second and takes the median of their ages", () => {
    const gauge = createPictureGauge();
    gauge.add(seen(1000, 0), true);
    gauge.add(seen(1500, 1450), true);
    gauge.add(seen(1900.7, 1800), true);
    gauge.add(seen(2100, 2040), true);
    expect(gauge.read(2100)).toEqual({ fps: 3, latencyMs: 60 });
  });

  it("falls to nothing when no more pictures come", () => {
    const gauge = createPictureGauge();
    gauge.add(seen(1000, 900), true);
    expect(gauge.read(2001)).toEqual({ fps: 0, latencyMs: null });
  });

  it("knows no age of pictures that carry another clock, or none", () => {
    const gauge = createPictureGauge();
    gauge.add(seen(1000, 900), false);
    gauge.add(seen(1010, null), true);
    expect(gauge.read(1010)).toEqual({ fps: 2, latencyMs: null });
  });

  it("follows the strip's clock over its 24 bits", () => {
    const gauge = createPictureGauge();
    gauge.add(seen(2 ** 24 + 30, 2 ** 24 - 20), true);
    expect(gauge.read(2 ** 24 + 30).latencyMs).toBe(50);
  });

  it("forgets", () => {
    const gauge = createPictureGauge();
    gauge.add(seen(1000, 900), true);
    gauge.reset();
    expect(gauge.read(1000)).toEqual({ fps: 0, latencyMs: null });
  });
});

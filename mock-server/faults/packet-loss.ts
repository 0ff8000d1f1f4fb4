/** Packets that are lost, by a pattern or by dice. A sender is asked for them again, and what it then sends may be lost as well. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

const patternUsual = "0000000001";

export const packetLoss = defineFault({
  name: "packet-loss",
  about:
    "RTP packets are lost, those sent again included, of each stream by itself: every tenth, in a pattern, by chance or in bursts.",
  places: [{ channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] }],
  settings: z
    .strictObject({
      pattern: z
        .string()
        .max(1000)
        .refine(
          (pattern) => /^0*1[01]*$/.test(pattern),
          'It takes ones and zeros, a one at least: "0001" loses every fourth packet.',
        )
        .optional()
        .describe(`1 is lost, 0 passes, then from the beginning; "${patternUsual}" where no ratio is given.`),
      ratio: z.number().gt(0).max(1).optional().describe("Share of packets that are lost. Seeded."),
      burstLength: z
        .number()
        .min(1)
        .max(1000)
        .optional()
        .describe("Packets lost in a row, on average, of which there is a ratio; by themselves if left out."),
    })
    .refine(
      ({ pattern, ratio }) => pattern === undefined || ratio === undefined,
      'It takes a "pattern" or a "ratio", not both.',
    )
    .refine(
      ({ ratio, burstLength }) => burstLength === undefined || ratio !== undefined,
      'With a "burstLength" it takes a "ratio" as well: how much is lost in all.',
    )
    .refine(
      ({ ratio = 0, burstLength }) => burstLength === undefined || ratio <= burstLength / (burstLength + 1),
      "So much is not lost in bursts this short: with a mean of n packets, the ratio is n / (n + 1) at most.",
    ),
  open({ pattern = patternUsual, ratio, burstLength }, { dice }) {
    let place = 0;
    let isBad = false;

    function isLost(): boolean {
      if (ratio === undefined) return pattern[place++ % pattern.length] === "1";
      if (burstLength === undefined) return dice.next() < ratio;
      // Gilbert's two states: all is lost in one, nothing in the other (https://doi.org/10.1002/j.1538-7305.1960.tb03959.x).
      const change = isBad ? 1 / burstLength : ratio / (burstLength * (1 - ratio));
      if (dice.next() < change) isBad = !isBad;
      return isBad;
    }

    return {
      take(item, next) {
        if (isLost()) return true;
        next(item);
        return false;
      },
    };
  },
});

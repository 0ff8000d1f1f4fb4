import { expect, test } from "vitest";
import { createRtcpTally } from "./rtcp-tally.ts";

test("nothing was said", () => {
  expect(createRtcpTally().summary).toEqual({ video: null, audio: null });
});

test("the last loss, the worst fraction and jitter, each kind on its own clock", () => {
  const tally = createRtcpTally();
  tally.reported("video", { packetsLost: 5, fractionLost: 128, jitter: 900 });
  tally.reported("video", { packetsLost: 3, fractionLost: 0, jitter: 90 });
  tally.reported("audio", { packetsLost: 0, fractionLost: 0, jitter: 480 });
  tally.nacked("video", 17);
  tally.keyRequested();
  expect(tally.summary).toEqual({
    video: {
      reports: 2,
      packetsLost: 3,
      fractionLostMax: 0.5,
      jitterMsMax: 10,
      packetsNacked: 17,
      keyRequests: 1,
    },
    audio: {
      reports: 1,
      packetsLost: 0,
      fractionLostMax: 0,
      jitterMsMax: 10,
      packetsNacked: 0,
      keyRequests: 0,
    },
  });
});

/**
 * The instrument before its use: sessions of this generator against a mock whose server holds each picture back for a known time, read by the
 * same ledger that measures. Who judges the readings is `self-test-readings.ts`.
 */
import { writeMockKey } from "../mock-server/index.ts";
import type { Clock } from "./clock.ts";
import type { Codec, Dialect, Generator, Observer } from "./generator.ts";
import { decodeHistogram } from "./histogram.ts";
import { createLedger } from "./ledger.ts";
import { startMockProcess } from "./mock-process.ts";
import { injectedDelaysMs, judgeReadings, type SelfTest } from "./self-test-readings.ts";
import { createTally } from "./tally.ts";

/** Pictures that come first are of a connection that still finds its pace. */
const warmUpCount = 15;
/** Pictures a reading is taken of. */
const readCount = 45;
const readMsMax = 15_000;
const fps = 15;
const frameMs = 1000 / fps;
/** A display shows what came at its next tick, 60 a second; what comes to a socket is there at once. */
const boundsMs = { node: 5, browser: 1000 / 60 } as const;
/** A relay on this machine takes a millisecond or two, and a browser's jitter buffer and display a picture's time at most. */
const nothingMsMax = { node: 15, browser: frameMs } as const;

const modelOf: Record<Dialect, string> = { direct: "lucy_2_rt", livekit: "lucy-2.1" };

/** Relayed, so that nothing but the injected delay takes time. @throws Error where no session can be opened */
export async function selfTest({
  generator,
  dialect,
  codec,
  clock,
}: {
  readonly generator: Generator;
  readonly dialect: Dialect;
  readonly codec: Codec;
  readonly clock: Clock;
}): Promise<SelfTest> {
  const mock = await startMockProcess(["--mode", "relay"]);
  const told = { strip: 0, metadata: 0 };
  try {
    const readings = await Promise.all(injectedDelaysMs.map((injectedMs) => read(injectedMs)));
    const carrier = told.metadata > told.strip ? "metadata" : told.strip > 0 ? "strip" : "none";
    return judgeReadings({ generator: generator.name, dialect, carrier }, readings, {
      boundMs: boundsMs[generator.name],
      nothingMsMax: nothingMsMax[generator.name],
      frameMs,
    });
  } finally {
    await mock.stop();
  }

  async function read(injectedMs: number) {
    const tally = createTally({ runStartedMs: generator.now() });
    const ledger = createLedger({
      tally,
      session: `delayed by ${injectedMs} ms`,
      fps,
      openedMs: generator.now(),
      row: null,
    });
    const enough = Promise.withResolvers<void>();
    let receivedCount = 0;
    const observer: Observer = {
      ...ledger.observer,
      received(picture) {
        if (++receivedCount > warmUpCount) ledger.observer.received(picture);
        if (receivedCount >= warmUpCount + readCount) enough.resolve();
      },
      ended(atMs, why) {
        ledger.observer.ended(atMs, why);
        enough.reject(new Error(`The mock ended a session of the self-test: ${why}`));
      },
    };
    const apiKey = writeMockKey({
      name: "delay",
      channel: "media",
      direction: "to-client",
      with: { delayMs: injectedMs },
    });
    const session = await generator.open(
      {
        target: { url: mock.url, realtimeUrl: mock.realtimeUrl, apiKey },
        dialect,
        model: modelOf[dialect],
        clip: `${codec}-180p15`,
        readsPictures: true,
      },
      observer,
    );
    const late = clock.after(readMsMax, () => enough.resolve());
    try {
      await enough.promise;
    } finally {
      late.cancel();
      ledger.close(generator.now());
      await session.close();
    }
    const { histograms, counts } = tally.measurement();
    told.strip += counts["frames-by-strip"];
    told.metadata += counts["frames-by-metadata"];
    const delays = decodeHistogram(histograms["glass-to-glass"]);
    return {
      injectedMs,
      readMs: delays.count > 0 ? delays.min / 1000 : null,
      medianMs: delays.count > 0 ? delays.percentile(50) / 1000 : null,
      sampleCount: delays.count,
    };
  }
}

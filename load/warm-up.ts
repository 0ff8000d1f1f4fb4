/**
 * A process does for the first time what it will do a thousand times: handshakes, packets, decoding. That takes ten times as long, and stops
 * its event loop for a tenth of a second; so it is done before anything is measured, with sessions of a mock that nobody counts.
 */
import type { Clock } from "./clock.ts";
import type { Generator, Target } from "./generator.ts";
import { startMockProcess } from "./mock-process.ts";
import { clipOf, dialectsOf, modelOf, type Plan, readsPictures } from "./plan.ts";

const seconds = 1.5;
const msMax = 10_000;
/** One of each dialect of as many shards as `--shards` takes. */
const sessionsMax = 128;

/** Where shards warm up: a mock of their own, until they have. `null`: what a browser's pages do first is not in our process. */
export async function startWarming({
  generator,
}: Plan): Promise<{ readonly target: Target; over(): Promise<void> } | null> {
  if (generator !== "node") return null;
  const { url, realtimeUrl, stop } = await startMockProcess([
    "--mode",
    "relay",
    "--sessions",
    String(sessionsMax),
  ]);
  let ending: Promise<void> | null = null;
  return {
    target: { url, realtimeUrl, apiKey: "dct_warm" },
    over() {
      ending ??= stop();
      return ending;
    },
  };
}

/** One session of each dialect, at once. What goes wrong there the run itself will say. */
export async function warmUp(
  generator: Generator,
  {
    plan,
    target,
    clock,
    stopped,
  }: { readonly plan: Plan; readonly target: Target; readonly clock: Clock; readonly stopped: AbortSignal },
): Promise<void> {
  const { name: clip, fps } = clipOf(plan);
  const lasting = new AbortController();
  const late = clock.after(msMax, () => lasting.abort());
  const leaving = AbortSignal.any([lasting.signal, stopped]);
  const over = new Promise<void>((resolve) => leaving.addEventListener("abort", () => resolve()));
  await Promise.allSettled(
    dialectsOf(plan).map(async (dialect, index) => {
      const enough = Promise.withResolvers<void>();
      let leftCount = seconds * fps;
      const session = await generator.open(
        { target, dialect, model: modelOf(plan, dialect), clip, readsPictures: readsPictures(plan, index) },
        {
          sent() {},
          received() {
            if (--leftCount <= 0) enough.resolve();
          },
          lost: () => enough.resolve(),
          recovered() {},
          ended: () => enough.resolve(),
        },
        leaving,
      );
      await Promise.race([enough.promise, over]);
      await Promise.race([session.close(), over]);
    }),
  );
  late.cancel();
}

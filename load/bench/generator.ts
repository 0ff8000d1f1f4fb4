/** What a session costs the node generator: CPU of a picture there and back, memory, and how many one process drives. */
import type { ClipName } from "../../fixtures/index.ts";
import type { Figure } from "../../reports/figure.ts";
import { startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { runSenders } from "./run-senders.ts";
import type { SendersJob } from "./senders.ts";

const clips: readonly ClipName[] = ["vp8-180p15", "vp8-720p30", "h264-720p30"];
/** Beside which a single one's share of waking up does not count. */
const sessionCount = 6;
/** `read`: what comes back is decoded. */
const kinds: readonly { readonly of: string; readonly about: Partial<SendersJob> }[] = [
  { of: "direct", about: {} },
  { of: "livekit", about: { dialect: "livekit" } },
  { of: "direct, read", about: { readsPictures: true } },
];
const fpsMin = 29;
const climbStep = 4;
const climbMax = 48;

export const generator: Bench = {
  name: "generator",
  about: `CPU of the generator's whole process for each picture that it sends and gets back, ${sessionCount} sessions against a mock that relays; its resident memory for each further session; and the most sessions of 1280×720@30, ${climbStep} more each time, of which each keeps ≥ ${fpsMin} fps. Clips made beforehand; \`read\`: decoded and their strips read, in a thread of their own.`,
  doubt:
    "CPU is counted, not waited for; where others share the caches it is up to twice as much. The most sessions are those that generator and server hold together, a core each: the server's end may come first.",
  async run(runs) {
    const figures: Figure[] = [];
    for (const clip of clips) {
      const taken = kinds.map((kind) => ({ ...kind, costs: [] as Awaited<ReturnType<typeof measure>>[] }));
      for (let run = 0; run < runs; run++) {
        for (const { about, costs } of taken) costs.push(await measure(clip, about));
      }
      const row = (
        name: string,
        unit: string,
        value: (cost: (typeof taken)[number]["costs"][number]) => number,
      ) =>
        taken.map(
          ({ of, costs }): Figure => ({ name: `${clip} ${name}`, of, unit, values: costs.map(value) }),
        );
      figures.push(...row("CPU of a picture", "ms", ({ cpuMs }) => cpuMs));
      figures.push(...row("memory of a further session", "MB", ({ megabytes }) => megabytes));
    }
    const held: number[] = [];
    for (let run = 0; run < runs; run++) held.push(await climb());
    figures.push({ name: "vp8-720p30 sessions held", of: "direct", unit: "", values: held });
    return figures;
  },
};

async function measure(clip: ClipName, about: Partial<SendersJob>) {
  const one = await run({ clip, count: 1, ...about });
  const many = await run({ clip, count: sessionCount, ...about });
  const pictures = many.fps.reduce((sum, fps) => sum + fps);
  return {
    cpuMs: (many.cpuCores / pictures) * 1000,
    megabytes: (many.rssBytes - one.rssBytes) / 1e6 / (sessionCount - 1),
  };
}

async function climb(): Promise<number> {
  for (let count = climbStep; count <= climbMax; count += climbStep) {
    const { fps, late, cpuCores } = await run({ clip: "vp8-720p30", count });
    const slowest = Math.min(...fps);
    const lateCount = late.reduce((sum, one) => sum + one);
    console.log(
      `  × ${count}: slowest ${slowest.toFixed(1)} fps, ${lateCount} late, ${cpuCores.toFixed(2)} cores`,
    );
    if (slowest < fpsMin) return count - climbStep;
  }
  return climbMax;
}

async function run(about: Pick<SendersJob, "clip" | "count"> & Partial<SendersJob>) {
  const mock = await startMockProcess(["--mode", "relay"]);
  try {
    return await runSenders(mock, { warmUpMs: 1500, measureMs: 4000, ...about });
  } finally {
    await mock.stop();
  }
}

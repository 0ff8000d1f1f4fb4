/** How many sessions of 720p30 hold 29 fps, senders included, and what memory each takes. */
import type { ClipName } from "../../fixtures/index.ts";
import { type Figure, median } from "../../reports/figure.ts";
import { startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { runSenders } from "./run-senders.ts";

const fpsMin = 29;
const countMax = 12;

export const capacity: Bench = {
  name: "capacity",
  about: `Sessions of 1280×720@30 of which each keeps ≥ ${fpsMin} fps for 6 s, the senders on the same machine. Transcoded, direct dialect, clips made beforehand.`,
  doubt:
    "The count stands at the edge of what the machine holds and varies by one or two; where a line below says that many were sent late, it is the sender's limit and not the server's.",
  async run(runs) {
    const figures: Figure[] = [];
    for (const [clip, atLeast] of [
      ["vp8-720p30", 5],
      ["h264-720p30", 6],
    ] as const) {
      const held: number[] = [];
      const megabytes: number[] = [];
      for (let i = 0; i < runs; i++) {
        const one = await climb(clip);
        held.push(one.held);
        megabytes.push(one.megabytes);
      }
      figures.push({ name: `${clip} sessions held`, unit: "", values: held, aim: { atLeast } });
      figures.push({ name: `${clip} memory a session`, unit: "MB", values: megabytes });
    }
    return figures;
  },
};

/** One more session each time, until one falls below; a fresh server each time. */
async function climb(clip: ClipName): Promise<{ held: number; megabytes: number }> {
  let held = 0;
  const memory: number[] = [];
  for (let count = 1; count <= countMax; count++) {
    const mock = await startMockProcess();
    try {
      const { fps, late, after } = await runSenders(mock, { clip, count, warmUpMs: 3000 });
      memory.push(after.process.rssBytes / 1e6);
      const slowest = Math.min(...fps);
      console.log(
        `  ${clip} × ${count}: slowest ${slowest.toFixed(1)} fps, median ${median(fps).toFixed(1)}, sent late ${late.join(" ")}`,
      );
      if (slowest < fpsMin) break;
      held = count;
    } finally {
      await mock.stop();
    }
  }
  const first = memory[0]!;
  const last = memory[Math.max(0, held - 1)]!;
  return { held, megabytes: held > 1 ? (last - first) / (held - 1) : first };
}

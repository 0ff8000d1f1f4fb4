/** What one picture costs, by stage, and how long it stays in the server. One sender, 720p30. */
import type { ClipName } from "../../fixtures/index.ts";
import type { Aim, Figure } from "../../reports/figure.ts";
import { startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { runSenders } from "./run-senders.ts";

export const stages: Bench = {
  name: "stages",
  about:
    "CPU a picture at 1280×720@30, one session. Codec stages: CPU time of the worker's thread. Receive: the main thread in mode none. Send: the main thread in mode transcode, less receive. Direct dialect; the sender sends a clip made beforehand.",
  doubt:
    "CPU is counted, not waited for; time in the server is waited for, and its p99 is the first to suffer from a busy machine.",
  async run(runs) {
    const figures: Figure[] = [];
    for (const [codec, atMost] of [
      ["vp8", 10],
      ["h264", 7.5],
    ] as const) {
      const taken: Awaited<ReturnType<typeof once>>[] = [];
      for (let i = 0; i < runs; i++) taken.push(await once(`${codec}-720p30`));
      const figure = (
        name: string,
        unit: string,
        value: (one: (typeof taken)[number]) => number,
        aim?: Aim,
      ) => figures.push({ name: `${codec} ${name}`, unit, values: taken.map(value), ...(aim && { aim }) });
      figure("receive", "CPU ms", (one) => one.receive);
      figure("decode", "CPU ms", (one) => one.decode);
      figure("transform", "CPU ms", (one) => one.transform);
      figure("encode", "CPU ms", (one) => one.encode);
      figure("send", "CPU ms", (one) => one.send);
      figure("decode + transform + encode", "CPU ms", (one) => one.decode + one.transform + one.encode, {
        atMost,
      });
      figure("whole process", "CPU ms", (one) => one.whole);
      figure("in the server p50", "ms", (one) => one.p50);
      figure("in the server p99", "ms", (one) => one.p99);
      figure("memory of one session", "MB", (one) => one.megabytes);
    }
    return figures;
  },
};

async function once(clip: ClipName) {
  const receiving = await measure(clip, ["--mode", "none"]);
  const editing = await measure(clip, []);
  return { ...editing, receive: receiving.main, send: Math.max(0, editing.main - receiving.main) };
}

async function measure(clip: ClipName, args: string[]) {
  const mock = await startMockProcess(args);
  try {
    const idle = await mock.health();
    const result = await runSenders(mock, { clip, count: 1, waitForPictures: !args.includes("none") });
    const [first, last] = [result.sessionsBefore[0]!.media!, result.sessions[0]!.media!];
    const pictures = args.includes("none")
      ? (result.measureMs / 1000) * 30
      : last.picturesOut - first.picturesOut;
    const each = (name: "decodeMs" | "transformMs" | "encodeMs") => (last[name] - first[name]) / pictures;
    return {
      main: (result.after.process.mainThreadCpuMs! - result.before.process.mainThreadCpuMs!) / pictures,
      whole: (result.after.process.cpuMs - result.before.process.cpuMs) / pictures,
      decode: each("decodeMs"),
      transform: each("transformMs"),
      encode: each("encodeMs"),
      p50: last.residenceP50Ms,
      p99: last.residenceP99Ms,
      megabytes: (result.after.process.rssBytes - idle.process.rssBytes) / 1e6,
    };
  } finally {
    await mock.stop();
  }
}

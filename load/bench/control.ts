/** How soon the control API answers while sessions are connected. */
import { WebSocket } from "ws";
import { type Figure, quantile } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import { type MockProcess, startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";

const sessionCount = 50;
const requestCount = 1000;
/** Between two messages of one session. */
const promptIntervalMs = 100;

const questions = [
  ["health", "/_lucy/health"],
  ["sessions", "/_lucy/sessions"],
  ["journal, the last 100 lines", "/_lucy/journal?limit=100"],
  ["faults", "/_lucy/faults"],
] as const;

export const control: Bench = {
  name: "control",
  about: `Time from a request of the control API to the end of its answer, one request after the other over one connection, ${requestCount} of each and 100 before that do not count; ${sessionCount} sessions of the direct dialect are connected in mode none, each with a prompt every ${promptIntervalMs} ms.`,
  doubt:
    "It is waited for, and p99 is the first to suffer from a busy machine. The client's own share is in it.",
  async run(runs) {
    const taken = questions.map(() => ({ p50: [] as number[], p99: [] as number[] }));
    for (let run = 0; run < runs; run++) {
      const mock = await startMockProcess(["--mode", "none"]);
      const sessions = await Promise.all(Array.from({ length: sessionCount }, () => talk(mock)));
      try {
        for (const [index, [, path]] of questions.entries()) {
          for (let i = 0; i < 100; i++) await once(mock, path);
          const times: number[] = [];
          for (let i = 0; i < requestCount; i++) times.push(await once(mock, path));
          taken[index]!.p50.push(quantile(times, 0.5));
          taken[index]!.p99.push(quantile(times, 0.99));
        }
      } finally {
        for (const stop of sessions) stop();
        await mock.stop();
      }
    }
    return questions.flatMap(([name], index): Figure[] => [
      { name: `${name} p50`, unit: "ms", values: taken[index]!.p50 },
      { name: `${name} p99`, unit: "ms", values: taken[index]!.p99 },
    ]);
  },
};

/** Milliseconds. @throws Error when it is refused */
async function once(mock: MockProcess, path: string): Promise<number> {
  const startedMs = clock.now();
  const response = await fetch(mock.url + path);
  const text = await response.text();
  const tookMs = clock.now() - startedMs;
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${text}`);
  return tookMs;
}

/** A session that sets one prompt after the other; resolves once the first is acked. Call the result to end it. */
async function talk({ realtimeUrl }: MockProcess): Promise<() => void> {
  const socket = new WebSocket(`${realtimeUrl}/v1/stream?api_key=dct_load&model=lucy_2_rt`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let count = 0;
  let timer: { cancel(): void };
  const send = () => {
    socket.send(JSON.stringify({ type: "prompt", prompt: `prompt ${count++}` }));
    timer = clock.after(promptIntervalMs, send);
  };
  const acked = new Promise((resolve) => socket.once("message", resolve));
  send();
  await acked;
  return () => {
    timer.cancel();
    socket.terminate();
  };
}

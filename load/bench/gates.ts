/** What the gates of faults cost: with no fault declared, and with one in everybody's way that spoils nothing. */
import { WebSocket } from "ws";
import type { Declaration, FaultName } from "../../mock-server/index.ts";
import { type Figure, median } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import { type MockProcess, startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { runSenders } from "./run-senders.ts";

const clip = "vp8-720p30";
/** One hardly wakes the server; these use a fifth of a core of it, and a quarter of the generator's. */
const senderCount = 8;
/** Prompts that wait for their acks: enough that the server seldom waits for the next. */
const windowCount = 32;
/** By then the journal holds as many as it ever does, and forgets as many as come. */
const linesBefore = 120_000;
/** Short and many: whoever else runs here spoils some, and the median is of the others. */
const sliceMs = 500;
const sliceCount = 12;
/** What was on its way when a fault was declared or healed is through. */
const settleMs = 100;

const name: FaultName = "nothing";
const onBoth = (channel: "media" | "ice" | "control"): Declaration => ({ name, channel, direction: "both" });

type Variant = { readonly of: string; readonly faults: readonly Declaration[] };

const noFault: Variant = { of: "no fault", faults: [] };
const relayed = [
  noFault,
  { of: "nothing on media", faults: [onBoth("media")] },
  { of: "nothing on media, ice", faults: [onBoth("media"), onBoth("ice")] },
];
const prompted = [noFault, { of: "nothing on control", faults: [onBoth("control")] }];

/** Of one run: the median of its slices. */
type Cost = {
  readonly cpuUs: number;
  readonly itemsPerSecond: number;
  readonly linesPerSecond: number;
  readonly coresUsed: number;
};

/** So far. */
type Counts = { readonly itemCount: number; readonly lineCount: number };

export const gates: Bench = {
  name: "gates",
  about: `CPU of the whole server process, direct dialect: of an RTP packet that comes in and is relayed, its share of RTCP, timers and waking up with it (${senderCount} senders, 1280×720@30, clips made beforehand); and of a prompt with its ack (mode none, one session, ${windowCount} on their way at any time, once the journal is full). Each run has one server of each sort, where without a fault and with \`nothing\` in both directions take turns: ${sliceCount} slices of ${sliceMs} ms each, in another order each time; a run's value is their median. × is the ratio to the same run without a fault.`,
  doubt:
    "Take five runs and read the ratios, not the microseconds: on a shared machine, one run's ratio is out by 0.05, and more where others are busy; where a line below says that many pictures were sent late, by anything. Without a fault means that the last one was healed; what gates cost a server that never had one shows only beside one that has no gates. Prompts and lines a second are waited for: with fewer cores used than 0.9 the server waited for the sender or for the machine.",
  async run(runs) {
    const packets = relayed.map((): Cost[] => []);
    const prompts = prompted.map((): Cost[] => []);
    for (let run = 0; run < runs; run++) {
      for (const [index, cost] of (await relay(run)).entries()) packets[index]!.push(cost);
      for (const [index, cost] of (await prompt(run)).entries()) prompts[index]!.push(cost);
    }
    const cpu = (taken: Cost[]) => taken.map(({ cpuUs }) => cpuUs);
    const rate = (name: "itemsPerSecond" | "linesPerSecond") => (taken: Cost[]) =>
      taken.map((cost) => Math.round(cost[name]));
    return [
      ...row("relayed packet", "CPU µs", relayed, packets.map(cpu)),
      ...row("prompt and its ack", "CPU µs", prompted, prompts.map(cpu)),
      ...row("prompts acked", "a second", prompted, prompts.map(rate("itemsPerSecond"))),
      ...row("journal lines with that", "a second", prompted, prompts.map(rate("linesPerSecond"))),
      ...prompted.map(({ of }, index) => ({
        name: "cores used for that",
        of,
        unit: "",
        values: prompts[index]!.map(({ coresUsed }) => coresUsed),
      })),
    ];
  },
};

/** The first is without a fault, and what the others stand beside. */
function row(name: string, unit: string, variants: readonly Variant[], values: readonly number[][]) {
  return variants.map(
    ({ of }, index): Figure => ({
      name,
      of,
      unit,
      values: values[index]!,
      ...(index > 0 && { beside: values[0]! }),
    }),
  );
}

async function relay(run: number): Promise<Cost[]> {
  const mock = await startMockProcess(["--mode", "relay"]);
  const count = async () => {
    const sessions = await mock.sessions();
    return { itemCount: sessions.reduce((sum, { media }) => sum + media!.packetsIn, 0), lineCount: 0 };
  };
  let costs: Cost[] = [];
  try {
    const { fps, late } = await runSenders(mock, {
      clip,
      count: senderCount,
      measureMs: relayed.length * sliceCount * (sliceMs + settleMs),
      async meanwhile() {
        costs = await takeTurns(mock, relayed, { run, count });
      },
    });
    console.log(
      `  ${clip} × ${senderCount}: slowest ${Math.min(...fps).toFixed(1)} fps, sent late ${late.join(" ")}`,
    );
    return costs;
  } finally {
    await mock.stop();
  }
}

async function prompt(run: number): Promise<Cost[]> {
  const mock = await startMockProcess(["--mode", "none"]);
  try {
    const session = await talk(mock);
    for (let last = -1; last < linesBefore; ) {
      await clock.sleep(sliceMs);
      const seq = await lastSeq(mock);
      if (seq === last)
        throw new Error(`The session stopped at line ${seq} of the journal, before anything was measured.`);
      last = seq;
    }
    const count = async () => ({ lineCount: await lastSeq(mock), itemCount: session.ackCount });
    const costs = await takeTurns(mock, prompted, { run, count });
    session.end();
    return costs;
  } finally {
    await mock.stop();
  }
}

/** @throws Error where a fault met nothing, so that its figure would be one of no fault */
async function takeTurns(
  mock: MockProcess,
  variants: readonly Variant[],
  { run, count }: { run: number; count(): Promise<Counts> },
): Promise<Cost[]> {
  const look = async () => {
    const counts = await count();
    return { ...counts, cpuMs: (await mock.health()).process.cpuMs, atMs: clock.now() };
  };
  const slices = variants.map((): Cost[] => []);
  for (let slice = 0; slice < sliceCount; slice++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const index = (turn + slice + run) % variants.length;
      const { faults } = variants[index]!;
      await mock.heal();
      if (faults.length > 0) await mock.declare(faults);
      await clock.sleep(settleMs);
      const before = await look();
      await clock.sleep(sliceMs);
      const after = await look();
      const ms = after.atMs - before.atMs;
      const cpuMs = after.cpuMs - before.cpuMs;
      const itemCount = after.itemCount - before.itemCount;
      slices[index]!.push({
        cpuUs: (cpuMs * 1000) / itemCount,
        itemsPerSecond: (itemCount * 1000) / ms,
        linesPerSecond: ((after.lineCount - before.lineCount) * 1000) / ms,
        coresUsed: cpuMs / ms,
      });
    }
  }
  const idle = (await mock.faults()).find(({ fired }) => fired === 0);
  if (idle)
    throw new Error(
      `Fault ${idle.id} was declared and nothing passed it. The figures beside it mean nothing.`,
    );
  const middle = (taken: Cost[], name: keyof Cost) => median(taken.map((cost) => cost[name]));
  return slices.map((taken) => ({
    cpuUs: middle(taken, "cpuUs"),
    itemsPerSecond: middle(taken, "itemsPerSecond"),
    linesPerSecond: middle(taken, "linesPerSecond"),
    coresUsed: middle(taken, "coresUsed"),
  }));
}

/** How many lines the journal has had. */
async function lastSeq(mock: MockProcess): Promise<number> {
  const response = await fetch(`${mock.url}/_lucy/journal?limit=1`);
  return JSON.parse(await response.text()).seq;
}

/** A session that sends a prompt for each ack that comes, with `windowCount` on their way; resolves with the first ack. */
async function talk({ realtimeUrl }: MockProcess): Promise<{ readonly ackCount: number; end(): void }> {
  const socket = new WebSocket(`${realtimeUrl}/v1/stream?api_key=dct_load&model=lucy_2_rt`);
  const begun = Promise.withResolvers<void>();
  let sentCount = 0;
  let ackCount = 0;
  const send = () => socket.send(JSON.stringify({ type: "prompt", prompt: `prompt ${sentCount++}` }));
  socket.on("message", (data) => {
    if (JSON.parse(String(data)).type !== "prompt_ack") return;
    ackCount++;
    begun.resolve();
    send();
  });
  socket.on("open", () => {
    for (let i = 0; i < windowCount; i++) send();
  });
  socket.on("error", begun.reject);
  socket.on("close", (code, reason) => begun.reject(new Error(`closed with ${code} ${reason}`)));
  await begun.promise;
  return {
    get ackCount() {
      return ackCount;
    },
    end: () => socket.terminate(),
  };
}

/** What a run of load counted, in words, once for all who show it. */
import type { Figure } from "./figure.ts";
import type { LoadRecord } from "./load-record.ts";
import type { RunResult } from "./result.ts";

type Part = readonly [count: string, words: string];

const rows: readonly { readonly name: string; readonly parts: readonly Part[] }[] = [
  {
    name: "sessions",
    parts: [
      ["sessions-due", "due"],
      ["sessions-late", "came late"],
      ["sessions-connected", "connected"],
      ["sessions-failed", "failed"],
      ["sessions-ended", "ended early"],
      ["reconnects", "reconnected"],
    ],
  },
  {
    name: "pictures",
    parts: [
      ["frames-due", "due"],
      ["frames-sent", "sent"],
      ["frames-received", "back"],
      ["frames-repeated", "repeated"],
      ["freezes", "freezes"],
      ["frames-lost", "lost"],
    ],
  },
  {
    name: "sets",
    parts: [
      ["sets-called", "called"],
      ["sets-acked", "acked"],
      ["sets-visible", "visible"],
      ["sets-failed", "failed"],
    ],
  },
];

/** What is the generator's own fault, and seldom. */
const onlyWhereAny: readonly string[] = ["sessions-late"];

/** Sessions and pictures, and sets where there were any; then what told pictures apart, and where the time went. Nothing without a record of load. */
export function loadAmounts({ load, figures }: RunResult): readonly { name: string; words: string }[] {
  if (!load) return [];
  const { measurement, serverMs, transport } = load;
  const of = (name: string) => measurement.counts[name] ?? 0;
  const counted = rows
    .filter(({ parts }) => of(parts[0]![0]) > 0)
    .map(({ name, parts }) => ({
      name,
      words: parts
        .filter(([count]) => of(count) > 0 || !onlyWhereAny.includes(count))
        .map(([count, words]) => `${of(count)} ${words}${shareOf(count, of)}`)
        .join(" · "),
    }));
  const carriers = [
    ...(of("frames-by-metadata") > 0 ? [`metadata ${of("frames-by-metadata")}`] : []),
    ...(of("frames-by-strip") > 0 ? [`strip ${of("frames-by-strip")}`] : []),
    ...(of("frames-unknown") > 0 ? [`nothing ${of("frames-unknown")}`] : []),
    ...(of("signatures-found") + of("signatures-refused") > 0
      ? [
          `signature in ${of("signatures-found")} of ${of("signatures-found") + of("signatures-refused")} windows`,
        ]
      : []),
  ];
  const { roundTripMs, jitterMs, packetsReceived, packetsLost, keyRequests, picturesUnseen } = transport;
  const ms = (value: number | null, words: string) =>
    value === null ? [] : [`${value.toFixed(1)} ms ${words}`];
  const some = (value: number | null, words: string) => (value === null ? [] : [`${value} ${words}`]);
  const spent = [
    ...ms(roundTripMs, "round trip"),
    ...ms(jitterMs, "jitter"),
    ...(packetsLost !== null && packetsReceived !== null
      ? [`${packetsLost} of ${packetsLost + packetsReceived} packets lost`]
      : []),
    ...some(keyRequests, "key requests"),
    ...some(picturesUnseen, "pictures unseen"),
  ];
  return [
    ...counted,
    ...(carriers.length > 0 ? [{ name: "told by", words: carriers.join(" · ") }] : []),
    ...(serverMs === null ? [] : [{ name: "delay", words: delayWords(figures, serverMs, roundTripMs) }]),
    ...(spent.length > 0 ? [{ name: "network", words: spent.join(" · ") }] : []),
    ...(load.shards.length > 0 ? [{ name: "generator", words: generatorWords(load.shards) }] : []),
  ];
}

/** How the generator kept up: of the worst of its processes, and what all of them cost. */
function generatorWords(shards: LoadRecord["shards"]): string {
  const worst = (name: keyof LoadRecord["shards"][number]) => Math.max(...shards.map((shard) => shard[name]));
  const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
  const cores = shards.reduce((sum, { cpuCores }) => sum + cpuCores, 0);
  return [
    `thread ${percent(worst("eventLoopBusy"))} busy`,
    `stalled ${percent(worst("eventLoopStalled"))}, up to ${worst("eventLoopLagMaxMs").toFixed(0)} ms`,
    `${cores.toFixed(1)} cores`,
    `machine ${percent(worst("machineBusy"))} busy`,
  ].join(" · ");
}

/** Lost is a share of those whose fate is known. */
function shareOf(count: string, of: (name: string) => number): string {
  if (count !== "frames-lost" || of("frames-lost") === 0 || of("frames-decided") === 0) return "";
  return ` (${((of("frames-lost") / of("frames-decided")) * 100).toFixed(1)} %)`;
}

/**
 * Glass to glass in its parts, each a median of its own: what the server says that it kept a picture, one round trip of the transport (a picture goes
 * there and comes back), and what is left, which is the client and whatever else is between the two. Transports look every five seconds only: of
 * sessions shorter than that, the one round trip they know is of connecting, when everybody is busy.
 */
function delayWords(figures: readonly Figure[], serverMs: number, roundTripMs: number | null): string {
  const glassMs = figures.find(({ name, of }) => name === "glass-to-glass" && of === "p50")?.values[0];
  const parts = [
    `server ${serverMs.toFixed(1)}`,
    ...(roundTripMs === null ? [] : [`network ${roundTripMs.toFixed(1)}`]),
  ].join(" + ");
  const sources = ["the server's own word", ...(roundTripMs === null ? [] : ["a session's last round trip"])];
  if (glassMs === undefined) return `${parts} ms (medians: ${sources.join(", ")})`;
  const restMs = glassMs - serverMs - (roundTripMs ?? 0);
  const whole = `${glassMs.toFixed(1)} ms`;
  if (restMs < 0)
    return `${whole}, yet ${parts} are ${(-restMs).toFixed(1)} more: medians need not add up, and sessions of some seconds only know the round trip of connecting. Hold them for longer.`;
  const rest = `${roundTripMs === null ? "client and network" : "client"} ${restMs.toFixed(1)}`;
  return `${whole} = ${parts} + ${rest} (medians: ${sources.join(", ")}; the client is what is left)`;
}

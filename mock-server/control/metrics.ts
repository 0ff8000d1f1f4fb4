/**
 * The server's figures for Prometheus. The one file that imports prom-client, with a registry for each server and never the global one. It
 * reads everything when it is asked, and keeps nothing but the delays of the event loop. A look changes nothing for the next one.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { Clock } from "../clock.ts";
import type { Journal } from "../journal.ts";
import type { MockServer } from "../server.ts";
import type { Counts, MediaTotals, Tally } from "./tally.ts";

export type Metrics = {
  readonly contentType: string;
  read(): Promise<string>;
};

type Row = { readonly labels: Record<string, string>; readonly value: number };

/** How often the loop's lateness is measured. Milliseconds. */
const lagResolutionMs = 10;
/** What a look shows at least, if the server has run as long: longer than most wait between two. */
export const lagWindowMs = 60_000;

export function createMetrics(
  server: Pick<MockServer, "sessions" | "open"> & { readonly journal: Journal },
  tally: Tally,
  machineClock: Pick<Clock, "now">,
): Metrics {
  const registry = new Registry();
  // It measures, and decides nothing. How late the loop came to what was due: the machine's time, whatever clock the server runs on.
  const startLag = () => {
    const delays = monitorEventLoopDelay({ resolution: lagResolutionMs });
    delays.enable();
    return delays;
  };
  /** The older is what is shown; the younger takes its place, however many look, once it has what a window has. */
  let [older, younger] = [startLag(), startLag()];
  let youngerSinceMs = machineClock.now();
  const stop = server.journal.follow(({ kind }) => {
    if (kind !== "server-stopped") return;
    older.disable();
    younger.disable();
    stop();
  });

  function gauge(name: string, help: string, labelNames: readonly string[], rows: () => Row[]): void {
    const metric = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        metric.reset();
        for (const { labels, value } of rows()) metric.set(labels, value);
      },
    });
  }

  function counter(name: string, help: string, labelNames: readonly string[], rows: () => Row[]): void {
    const metric = new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        // What counts is the tally; this only writes it down.
        metric.reset();
        for (const { labels, value } of rows()) metric.inc(labels, value);
      },
    });
  }

  const one = (value: number): Row[] => [{ labels: {}, value }];
  const counted = (names: readonly string[], counts: Counts) => () =>
    counts.rows.map(({ key, count }) => ({
      labels: Object.fromEntries(names.map((name, index) => [name, key[index]!])),
      value: count,
    }));
  function tallied(name: string, help: string, labelNames: readonly string[], counts: Counts): void {
    counter(name, help, labelNames, counted(labelNames, counts));
  }

  gauge("lucy_sessions", "Sessions that run, by dialect and phase.", ["dialect", "phase"], () => {
    const rows = new Map<string, Row & { value: number }>();
    for (const { dialect, phase } of server.sessions) {
      const labels = { dialect: dialect ?? "none", phase };
      const row = rows.get(`${labels.dialect} ${phase}`) ?? { labels, value: 0 };
      rows.set(`${labels.dialect} ${phase}`, { labels, value: row.value + 1 });
    }
    return [...rows.values()];
  });
  for (const [name, of] of [
    ["sockets", "WebSockets"],
    ["peers", "Peer connections"],
    ["codecs", "Sessions with a codec"],
    ["workers", "Codec workers"],
    ["timers", "Timers set on the server's clock"],
  ] as const) {
    gauge(`lucy_open_${name}`, `${of}, right now.`, [], () => one(server.open[name]));
  }
  tallied("lucy_messages_total", "Messages, by direction and kind.", ["direction", "kind"], tally.messages);
  tallied("lucy_acks_total", "Acks of state messages, ok or failed.", ["result"], tally.acks);
  tallied(
    "lucy_closes_total",
    "Closes of sockets: said to a client (to-client), come from one (to-server).",
    ["socket", "direction", "code"],
    tally.closes,
  );
  tallied(
    "lucy_faults_fired_total",
    "Faults that fired, by name, each time: the journal has a fault's first times in a session only.",
    ["fault"],
    tally.faults,
  );
  tallied("lucy_http_requests_total", "HTTP requests answered, by status.", ["status"], tally.answers);
  for (const [name, field, help] of [
    ["lucy_packets_received_total", "packetsIn", "RTP packets of pictures that came in."],
    ["lucy_pictures_received_total", "picturesIn", "Pictures that came in whole (transcode only)."],
    ["lucy_pictures_sent_total", "picturesOut", "Pictures that left."],
    [
      "lucy_pictures_dropped_total",
      "dropped",
      "Pictures that came in and were passed over, as a newer one was there.",
    ],
    ["lucy_pictures_undecodable_total", "undecodable", "Pictures that came in and could not be decoded."],
    ["lucy_sent_bytes_total", "bytesOut", "Bytes of pictures that left, before RTP."],
    ["lucy_key_requests_received_total", "keyRequestsIn", "Key pictures that clients and viewers asked for."],
    ["lucy_key_requests_sent_total", "keyRequestsOut", "Key pictures that clients were asked for."],
  ] as const satisfies readonly (readonly [string, keyof MediaTotals, string])[]) {
    counter(name, help, [], () => one(tally.media()[field]));
  }
  gauge("lucy_journal_lines", "Lines of the journal that are held.", [], () =>
    one(server.journal.lines.length),
  );
  gauge(
    "lucy_event_loop_lag_seconds",
    `How late the event loop was in the last ${lagWindowMs / 1000} to ${(2 * lagWindowMs) / 1000} s, or longer if nobody looked.`,
    ["quantile"],
    () => {
      // What is due anyway is no delay.
      const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - lagResolutionMs / 1000);
      const rows = [50, 99, 100].map((percent) => ({
        labels: { quantile: String(percent / 100) },
        value: older.count === 0 ? 0 : late(older.percentile(percent)),
      }));
      const nowMs = machineClock.now();
      if (nowMs - youngerSinceMs >= lagWindowMs) {
        [older, younger] = [younger, older];
        younger.reset();
        youngerSinceMs = nowMs;
      }
      return rows;
    },
  );
  gauge("lucy_resident_memory_bytes", "Resident memory of the whole process.", [], () =>
    one(process.memoryUsage.rss()),
  );

  return { contentType: registry.contentType, read: () => registry.metrics() };
}

/** Which machine measured, in words: where several did, a result names each. */
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** By name; of the process that asks, at that moment. */
export function machineWords(): Record<string, string> {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: String(availableParallelism()),
    memory: `${(totalmem() / 1024 ** 3).toFixed(1)} GiB`,
    "load average": loadavg()[0]!.toFixed(1),
  };
}

/** What shards' machines come to: alike ones are told once, others side by side, by name in one order; of load averages the highest counts. */
export function addMachines(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const names = [...new Set(all.flatMap(Object.keys))];
  const lasting = names.filter((name) => name !== "load average");
  const rows = all.map((machine) => lasting.map((name) => machine[name] ?? "unknown"));
  const kinds = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
  const loads = all.map((machine) => Number(machine["load average"] ?? Number.NaN)).filter(Number.isFinite);
  return {
    ...Object.fromEntries(
      lasting.map((name, column) => {
        const values = kinds.map((row) => row[column]!);
        return [name, new Set(values).size === 1 ? values[0]! : values.join(" | ")];
      }),
    ),
    ...(loads.length > 0 && { "load average": Math.max(...loads).toFixed(1) }),
  };
}

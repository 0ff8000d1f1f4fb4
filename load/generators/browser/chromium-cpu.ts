/** What all processes of this process's browsers have cost so far, as Linux counts it. */
import { readdirSync, readFileSync } from "node:fs";

/** The kernel's clock ticks at 100 Hz wherever Node runs on Linux. */
const tickMs = 10;

type Process = { readonly pid: number; readonly parent: number; readonly cpuMs: number };

/** CPU of Chromiums that this process has started, their renderers and services included. Milliseconds. @throws Error where there is no /proc */
export function chromiumCpuMs(): number {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  const childrenOf = (pid: number): Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...childrenOf(child.pid)]);
  const browsers = childrenOf(process.pid).filter(({ pid }) => isBrowser(pid));
  return browsers
    .flatMap((browser) => [browser, ...childrenOf(browser.pid)])
    .reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** `null`: it has ended meanwhile. */
function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name in parentheses, which may have blanks in it: state, parent, … user ticks, system ticks (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs };
  } catch {
    return null;
  }
}

/** The first of a Chromium's processes: those that it starts say what they are for. */
function isBrowser(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return words.includes("--remote-debugging-pipe") && !words.includes("--type=");
  } catch {
    return false;
  }
}

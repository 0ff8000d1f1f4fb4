/** The commands a person types, typed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

test.each([
  { args: [], scheme: "http" },
  { args: ["--mode", "relay"], scheme: "http" },
  { args: ["--tls"], scheme: "https" },
  { args: ["--scenario", "mock-server/scenarios/flaky.yaml", "--clock", "manual"], scheme: "http" },
])("npm start $args says where it listens, answers, and stops when asked", async ({ args, scheme }) => {
  const { lines, exit } = npm("start", "--silent", "--", "--port", "0", ...args);
  const banner = await until(lines, /Stop/);
  const url = /Open +(\S+)\//.exec(banner)![1]!;
  expect(url).toMatch(new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+$`));
  expect(banner).toContain(`realtimeBaseUrl: "${url.replace("http", "ws")}"`);
  if (scheme === "http") expect((await fetch(`${url}/_lucy/health`)).status).toBe(200);
  child!.kill("SIGTERM");
  // npm passes the signal on and dies of it itself; that its output has ended says that everything behind it is gone.
  expect(await until(lines, null)).toContain("Stopping…");
  await exit;
});

test.each([
  [["--port", "99999"], "It takes a whole number from 0 to 65535."],
  [["--mode", "fast"], "It takes transcode, relay or none."],
  [["--host", "203.0.113.1"], "203.0.113.1 is no address of this machine."],
])("npm start %j says what is wrong and exits", async (args, sentence) => {
  const { lines, exit } = npm("start", "--silent", "--", "--port", "0", ...args);
  expect(await until(lines, null)).toContain(sentence);
  expect(await exit).toBe(1);
});

test("a port that is taken is named", async () => {
  const first = npm("start", "--silent", "--", "--port", "0");
  const port = /:(\d+)\//.exec(await until(first.lines, /Stop/))![1]!;
  const holder = child!;
  const { lines, exit } = npm("start", "--silent", "--", "--port", port);
  expect(await until(lines, null)).toContain(`Port ${port} on 127.0.0.1 is taken.`);
  expect(await exit).toBe(1);
  holder.kill("SIGTERM");
  expect(await until(first.lines, null)).toContain("Stopping…");
});

test("npm run bench prints a table", async () => {
  const { lines, exit } = npm("run", "bench", "--silent", "--", "--only", "start", "--runs", "1");
  expect(await until(lines, null)).toMatch(/start to healthy +\d+/);
  expect(await exit).toBe(0);
}, 60_000);

// The long form only: it makes every clip and image anew, and git says whether a byte has changed.
if (process.env.LUCY_LONG) {
  test("npm run fixtures makes the committed files again, byte for byte", async () => {
    const { lines, exit } = npm("run", "fixtures", "--silent");
    expect(await until(lines, null)).toContain("clips/vp8-720p30.ivf");
    expect(await exit).toBe(0);
    expect(execFileSync("git", ["status", "--porcelain", "fixtures"], { cwd: root, encoding: "utf8" })).toBe(
      "",
    );
  }, 180_000);
}

/** Runs npm; stdout and stderr come as one. */
function npm(...words: string[]) {
  child = spawn("npm", words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const spawned = child;
  const exit = once(child, "exit").then(([code]) => code as number);
  async function* both(): AsyncGenerator<string> {
    const queue: string[] = [];
    let wake = () => {};
    let open = 2;
    for (const stream of [spawned.stdout!, spawned.stderr!]) {
      createInterface(stream)
        .on("line", (line) => {
          queue.push(line);
          wake();
        })
        .on("close", () => {
          open--;
          wake();
        });
    }
    while (open > 0 || queue.length > 0) {
      if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      yield* queue.splice(0);
    }
  }
  return { lines: both(), exit };
}

/** What was printed up to the line that matches, or to the end. */
async function until(lines: AsyncGenerator<string>, pattern: RegExp | null): Promise<string> {
  let text = "";
  for (;;) {
    const { value, done } = await lines.next();
    if (done) return text;
    text += `${value}\n`;
    if (pattern?.test(value)) return text;
  }
}

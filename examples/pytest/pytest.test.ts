/** The example for pytest, run where there is a Python with it. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const repository = join(import.meta.dirname, "..", "..");
const named = process.env.LUCY_PYTHON ? [process.env.LUCY_PYTHON] : [];
const python = [...named, "python3", "/usr/bin/python3", "python"].find(
  (python) => spawnSync(python, ["-m", "pytest", "--version"]).status === 0,
);

/** As npx does, it starts another process and keeps signals to itself. */
const keeper = `import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const [pidFile, ...command] = process.argv.slice(2);
const child = spawn(process.execPath, command, { stdio: "inherit" });
writeFileSync(pidFile, String(child.pid));
child.on("exit", (code) => process.exit(code ?? 1));
`;

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.skipIf(!python)(
  `the example passes, and leaves no server${python ? "" : ": unsupported here, as there is no Python with pytest (pip install pytest)"}`,
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "lucy-pytest-"));
    const pidFile = join(folder, "pid");
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "keeper.mjs"), keeper);
    const command = [process.execPath, join(folder, "keeper.mjs"), pidFile, join(repository, "cli.ts")];
    const env = {
      ...process.env,
      LUCY_TESTKIT: command.map((word) => `"${word}"`).join(" "),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const said = await new Promise<string>((resolve) => {
      execFile(python!, ["-m", "pytest"], { cwd: import.meta.dirname, env }, (_error, out, errors) =>
        resolve(out + errors),
      );
    });
    const pid = Number(readFileSync(pidFile, "utf8"));
    onTestFinished(() => {
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    });
    expect(said).toContain("3 passed");
    expect(isRunning(pid)).toBe(false);
  },
);

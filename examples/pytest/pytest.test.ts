/** The example for pytest, run where there is a Python with it. */
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const repository = join(import.meta.dirname, "..", "..");
const named = process.env.LUCY_PYTHON ? [process.env.LUCY_PYTHON] : [];
const python = [...named, "python3", "/usr/bin/python3", "python"].find(
  (python) => spawnSync(python, ["-m", "pytest", "--version"]).status === 0,
);

test.skipIf(!python)(
  `the example passes${python ? "" : ": unsupported here, as there is no Python with pytest (pip install pytest)"}`,
  { timeout: 60_000 },
  async () => {
    const env = {
      ...process.env,
      LUCY_TESTKIT: `"${process.execPath}" "${join(repository, "cli.ts")}"`,
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const said = await new Promise<string>((resolve) => {
      execFile(python!, ["-m", "pytest"], { cwd: import.meta.dirname, env }, (_error, out, errors) =>
        resolve(out + errors),
      );
    });
    expect(said).toContain("3 passed");
  },
);

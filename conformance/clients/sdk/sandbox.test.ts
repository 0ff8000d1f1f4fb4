/** Who the client `sdk` starts Chromium with a sandbox for, seen by a program that stands in for Chromium. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const cli = join(import.meta.dirname, "../../../cli.ts");
/** Nobody, where this is root, who can be anybody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const chromium = `#!/bin/sh
echo "$@" > "$(dirname "$0")/flags"
echo "No usable sandbox!" >&2
exit 1
`;

/** What Chromium was started with, and what the command said of its end. */
async function start(environment: NodeJS.ProcessEnv): Promise<{ flags: string[]; said: string }> {
  const cwd = mkdtempSync(join(tmpdir(), "lucy-sandbox-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  chmodSync(cwd, 0o777);
  const path = join(cwd, "chromium");
  writeFileSync(path, chromium);
  chmodSync(path, 0o755);
  const args = [cli, "conformance", "--client", "sdk@0.0.46", "--only", "connect/plain"];
  const env = { ...process.env, HOME: cwd, LUCY_CHROMIUM: path, LUCY_NO_SANDBOX: "", ...environment };
  const child = spawn(process.execPath, args, { cwd, env, ...nobody });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  await new Promise((resolve) => child.once("close", resolve));
  return { flags: readFileSync(join(cwd, "flags"), "utf8").split(/\s+/), said };
}

test.skipIf(process.platform === "win32")(
  "the page has one, but where that is waived, and a system without any is a sentence",
  async () => {
    const { flags, said } = await start({});
    expect(flags).toContain("--headless=new");
    expect(flags).not.toContain("--no-sandbox");
    expect(said).toMatch(
      /^lucy-testkit: \S+chromium finds no sandbox that it could use on this system\. .*: LUCY_NO_SANDBOX=1\.\n$/,
    );
    const waived = await start({ LUCY_NO_SANDBOX: "1" });
    expect(waived.flags).toContain("--no-sandbox");
    expect(waived.said).not.toContain("LUCY_NO_SANDBOX");
  },
  60_000,
);

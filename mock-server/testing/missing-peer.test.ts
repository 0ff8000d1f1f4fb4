/** Where vitest or @playwright/test is not installed, importing what is for it says one sentence. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { missingPeer } from "./missing-peer.ts";

const run = promisify(execFile);

/** A process in which nobody finds the package. */
async function importWithout(name: string, file: string): Promise<string> {
  const code = `
    const { registerHooks } = await import("node:module");
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== ${JSON.stringify(name)}) return next(specifier, context);
        throw Object.assign(new Error("Cannot find package '${name}'"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });
    await import(${JSON.stringify(new URL(file, import.meta.url).href)}).catch(({ stack, cause = "" }) => console.log(stack + cause));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code]);
  return stdout.trim();
}

test.each([
  ["vitest", "./vitest.ts", "lucy-testkit/vitest needs vitest"],
  ["@playwright/test", "./playwright.ts", "lucy-testkit/playwright needs @playwright/test"],
])("%s", async (name, file, begins) => {
  expect(await importWithout(name, file)).toBe(
    `Error: ${begins}, which is not installed. Run npm install --save-dev ${name}.`,
  );
});

test("what else goes wrong is told as it is", () => {
  const other = Object.assign(new Error("Cannot find package 'other'"), { code: "ERR_MODULE_NOT_FOUND" });
  expect(missingPeer("vitest", "vitest", other)).toBe(other);
});

/** The reference client: small, written from the protocol's description, and right; or, as a mutant, wrong in one thing. */
import { join } from "node:path";
import type { Client, Dialect } from "../../client.ts";
import type { Clock } from "../../clock.ts";
import { openStdioDriver } from "../stdio-driver.ts";

export type ReferenceAbout = {
  readonly dialect: Dialect;
  /** The name of one in `mutants/clients.ts`. */
  readonly mutant?: string;
};

export function referenceClient({ dialect, mutant }: ReferenceAbout, clock: Clock): Client {
  const name = mutant === undefined ? `reference-${dialect}` : `reference-${dialect}+${mutant}`;
  const script = join(import.meta.dirname, "driver.ts");
  const args = [script, "--dialect", dialect, ...(mutant === undefined ? [] : ["--mutant", mutant])];
  return {
    name,
    open: () => openStdioDriver({ command: process.execPath, args, name, clock }),
    async close() {},
  };
}

/** The generators, by name; each is loaded when it is wanted. */
import type { Clock } from "../clock.ts";
import type { Generator, GeneratorName } from "../generator.ts";

/** `hosts`: that pages may reach besides the target's own; `node` reaches whatever the service names. */
export async function openGenerator(
  name: GeneratorName,
  clock: Clock,
  hosts: readonly string[] = [],
): Promise<Generator> {
  if (name === "node") return (await import("./node/index.ts")).createNodeGenerator({ clock });
  return (await import("./browser/index.ts")).createBrowserGenerator({ clock, hosts });
}

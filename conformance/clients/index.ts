/** Who can be judged, by the names that `--client` takes. */
import { nearest } from "../../protocol/index.ts";
import type { Client } from "../client.ts";
import type { Clock } from "../clock.ts";

/** `reference` stands for both dialects. */
const names = [
  "reference-direct",
  "reference-livekit",
  "reference",
  "aiortc",
  "websocket",
  "sdk@0.1.20",
] as const;

/** As help and errors list them. */
export const clientsKnown =
  "sdk@<version>, sdk@file:<folder or tarball>, either with +livekit-client-<release>, reference-direct, reference-livekit, reference for both, aiortc, websocket";

export class ClientError extends Error {}

/** The clients that one `--client` names, and how to open each. @throws ClientError for a name that nobody has */
export function clientNames(given: string): string[] {
  return given
    .split(",")
    .map((name) => name.trim())
    .flatMap((name) => (name === "reference" ? ["reference-direct", "reference-livekit"] : [name]))
    .filter((name) => {
      if (/^(reference-(direct|livekit)(\+[a-z-]+)?|aiortc|command|websocket|sdk@.+)$/.test(name))
        return true;
      const near = nearest(name, names);
      throw new ClientError(
        `There is no client "${name.slice(0, 60)}".${near ? ` Did you mean ${near}?` : ""} There are ${clientsKnown}, and with --client-command any other.`,
      );
    });
}

export type OpenAbout = {
  /** What starts a driver, for `command`. */
  readonly command?: string | null | undefined;
  /** Where `websocket` waits for drivers; 0 picks a port. */
  readonly driverPort?: number | undefined;
  /** Hears what a person has to know. */
  readonly tell?: ((sentence: string) => void) | undefined;
};

/** @throws Error with a sentence where it cannot be had here */
export async function openClient(
  name: string,
  clock: Clock,
  { command = null, driverPort = 0, tell = () => {} }: OpenAbout = {},
): Promise<Client> {
  // Each loaded when it is asked for: a browser, WebRTC and LiveKit weigh much.
  if (name.startsWith("sdk@")) return (await import("./sdk/index.ts")).sdkClient(name, clock);
  if (name === "aiortc") return (await import("./aiortc/index.ts")).aiortcClient(clock);
  if (name === "command") {
    if (command === null) {
      throw new ClientError('The client "command" needs to be told: --client-command "python my_driver.py".');
    }
    return (await import("./command.ts")).commandClient(command, clock);
  }
  if (name === "websocket") {
    return (await import("./websocket.ts")).websocketClient(clock, { port: driverPort, tell });
  }
  const [, dialect, mutant] = /^reference-(direct|livekit)(?:\+(.+))?$/.exec(name)!;
  if (mutant) {
    const { mutants } = await import("../mutants/clients.ts");
    const known = mutants.map((one) => one.name);
    const near = nearest(mutant, known);
    if (!known.includes(mutant)) {
      throw new ClientError(
        `There is no mutant "${mutant}" of the reference client.${near ? ` Did you mean ${near}?` : ""} There are ${known.join(", ")}.`,
      );
    }
  }
  const { referenceClient } = await import("./reference/index.ts");
  return referenceClient({ dialect: dialect as "direct" | "livekit", ...(mutant && { mutant }) }, clock);
}

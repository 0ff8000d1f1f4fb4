/**
 * The reference client as a process that speaks the driver contract over its stdin and stdout.
 *
 *     node conformance/clients/reference/driver.ts --dialect direct|livekit [--mutant name]
 */
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { loadCodec } from "../../../mock-server/index.ts";
import {
  type Capability,
  capabilityNames,
  contractVersion,
  type Dialect,
  type DriverEvent,
  dialects,
  type Request,
} from "../../client.ts";
import { realClock } from "../../clock.ts";
import { correct, type Policy } from "./policy.ts";
import { createReferenceClient, type ReferenceClient } from "./reference-client.ts";
import { createSteppedClock, type SteppedClock } from "./stepped-clock.ts";

/** Sockets are real: who steps time by and by leaves them so much of it with each step. */
const socketMsMax = 20;

type Verbs = Record<string, (args: never) => unknown>;

function verbsOf(client: ReferenceClient, clock: SteppedClock): Verbs {
  return {
    connect: client.connect,
    set: client.set,
    setPrompt: client.setPrompt,
    setImage: client.setImage,
    disconnect: client.disconnect,
    subscribe: client.subscribe,
    createToken: client.createToken,
    upload: client.upload,
    replaceTrack: client.replaceTrack,
    snapshot() {
      const png = client.snapshot();
      if (!png) throw new Error("No picture has been shown yet.");
      return { png: Buffer.from(png).toString("base64") };
    },
    open: () => ({ ...client.open(), timers: clock.waitingCount }),
    async advance({ ms }: { ms: number }) {
      await clock.advance(ms);
      await new Promise<void>((resolve) => realClock.after(Math.min(ms, socketMsMax), resolve));
    },
  };
}

const without: Record<Dialect, readonly Capability[]> = { direct: ["queue"], livekit: [] };

async function policyOf(mutant: string | undefined): Promise<Policy> {
  if (mutant === undefined) return correct;
  const place = `../../mutants/clients${extname(import.meta.filename)}`;
  const { mutants } = (await import(place)) as {
    mutants: readonly { readonly name: string; change(policy: Policy): Policy }[];
  };
  const found = mutants.find(({ name }) => name === mutant);
  if (!found) {
    const names = mutants.map(({ name }) => name).join(", ");
    throw new Error(`There is no mutant named "${mutant}". The mutants are ${names}.`);
  }
  return found.change(correct);
}

function say(event: DriverEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const quitMsMax = 1000;

/** Says goodbye to the server where that is quick. */
async function quit(client: ReferenceClient): Promise<void> {
  realClock.after(quitMsMax, () => process.exit(0));
  await client.disconnect();
  process.exit(0);
}

async function answer(verbs: Verbs, { id, verb, ...args }: Request): Promise<void> {
  try {
    const run = verbs[verb];
    if (!run) throw new Error(`There is no verb "${verb}".`);
    const value = (await run(args as never)) as Record<string, unknown> | undefined;
    say({ event: "result", id, ok: true, ...(value && { value }) });
  } catch (error) {
    say({ event: "result", id, ok: false, error: (error as Error).message });
  }
}

const { values } = parseArgs({ options: { dialect: { type: "string" }, mutant: { type: "string" } } });
const dialect = dialects.find((name) => name === values.dialect);
if (!dialect) {
  throw new Error(`--dialect takes ${dialects.join(" or ")}, not ${JSON.stringify(values.dialect)}.`);
}
const policy = await policyOf(values.mutant);
const codecs = await loadCodec().catch(() => null);
// Loaded before hello, so that no connect waits for it; rtc-node writes a log to stdout unless this is production.
process.env.NODE_ENV = "production";
await (dialect === "direct" ? import("./peer.ts") : import("./room.ts").then(({ loadRtc }) => loadRtc()));

const clock = createSteppedClock(realClock);
const client = createReferenceClient({ dialect, policy, clock, live: realClock, codecs, tell: say });
const verbs = verbsOf(client, clock);
const canShow = codecs !== null || dialect === "livekit";
say({
  event: "hello",
  contract: contractVersion,
  client: `reference-${dialect}${values.mutant === undefined ? "" : `+${values.mutant}`}`,
  dialect,
  capabilities: capabilityNames.filter(
    (name) => !without[dialect].includes(name) && (canShow || (name !== "frames" && name !== "snapshot")),
  ),
});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const request = JSON.parse(line) as Request;
    void (request.verb === "quit" ? quit(client) : answer(verbs, request));
  })
  .on("close", () => void quit(client));

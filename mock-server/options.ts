/**
 * Every option of the mock server, once: this table feeds the types' defaults, the command line, `--help` and docs/. An
 * option that is not here does not exist.
 */
import { type MediaMode, mediaModes } from "./media/pipeline.ts";
import { type PromptOnlySet, promptOnlySets } from "./state.ts";

export const keyRules = ["any", "minted", "off"] as const;
export const ackMoments = ["accepted", "applied"] as const;
export const sizeRules = ["input", "model"] as const;
export const refusals = ["refuse", "accept"] as const;
export const clockModes = ["real", "manual"] as const;

export type MockServerOptions = {
  host: string;
  port: number;
  tls: boolean;
  seed: number;
  clock: (typeof clockModes)[number];
  scenario: string | null;
  mode: MediaMode;
  latencyMs: number;
  strips: boolean;
  frameLines: boolean;
  size: (typeof sizeRules)[number];
  ackWhen: (typeof ackMoments)[number];
  promptOnlySet: PromptOnlySet;
  sessionsMax: number | null;
  keys: (typeof keyRules)[number];
  unknownModels: (typeof refusals)[number];
  imageOnTextModel: (typeof refusals)[number];
  udpPorts: string | null;
  queue: number;
  queueStepMs: number;
  livekitUrl: string | null;
  livekitKey: string | null;
  livekitSecret: string | null;
};

export type OptionName = keyof MockServerOptions;

export type OptionRow<Name extends OptionName = OptionName> = {
  readonly name: Name;
  readonly flag: string;
  readonly default: MockServerOptions[Name];
  /** One sentence, for `--help` and docs/options.md. */
  readonly about: string;
  /** Reads what a person typed; throws a RangeError that says what is allowed. */
  parse(text: string): MockServerOptions[Name];
};

export const optionTable: readonly OptionRow[] = [
  row(
    "host",
    "--host <address>",
    "127.0.0.1",
    "Address to listen on, for HTTP, WebSocket and media.",
    address,
  ),
  row("port", "--port <number>", 8787, "Port to listen on; 0 picks a free one.", whole(0, 65_535)),
  row("tls", "--tls", false, "Serve https and wss with a certificate made at start.", flag),
  row("seed", "--seed <number>", 1, "Seed of every id and every other thrown die.", whole(0, 2 ** 32 - 1)),
  row(
    "clock",
    "--clock <mode>",
    "real",
    "What times ticks, limits, queues, tokens and faults: real time, or manual: it stands until it is told to go on.",
    oneOf(clockModes),
  ),
  row(
    "scenario",
    "--scenario <file>",
    null,
    "A YAML file with faults for every session, and named scenarios that a client asks for by its key, mock:<name>.",
    filePath,
  ),
  row(
    "mode",
    "--mode <mode>",
    "transcode",
    "What happens to pictures: transcode edits them, relay sends them back untouched without a codec, none throws them away.",
    oneOf(mediaModes),
  ),
  row(
    "latencyMs",
    "--latency <ms>",
    0,
    "Age of a picture when it leaves, at least; production takes some 285.",
    whole(0, 10_000),
  ),
  row(
    "strips",
    "--no-strips",
    true,
    "Leave the whole picture to the eye: no machine-readable rows at its top.",
    (text) => !flag(text),
  ),
  row(
    "frameLines",
    "--frame-lines",
    false,
    "Put a line into the journal for each picture that leaves: what it shows, and of which picture it was made.",
    flag,
  ),
  row(
    "size",
    "--size <rule>",
    "input",
    "Size of the output: that of the input, or the one the model is documented with.",
    oneOf(sizeRules),
  ),
  row(
    "ackWhen",
    "--ack-when <moment>",
    "accepted",
    "When a state message is acked: once it is accepted, or once the first picture shows it.",
    oneOf(ackMoments),
  ),
  row(
    "promptOnlySet",
    "--prompt-only-set <rule>",
    "keep",
    "What set({ prompt }) does to the image: the product page keeps it, the SDK's example clears it, the wire cannot tell.",
    oneOf(promptOnlySets),
  ),
  row(
    "sessionsMax",
    "--sessions <count>",
    null,
    "Sessions at once before the service's answer to too many (default: 4 transcoded, 16 relayed, 1000 without media).",
    whole(0, 10_000),
  ),
  row(
    "keys",
    "--keys <rule>",
    "any",
    "Which API keys are good: any that is not empty, only client tokens minted here, or off for none at all (a proxy adds them).",
    oneOf(keyRules),
  ),
  row(
    "unknownModels",
    "--unknown-models <rule>",
    "refuse",
    "Whether a model that is in no SDK's table is refused by message.",
    oneOf(refusals),
  ),
  row(
    "imageOnTextModel",
    "--image-on-text-model <rule>",
    "refuse",
    "Whether lucy_v2v_720p_rt, documented as text only, refuses a reference image.",
    oneOf(refusals),
  ),
  row(
    "udpPorts",
    "--udp-ports <first-last>",
    null,
    "UDP ports for media, such as 50000-50100; the system chooses without it.",
    portRange,
  ),
  row(
    "queue",
    "--queue <count>",
    0,
    "Clients ahead of each one that joins a room (0.1.x): it is told its position until none is left.",
    whole(0, 1000),
  ),
  row(
    "queueStepMs",
    "--queue-step <ms>",
    1000,
    "How long each position of the queue lasts; production tells it every 17 s.",
    whole(1, 600_000),
  ),
  row(
    "livekitUrl",
    "--livekit-url <url>",
    null,
    "A LiveKit deployment to meet 0.1.x clients in, instead of the built-in rooms (needs @livekit/rtc-node).",
    livekitUrl,
  ),
  row(
    "livekitKey",
    "--livekit-key <key>",
    null,
    "API key of that deployment, or of the built-in rooms, where both are made up at start.",
    credential,
  ),
  row("livekitSecret", "--livekit-secret <secret>", null, "The secret that goes with it.", credential),
];

/** Sessions at once: what was asked for, or what one machine holds in this mode. */
export function sessionsMax({ mode, sessionsMax }: MockServerOptions): number {
  return sessionsMax ?? { transcode: 4, relay: 16, none: 1000 }[mode];
}

export function defaultOptions(): MockServerOptions {
  return Object.fromEntries(optionTable.map((row) => [row.name, row.default])) as MockServerOptions;
}

/**
 * Fills in what is missing and refuses what is out of range, as the command line does.
 * @throws RangeError with the option, the value, what is allowed
 */
export function readOptions(given: Partial<MockServerOptions>): MockServerOptions {
  const options: Record<string, unknown> = defaultOptions();
  for (const [name, value] of Object.entries(given)) {
    const row = optionTable.find((row) => row.name === name);
    if (!row) {
      throw new RangeError(
        `startMockServer() has no option "${name}". It has ${optionTable.map((row) => row.name).join(", ")}.`,
      );
    }
    if (value === undefined) continue;
    if (typeof value === "boolean" || value === null) {
      if (typeof value !== typeof row.default && value !== row.default) {
        throw new RangeError(`Option "${name}" takes no ${String(value)}: ${row.about}`);
      }
      options[name] = value;
    } else if (typeof row.default === "boolean") {
      throw new RangeError(`Option "${name}" is ${show(value)}. It takes true or false.`);
    } else {
      try {
        options[name] = row.parse(String(value));
      } catch (error) {
        throw new RangeError(`Option "${name}" is ${show(value)}. ${(error as Error).message}`);
      }
    }
  }
  const read = options as MockServerOptions;
  if (read.livekitUrl !== null && (read.livekitKey === null || read.livekitSecret === null)) {
    throw new RangeError(
      `Option "livekitUrl" is ${show(read.livekitUrl)}, and whoever joins there needs a key and its secret. Add --livekit-key and --livekit-secret, as that deployment has them.`,
    );
  }
  return read;
}

function row<Name extends OptionName>(
  name: Name,
  flag: string,
  value: MockServerOptions[Name],
  about: string,
  parse: (text: string) => MockServerOptions[Name],
): OptionRow {
  return { name, flag, default: value, about, parse } as OptionRow;
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** Node takes an empty host for every interface: nobody means that by an empty text. */
function address(text: string): string {
  if (!/^\S+$/.test(text)) {
    throw new RangeError(
      "It takes an address or name of this machine: 127.0.0.1, or 0.0.0.0 for all of them.",
    );
  }
  return text;
}

function flag(text: string): boolean {
  return text !== "false";
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(`It takes a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function oneOf<const Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((choice) => choice === text);
    if (!choice) throw new RangeError(`It takes ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}.`);
    return choice;
  };
}

function livekitUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^wss?:$/.test(url.protocol)) {
    throw new RangeError("It takes the address of a LiveKit server: ws://127.0.0.1:7880 or wss://….");
  }
  return text.replace(/\/+$/, "");
}

function credential(text: string): string {
  if (!/^\S{1,256}$/.test(text)) throw new RangeError("It takes 1 to 256 characters without spaces.");
  return text;
}

function filePath(text: string): string {
  if (text.trim() === "" || text.length > 4096) throw new RangeError("It takes the path of a YAML file.");
  return text;
}

function portRange(text: string): string {
  const [first, last] = (/^(\d+)-(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (!first || !last || first >= last || last > 65_535) {
    throw new RangeError("It takes two ports from 1 to 65535, the first below the last: 50000-50100.");
  }
  return text;
}

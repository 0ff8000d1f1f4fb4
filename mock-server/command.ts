/** `lucy-testkit mock`: the server for a person at a terminal. */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import type { JournalLine } from "./journal.ts";
import { type MockServerOptions, optionTable } from "./options.ts";
import { type MockServer, startMockServer } from "./server.ts";

export function mockCommand(): Command {
  const command = new Command("mock").description(
    "Start the mock server: what unmodified Lucy clients connect to, offline.",
  );
  for (const { flag, default: value, about, parse } of optionTable) {
    const option = new Option(flag, about);
    if (value !== null && typeof value !== "boolean") option.default(value);
    if (/[<[]/.test(flag)) {
      option.argParser((text: string) => {
        try {
          return parse(text);
        } catch (error) {
          throw new InvalidArgumentError((error as Error).message);
        }
      });
    }
    command.addOption(option);
  }
  command.option("--quiet", "Print nothing but where it listens.");
  command.option(
    "--until-stdin-ends",
    "Stop when standard input ends: with the process that started this one.",
  );
  command.action(async (typed: Record<string, unknown>) => {
    try {
      await run(typed);
    } catch (error) {
      console.error(`lucy-testkit: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  });
  return command;
}

async function run({
  quiet = false,
  untilStdinEnds = false,
  ...typed
}: Record<string, unknown>): Promise<void> {
  const server = await startMockServer(fromFlags(typed));
  console.log(banner(server));
  const print = (line: JournalLine) => {
    const text = tell(line);
    if (text) console.log(text);
  };
  if (!quiet) server.journal.follow(print);
  let asked = false;
  const stop = async () => {
    // A second Ctrl-C means now.
    if (asked) process.exit(130);
    asked = true;
    console.log("\nStopping…");
    await server.close();
    process.exit(0);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if (untilStdinEnds) process.stdin.once("end", stop).resume();
}

/** commander names an option after its flag; the table knows it by its own name. */
function fromFlags(typed: Record<string, unknown>): Partial<MockServerOptions> {
  const options: Record<string, unknown> = {};
  for (const { name, flag } of optionTable) options[name] = typed[new Option(flag).attributeName()];
  return options;
}

/** `os.networkInterfaces()`. */
type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Where it listens, how to point an SDK at it, how to stop. `interfaces`: of this machine. */
export function banner(
  { url, realtimeUrl, options, limits, controlToken }: MockServer,
  interfaces: Interfaces = networkInterfaces(),
): string {
  const mode = {
    transcode: "pictures decoded, edited, encoded",
    relay: "pictures sent back untouched",
    none: "no pictures, control messages only",
  }[options.mode];
  const given = [
    `${limits.sessions} sessions`,
    `seed ${options.seed}`,
    ...(options.clock === "manual" ? [`clock stands until POST ${url}/_lucy/clock/advance`] : []),
    ...(options.scenario === null ? [] : [`faults of ${options.scenario}`]),
  ];
  const path = `/${controlToken === null ? "" : `#token=${controlToken}`}`;
  const others = othersReach(options.host, interfaces).map(
    (address) => `            ${url.replace("127.0.0.1", address)}${path}        from another machine\n`,
  );
  return `
  lucy-testkit mock server                  ${mode}

  Open      ${url}${path}        a camera, a prompt box, an SDK
${others.join("")}  Point     @decartai/sdk 0.0.51 and later  createDecartClient({ apiKey: "dct_local", baseUrl: "${url}",
                                            realtimeBaseUrl: "${realtimeUrl}", telemetry: false })
            up to 0.0.50, before the SDK    <script src="${url}/_lucy/redirect.js"></script>
  Watch     ${url}/_lucy/health${controlToken === null ? "" : `        with authorization: Bearer ${controlToken}`}
  Spoil     apiKey: "mock:missing-ack"      this client alone meets that fault; all there are: ${url}/_lucy/catalogue
  Limits    ${given.join(" · ")}
  Stop      Ctrl-C
`;
}

/** More are of virtual machines and the like, as a rule. */
const othersMax = 3;

/** The addresses under which other machines find a server that listens on all of its own. */
function othersReach(host: string, interfaces: Interfaces): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [];
  return Object.values(interfaces)
    .flatMap((found = []) => found)
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address)
    .slice(0, othersMax);
}

/** One line a happening, for those that a person at a terminal wants to see. */
export function tell({ atMs, session, kind, fields, direction }: JournalLine): string | null {
  const what = sentence(kind, fields, direction);
  if (!what) return null;
  const seconds = (atMs / 1000).toFixed(3).padStart(9);
  return cut(escapeControls(`${seconds}  ${(session ?? "server").slice(0, 8).padEnd(8)}  ${what}`));
}

/** Some lines of a terminal: a long prompt or a list of all faults. The journal has the rest. */
const toldMax = 400;

function cut(text: string): string {
  return text.length <= toldMax ? text : `${text.slice(0, toldMax).toWellFormed()}…`;
}

/** What a client sends is shown, not obeyed: control characters, line ends and changes of direction are written out. */
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function sentence(kind: string, fields: Readonly<Record<string, unknown>>, direction: string): string | null {
  const text = (name: string) => String(fields[name]);
  switch (kind) {
    case "open":
      return fields.watches
        ? `viewer of ${text("watches")}`
        : `connected   model ${(fields.query as { model?: string })?.model}`;
    case "refused":
    case "state-refused":
      return `refused     ${text("error")}`;
    case "upgrade-refused":
      return `${text("status")}         WebSocket ${text("path")}: ${text("error")}`;
    case "message-failed":
    case "malformed":
    case "codec-failed":
      return `${kind.replace("message-failed", "failed").padEnd(11)} ${text("error")}`;
    case "defect": {
      // The rest of the stack is in the journal.
      const [what, where = ""] = text("error").split("\n");
      return `defect      ${[what, where.trim(), fields.seed === undefined ? "" : `seed ${text("seed")}`].filter(Boolean).join(" · ")}`;
    }
    case "http-refused":
      return `${text("status")}         ${text("method")} ${text("path")}: ${typeof fields.detail === "string" ? fields.detail : JSON.stringify(fields.detail)}`;
    case "state":
      return `revision ${String(fields.revision).padEnd(3)}prompt ${fields.prompt === null ? "none" : JSON.stringify(fields.prompt)} · image ${fields.imageHash === 0 ? "none" : text("imageHash")}`;
    case "phase":
      return `${text("from")} → ${text("to")}`;
    case "picture-size":
      return `pictures    ${text("width")}×${text("height")}`;
    case "media-opened":
      return `media       ${text("codec")}`;
    case "queue_position":
      return `queue       ${text("position")} of ${text("queue_size")}`;
    case "livekit_room_info":
      return `room        at ${text("livekit_url")}`;
    case "room-opened":
    case "room-closed":
      return `room        ${text("room")} ${kind.replace("room-", "")}`;
    case "entered-room":
      return `entered     ${text("identity")} in room ${text("room")}`;
    case "resumed":
      return `resumed     ${text("identity")}`;
    case "resume-refused":
      return `refused     ${text("identity")} has nothing to resume; it starts over`;
    case "left-room":
      return `left        ${text("identity")}: ${text("reason")}`;
    case "track-published":
      return `publishes   ${fields.codec ? `video in ${text("codec")}` : text("media")}`;
    case "track-unpublished":
      return `publishes   ${text("media")} no more`;
    case "no-section":
      return `not watched ${fields.codec ? `video in ${text("codec")}` : text("media")}: the client offers no section for it`;
    case "not-imitated":
      return `passed over ${text("message")}, which is not imitated`;
    case "livekit-close":
      // Who leaves has been told of.
      return fields.code === 1000 ? null : `lost        its socket to the room, code ${text("code")}`;
    case "faults":
      return `faults      ${(fields.declared as { name: string }[]).map(({ name }) => name).join(", ")}`;
    case "fault-declared":
      return `fault       ${text("fault")} ${text("name")} declared`;
    case "fault-removed":
      return `fault       ${text("fault")} ${text("name")} removed`;
    case "fault-fired":
      return `fault       ${text("name")}${fields.on === "strike" ? "" : ` on ${text("on")}`}${fields.time ? `, time ${text("time")}` : ""}`;
    case "fault-healed":
      return `healed      ${text("name")}`;
    case "faults-ended": {
      const never = fields.neverFired as string[];
      return never.length > 0 ? `never fired ${never.join(", ")}` : null;
    }
    case "half-open":
      return "half-open   answered no ping; socket dropped";
    case "close":
      if (fields.code === 1006) return "lost        its socket, without a close frame";
      // The echo of ours: these are codes that servers close with.
      if (direction === "to-server" && [1008, 1011, 1013].includes(Number(fields.code))) return null;
      // A long reason has just been printed as what it is: an error.
      return `closed      by ${direction === "to-server" ? "client" : "us"}, code ${text("code")}${fields.reason && text("reason").length < 60 ? ` (${text("reason")})` : ""}`;
    case "session-ended":
      return `ended       ${text("reason")} after ${text("seconds")} s of generation`;
    case "token-minted":
      return `token       good until ${text("expiresAt")}`;
    case "file-uploaded":
      return `file        ${text("id")}, ${text("mime")}, ${text("sizeBytes")} bytes${fields.warning ? `. ${text("warning")}` : ""}`;
    case "file-deleted":
      return `deleted     ${text("id")}, ${text("mime")}, ${text("sizeBytes")} bytes`;
    default:
      return null;
  }
}

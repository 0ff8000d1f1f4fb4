/**
 * What a session's journal says beside the accidents of one run: the same seed, scenario and messages of a client give the same
 * text, and so the same hash. Knows the shape of lines and which parts of them the machine and the network write; judges nothing.
 */
import { createHash } from "node:crypto";
import type { JournalLine } from "./journal.ts";

/**
 * Lines that are left out: those marked `measured`, and these. `seq` and `atMs` are left out of every line: they count what others
 * did, and the time that the machine took.
 */
const leftOut: readonly { kind: string; when?(line: JournalLine, before: Before): boolean; why: string }[] = [
  { kind: "ice-candidate", why: "How many there are, which and in what order is for the network to say." },
  {
    kind: "close",
    when: ({ direction }, { weClosed }) => direction === "to-server" && weClosed,
    why: "The answer to our own close; it comes when the session has long ended, or never.",
  },
  {
    kind: "livekit-close",
    why: "Of two that close, one is the other's answer. That somebody left or came back has a line of its own.",
  },
  {
    kind: "phase",
    when: ({ fields: { from, to } }) => to === "joined" && from !== "opened",
    why: "Media was lost: whether that is noticed before its client leaves is for the network to say.",
  },
  {
    kind: "socket-error",
    when: ({ fields: { code } }) => !String(code).startsWith("WS_ERR_"),
    why: "A connection that broke; only what the client did to the WebSocket itself is its own doing.",
  },
];

/** Fields by name, at any depth, that are in a line with this in place of their value. */
const masked: readonly { names: readonly string[]; kinds?: RegExp; as: string; why: string }[] = [
  { names: ["server_ip", "server_port"], as: "<address>", why: "The port is any that was free." },
  {
    names: ["joinedAt", "joinedAtMs", "creationTime", "creationTimeMs", "unixMicro", "timestamp"],
    kinds: /^livekit-/,
    as: "<time>",
    why: "Wall time, as LiveKit's messages have it.",
  },
  {
    names: ["bytes"],
    kinds: /^livekit-/,
    as: "<bytes>",
    why: "The hash of a message that was too long to be written out: it has an SDP in it.",
  },
  {
    names: ["raw"],
    kinds: /^(livekit-)?raw$/,
    as: "<raw>",
    why: "A message that a fault spoiled: ports, tokens and SDPs are in it as they are in others, and nobody can tell where.",
  },
  {
    names: ["from"],
    kinds: /^phase$/,
    as: "<phase>",
    why: "It may have lost its media a moment before, or not; see above.",
  },
  {
    names: ["on"],
    kinds: /^fault-(?!declared)/,
    as: "<item>",
    why: "Whether a picture or a sound was first to meet a fault of media or ice. Of other channels it is kept.",
  },
];

/** What looks like this in a text, a client's prompt apart, is numbered in the order of its first appearance. */
const named: readonly { pattern: RegExp; as(text: string): string; why: string }[] = [
  {
    pattern: /[A-Z]{2}_[0-9a-f]{12}/,
    as: (text) => text.slice(0, 2),
    why: "Ids of rooms, participants and tracks: from dice that other sessions throw, too.",
  },
  { pattern: /file_[0-9a-f]{32}/, as: () => "file", why: "The same of uploaded files." },
  {
    pattern: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
    as: () => "uuid",
    why: "Ids that clients make up for their tracks and connections.",
  },
];

/** Ids of sessions and viewers; whoever is in an open room goes by a name of its own choosing. */
const sessionId = /[0-9a-f]{12,}(?:-viewer)?/;
const volatile = new RegExp(
  [...named.map(({ pattern }) => `(${pattern.source})`), `(${sessionId.source})`].join("|"),
  "gi",
);

/**
 * Lines of one lane follow from each other; how lanes mesh is a matter of milliseconds: an image is decoded while the room is made,
 * and a message of the client comes in before or after an ack. So lanes stand one after the other, in this order, then those of faults.
 */
const lanes: readonly { name: string; takes(line: JournalLine): boolean }[] = [
  { name: "room-client", takes: ({ kind, direction }) => isOfRoom(kind) && direction === "to-server" },
  { name: "room", takes: ({ kind }) => isOfRoom(kind) },
  { name: "client", takes: ({ direction }) => direction === "to-server" },
  { name: "state", takes: ({ kind }) => stateKinds.has(kind) },
  { name: "negotiation", takes: ({ kind }) => negotiationKinds.has(kind) },
  { name: "session", takes: () => true },
];

const roomKinds = new Set([
  "entered-room",
  "left-room",
  "track-published",
  "track-unpublished",
  "resumed",
  "resume-refused",
  "no-section",
  "not-imitated",
  "data-refused",
]);
/** `livekit_…` is said on the control socket, `livekit-…` in the room. */
const isOfRoom = (kind: string) => kind.startsWith("livekit-") || roomKinds.has(kind);
const stateKinds = new Set(["state", "state-refused", "image-warning", "prompt_ack", "set_image_ack"]);
const negotiationKinds = new Set(["session_id", "answer", "queue_position", "livekit_room_info", "ready"]);
/** Faults of these channels meet packets, as many as there are. */
const packetChannels: readonly unknown[] = ["media", "ice"];

/** What was said in the session before a line. */
type Before = { readonly weClosed: boolean };

/**
 * The lines of `session` that its client, the scenario and the clock have caused, lane by lane, one text a line, without what differs
 * from run to run. With a real clock, ticks are as many as the machine had time for: whoever wants one text of many runs takes a manual one.
 * @throws Error where no line has that session: nothing is the same in every run, and shows nothing
 */
export function normalJournal(lines: readonly JournalLine[], session: string): string[] {
  checkSession(lines, session);
  const known = new Set(lines.map(({ session }) => session).filter((id) => id !== null));
  const byLane = new Map(lanes.map(({ name }) => [name, [] as JournalLine[]]));
  const before = { weClosed: false };
  for (const line of lines) {
    if (line.session !== session || line.measured || isLeftOut(line, before)) continue;
    if (line.kind === "close" && line.direction === "to-client") before.weClosed = true;
    const lane = laneOf(line);
    if (!byLane.has(lane)) byLane.set(lane, []);
    byLane.get(lane)!.push(line);
  }
  // Of two faults, either may be the first to meet something.
  const faults = [...byLane.keys()].slice(lanes.length).sort();
  const name = createNames(session, known);
  return [...lanes.map(({ name }) => name), ...faults].flatMap((lane) =>
    byLane.get(lane)!.map((line) => {
      const fields = JSON.stringify(normalFields(line, name));
      return `${lane}  ${line.direction}  ${line.kind}  ${fields}`;
    }),
  );
}

/**
 * SHA-256 of the normal journal, its lines with a line feed between them: 64 hexadecimal digits.
 * @throws Error where no line has that session
 */
export function journalHash(lines: readonly JournalLine[], session: string): string {
  return createHash("sha256").update(normalJournal(lines, session).join("\n")).digest("hex");
}

function checkSession(lines: readonly JournalLine[], session: string): void {
  if (typeof session !== "string") {
    const given = session === null ? "null" : typeof session;
    const id = Object((session as { id?: unknown } | null)?.id);
    throw new TypeError(
      `The session is of the type ${given}. It takes the journal's lines and a session's id, a text: (journal.lines, ${id instanceof String ? "session.id" : '"88a7b77570aa5902"'}).`,
    );
  }
  if (!lines.some((line) => line.session === session)) {
    throw new Error(
      `None of ${lines.length} lines has the session "${session.slice(0, 64)}", so there is nothing to compare. Give the id of a session that has said something, as it stands in its lines' "session".`,
    );
  }
}

function isLeftOut(line: JournalLine, before: Before): boolean {
  return leftOut.some(({ kind, when }) => kind === line.kind && (when?.(line, before) ?? true));
}

/** Each fault has a lane of its own: what it meets, and when, depends on nothing but what passes it by. */
function laneOf(line: JournalLine): string {
  const { channel, fault } = line.fields;
  if (line.kind.startsWith("fault-") && channel !== undefined) {
    return `fault-${packetChannels.includes(channel) ? "packets" : "messages"} ${channel} ${fault ?? ""}`;
  }
  // What was sent in its place stands where it would.
  const kind = line.kind === "raw" && typeof line.fields.of === "string" ? line.fields.of : line.kind;
  return lanes.find(({ takes }) => takes({ ...line, kind }))!.name;
}

/** Gives each id a name that tells it from others, and is the same in every run. */
function createNames(session: string, known: ReadonlySet<string>): (text: string) => string {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  if (sessionId.test(session)) names.set(session, "<session>");

  function nameOf(id: string, kind: string): string {
    let name = names.get(id);
    if (!name) {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      name = `<${kind}-${count}>`;
      names.set(id, name);
    }
    return name;
  }

  return (text) =>
    text
      .replace(volatile, (found, ...groups: unknown[]) => {
        const which = named.findIndex((_, index) => groups[index] !== undefined);
        if (which >= 0) return nameOf(found, named[which]!.as(found));
        return known.has(found) ? nameOf(found, "other-session") : found;
      })
      .replace(/\b(wss?|https?):\/\/([^\s/:?#]+|\[[^\]\s]+\]):\d+/g, "$1://$2:<port>");
}

function normalFields({ kind, fields }: JournalLine, name: (text: string) => string): unknown {
  const masks = masked.filter(({ kinds }) => kinds?.test(kind) ?? true);
  const isPacketFault = packetChannels.includes(fields.channel);

  function normal(value: unknown, field: string): unknown {
    const mask = masks.find(({ names }) => names.includes(field));
    if (mask && value != null && (field !== "on" || isPacketFault)) return mask.as;
    if (typeof value === "string") {
      // What a person wrote is never taken for an id.
      if (field === "prompt") return value;
      if (/^v=0\r?\n/.test(value)) return outline(value);
      // The first line of a stack; the others name files and lines.
      return name(kind === "defect" && field === "error" ? value.split("\n")[0]! : value);
    }
    if (Array.isArray(value)) return value.map((item) => normal(item, field));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value).map(([key, item]) => [name(key), normal(item, key)] as const);
    return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  return normal(fields, "");
}

/** Of each section its kind, direction and codecs: what two sides agree on. Everything else in an SDP is numbers of this one connection. */
function outline(sdp: string): string[] {
  const isCut = / \(\d+ characters\)$/.test(sdp);
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  // Where it was cut depends on how long its numbers are: the last section counts for nothing.
  const whole = isCut ? sections.slice(0, -1) : sections;
  return whole.map((section) => {
    const [, kind, port, formats = ""] = /^m=(\S+) (\d+)\S* \S+ ?(.*)/.exec(section) ?? [];
    const codecs = new Map(
      [...section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm)].map(([, type, codec]) => [type, codec]),
    );
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1];
    const parts = [
      kind,
      port === "0" ? "refused" : direction,
      ...formats
        .trim()
        .split(" ")
        .map((type) => codecs.get(type) ?? type),
    ];
    return parts.filter(Boolean).join(" ");
  });
}

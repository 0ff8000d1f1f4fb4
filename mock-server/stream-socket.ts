/** What happens on one WebSocket from its upgrade to its end: admission, dialect, one message after the other, clean-up. */
import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import {
  CLOSE_CODES,
  type ClientMessage,
  type ParseFailure,
  parseClientMessage,
  QUERY,
  refusalFor,
  stateMessageOf,
} from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import {
  type ControlSocket,
  type ControlSocketEvents,
  type ControlSocketLine,
  wrapSocket,
} from "./control-socket.ts";
import type { Client, Conversation } from "./dialects/dialect.ts";
import { dialects } from "./dialects/index.ts";
import type { KeyFaults } from "./faults/desk.ts";
import type { ControlLine } from "./faults/fault.ts";
import type { Plan } from "./faults/plan.ts";
import { type Admission, admit, checkKey } from "./gate.ts";
import { codecNames } from "./media/codec-name.ts";
import { keptFrom, mayReach } from "./page-origin.ts";
import { realtimeUrl } from "./realtime-url.ts";
import { createSerialQueue, type SerialQueue } from "./serial-queue.ts";
import { createSession, type Session, sayEnd } from "./session.ts";
import { takePlace, watch } from "./viewer.ts";

/** Messages waiting for their turn: far above what an honest client sends, far below what hurts. */
const waitingMax = 512;
/** A socket that says nothing for so long is given up. The longest any SDK waits before its first message is 5 minutes. */
const silenceMsMax = 300_000;
/** What a session begins with, in words. */
const beginnings = dialects
  .flatMap(({ begins }) => begins)
  .join(", ")
  .replace(/, (\S+)$/, " or $1");

/** Who is on the other end of a socket that was just opened. */
export type Visitor = {
  /** Whose lines of the journal tell of it. */
  readonly id: string;
  readonly plan: Plan;
  readonly keyFaults: KeyFaults;
  /** Why the faults that it asks for cannot be read, if it does. */
  readonly keyError: string | null;
};

/** `/v1/stream` */
export function acceptStream(
  context: ServerContext,
  socket: WebSocket,
  request: IncomingMessage,
  { id, plan, keyFaults, keyError }: Visitor,
): void {
  const { journal } = context;
  let session: Session | null = null;
  let conversation: Conversation | null = null;
  const { control, queue, line, leave } = listen(context, { id, plan }, socket, {
    begins: beginnings,
    message: receive,
    malformed(failure) {
      // One ack for each state message, a bad one too.
      const refusal = refusalFor(failure);
      if (session && refusal) session.refuseState(refusal);
      if (refusal && failure.type !== "livekit_join") return;
      // A client from the future may say what we do not know. The journal has it; an error would reject a LiveKit client's join, and
      // later every ack it waits for. The direct dialect has no future: there it is a mistake, and its author is told.
      if (isUnknown(failure) && session?.dialect !== "direct") return;
      // A join whose state is no good is a join all the same: its client reads the ack once it has its room, and would
      // otherwise wait for the room in vain.
      const join = refusal && parseClientMessage({ ...failure.raw, initial_state: null });
      if (join?.ok) receive(join.message);
      else control.send({ type: "error", error: failure.error });
    },
    left: (reason) => session?.leave(reason),
    over() {
      // A fault may have held back the end of its room, which is lost with the plan.
      if (session?.dialect !== "livekit" || context.options.livekitUrl !== null) return;
      void context.rooms().then((rooms) => rooms.finish(plan));
    },
  });

  const query = new URL(request.url ?? "/", "ws://localhost").searchParams;
  const client: Client = { query, realtimeUrl: realtimeUrl(context, request.headers), handleLater };
  const { origin, "user-agent": userAgent } = request.headers;
  journal.add({
    session: id,
    direction: "to-server",
    kind: "open",
    fields: { ...knownQuery(query), origin, userAgent: query.get(QUERY.userAgent) ?? userAgent },
  });
  const strikable: ControlLine = {
    ...line,
    refuse: control.refuse,
    end(reason, error) {
      if (session) return session.end(reason, error);
      // As the session would, of which there is none yet.
      sayEnd(control, 0, reason, error);
      leave("error");
    },
  };
  plan.attach("control", strikable);
  plan.reach("open");
  if (!control.isOpen) return;
  const admission = keyError === null ? admit(context, query, origin) : refusedKey(keyError);
  if (!admission.ok) {
    journal.add({ session: id, kind: "refused", fields: { error: admission.error } });
    return control.refuse(admission.error, admission.code);
  }
  const { model, row, token } = admission;
  session = createSession(context, control, {
    id,
    plan,
    keyFaults,
    asker: request.headers,
    dice: context.dice.split(id),
    model,
    row,
    secondsMax: token?.sessionSecondsMax ?? null,
    pixelMarker: query.get(QUERY.pixelLatency) === "1",
    outputCodec: codecNames.find((name) => name === query.get(QUERY.livekitServerCodec)) ?? null,
  });
  context.sessions.set(id, session);
  context.expectations.began(session);
  // Whoever ended it: its socket may take a while to close.
  session.onEnd(() => {
    context.sessions.delete(id);
    conversation
      ?.close()
      .catch((error) => journal.add({ session: id, kind: "defect", fields: { error: error.stack } }));
  });

  function receive(message: ClientMessage): void {
    // Ended by us: what still comes in until the socket is closed means nothing.
    if (!session || session.phase === "ended") return;
    const dialect = conversation ? null : pickDialect(message);
    if (dialect === undefined) return;
    if (dialect) {
      session.join(dialect.name);
      conversation = dialect.open(context, session, control, client);
    }
    // At once, also where it stands in a join: the acks keep the order in which the states came.
    const state = stateMessageOf(message);
    if (state) session.handleState(state);
    if (state !== message) handleLater(message);
  }

  function handleLater(message: ClientMessage): void {
    queue.add(() => conversation?.handle(message));
  }

  function pickDialect(message: ClientMessage) {
    const dialect = dialects.find(({ begins }) => begins.includes(message.type));
    if (!dialect) {
      const error = `A session cannot begin with ${message.type}; it begins with ${beginnings}.`;
      control.refuse(error, CLOSE_CODES.policy.code);
    }
    return dialect;
  }
}

/** `/subscribe/{sid}` */
export function acceptViewer(
  context: ServerContext,
  socket: WebSocket,
  request: IncomingMessage,
  sid: string,
  { id, plan, keyError }: Visitor,
): void {
  const { journal } = context;
  let viewer: ReturnType<typeof watch> | null = null;
  let place: ReturnType<typeof takePlace> | null = null;
  const { control, queue, line, leave } = listen(context, { id, plan }, socket, {
    begins: "an offer",
    message: handleLater,
    malformed: ({ error }) => control.send({ type: "error", error }),
    left() {
      if (place?.ok) place.giveBack();
      viewer
        ?.close()
        .catch((error) => journal.add({ session: id, kind: "defect", fields: { error: error.stack } }));
    },
  });
  const query = new URL(request.url ?? "/", "ws://localhost").searchParams;
  const { origin } = request.headers;
  journal.add({ session: id, direction: "to-server", kind: "open", fields: { watches: sid, origin } });

  const end = (error: string | null) => {
    if (error) control.send({ type: "error", error });
    control.close(CLOSE_CODES.normal.code, error ?? "ended");
    leave("error");
  };
  plan.attach("control", { ...line, refuse: control.refuse, end: (_reason, error) => end(error) });
  plan.reach("open");
  if (!control.isOpen) return;
  if (keyError !== null) return refuse(keyError);
  const key = checkKey(context, query.get(QUERY.apiKey) ?? "", origin);
  const session = context.sessions.get(sid);
  if (!key.ok) return refuse(key.error);
  if (!session) {
    return refuse(
      `Invalid session ${sid.slice(0, 40)}: none of that id runs here. A subscribe token is good for as long as its publisher is connected.`,
    );
  }
  if (!mayReach(request.headers, session.origin)) {
    return refuse(keptFrom(`Session ${sid}`, request.headers));
  }
  place = takePlace(context, sid);
  if (!place.ok) return refuse(place.error);
  viewer = watch(context, session, { socket: control, plan }, handleLater);

  function handleLater(message: ClientMessage): void {
    queue.add(() => viewer?.handle(message));
  }

  function refuse(error: string): void {
    journal.add({ session: id, kind: "refused", fields: { error } });
    control.refuse(error, CLOSE_CODES.policy.code);
  }
}

function refusedKey(error: string): Admission {
  return { ok: false, error, code: CLOSE_CODES.policy.code };
}

/** An object whose `type` nobody here knows, or that has none: all else is broken in any version of the protocol. */
function isUnknown({ kind }: ParseFailure): boolean {
  return kind === "unknown-type" || kind === "no-type";
}

type SocketAbout = Pick<ControlSocketEvents, "message" | "malformed"> & {
  /** What a client says first, for the sentence to one that says nothing. */
  begins: string;
  /** Called once: the client is gone (`disconnect`) or was refused (`error`), and gets nothing any more. */
  left(reason: "disconnect" | "error"): void;
  /** Called once: the socket has closed, and its plan has ended. */
  over?(): void;
};

/**
 * The socket and its queue; what a handler throws is told to the client and goes into the journal. Whoever is refused has
 * left, though the socket takes a while to close.
 */
function listen(
  context: ServerContext,
  { id, plan }: { id: string; plan: Plan },
  socket: WebSocket,
  on: SocketAbout,
): {
  control: ControlSocket;
  queue: SerialQueue;
  line: ControlSocketLine;
  leave(reason: "disconnect" | "error"): void;
} {
  const { clock, machine, journal } = context;
  let hasLeft = false;
  let hasSpoken = false;
  const { control: wrapped, line } = wrapSocket(
    socket,
    { id, machine, journal, plan },
    {
      message(message) {
        silence.cancel();
        if (!hasSpoken) plan.reach("first-message");
        hasSpoken = true;
        if (!hasLeft && wrapped.isOpen) on.message(message);
      },
      malformed(failure) {
        if (!hasLeft && wrapped.isOpen) on.malformed(failure);
      },
      closed() {
        leave("disconnect");
        plan.end();
        on.over?.();
      },
    },
  );
  // A message that is too large is refused before anybody here sees it.
  socket.on("message", () => {
    if (!wrapped.isOpen) leave("error");
  });
  const silence = clock.after(silenceMsMax, () => {
    const error = `Nothing was said for ${silenceMsMax / 1000} s. Send ${on.begins}.`;
    control.refuse(error, CLOSE_CODES.policy.code);
  });
  const control: ControlSocket = {
    ...wrapped,
    refuse(error, code) {
      wrapped.refuse(error, code);
      leave("error");
    },
    get isOpen() {
      // A fault may hold back the close of who was refused.
      return wrapped.isOpen && !hasLeft;
    },
  };
  const queue = createSerialQueue(waitingMax, (error) => {
    const { message, name } = error as Error;
    journal.add({ session: id, kind: "message-failed", fields: { name, error: message } });
    control.send({ type: "error", error: message });
  });

  function leave(reason: "disconnect" | "error"): void {
    if (hasLeft) return;
    hasLeft = true;
    silence.cancel();
    queue.close();
    on.left(reason);
  }

  return {
    control,
    line,
    leave,
    queue: {
      add(task) {
        const added = queue.add(task);
        if (!added && control.isOpen) {
          const error = `More than ${waitingMax} messages wait for their turn. Send fewer at once.`;
          control.refuse(error, CLOSE_CODES.policy.code);
        }
        return added;
      },
      close: queue.close,
    },
  };
}

/** The query as the journal has it. A key that is not encoded falls apart into parameters of any name. */
function knownQuery(query: URLSearchParams): Record<string, unknown> {
  const known = new Set<string>(Object.values(QUERY));
  const entries = [...query];
  const unknownParameterCount = entries.filter(([name]) => !known.has(name)).length;
  return {
    query: Object.fromEntries(entries.filter(([name]) => known.has(name))),
    ...(unknownParameterCount > 0 && { unknownParameterCount }),
  };
}

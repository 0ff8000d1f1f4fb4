/**
 * A small client of both dialects: connects, sets state, connects again when it has lost its connection and restores what was set.
 * What can be decided one way or the other is decided in `policy.ts`; this only carries it out.
 */
import {
  encodeSubscribeToken,
  PATHS,
  parseServerMessage,
  QUERY,
  type ServerMessage,
  type SubscribeToken,
} from "../../../protocol/index.ts";
import type {
  Camera as CameraAbout,
  ClientEvent,
  Codec,
  Dialect,
  StateName,
  VerbArguments,
} from "../../client.ts";
import type { Clock, Timer } from "../../clock.ts";
import { createAckQueue, Refused } from "./ack-queue.ts";
import { type Camera, openCamera } from "./camera.ts";
import { type ControlSocket, openControlSocket } from "./control-socket.ts";
import { createEar } from "./ear.ts";
import { createToken, upload, watchStream } from "./http.ts";
import type { Peer } from "./peer.ts";
import type { Change, Farewell, Phase, Policy, StateMessage, Wanted } from "./policy.ts";
import type { Room } from "./room.ts";
import { type Codecs, createScreen } from "./screen.ts";

const userAgent = "lucy-testkit-reference/1 lang/js";
const modelDefault: Record<Dialect, string> = { direct: "lucy_2_rt", livekit: "lucy-2.1" };
const nothing: Wanted = { prompt: null, enhance: true, image: null };

export type ClientAbout = {
  readonly dialect: Dialect;
  readonly policy: Policy;
  /** What the client's own waits go by. */
  readonly clock: Clock;
  /** What the camera and the network go by. */
  readonly live: Clock;
  /** `null` where there are none: pictures are then not shown. */
  readonly codecs: Codecs | null;
  tell(event: ClientEvent): void;
};

export type ReferenceClient = ReturnType<typeof createReferenceClient>;

/** What is to be kept connected: the app's own stream, or somebody else's that it watches. */
type Errand = {
  /** Rejects when the app disconnects. */
  readonly left: PromiseWithResolvers<never>;
} & (
  | { readonly kind: "publish"; readonly args: VerbArguments["connect"] }
  | { readonly kind: "watch"; readonly args: VerbArguments["subscribe"] }
);

/** What a session begins by saying, and what that makes of what the app wants. */
type FirstWords = {
  readonly messages: readonly StateMessage[];
  readonly change: Change;
  /** The session goes on without it where the server refuses: it was good before. */
  readonly isRestored: boolean;
};

type RoomAccess = { readonly livekit_url: string; readonly token: string };

/** From the opening of a socket to its end. */
type Session = {
  readonly number: number;
  readonly errand: Errand;
  phase: Phase;
  socket: ControlSocket | null;
  media: Peer | Room | null;
  /** Rejects when it fails before it stands. */
  readonly failed: PromiseWithResolvers<never>;
  readonly roomInfo: PromiseWithResolvers<RoomAccess>;
  readonly answered: PromiseWithResolvers<string>;
  /** A place in the queue was told: the wait for room info starts anew. */
  queued: (() => void) | null;
  generates: boolean;
  /** What the server has said and not taken back by going on: an error, the end of generation. */
  lastWords: string;
  endedFor: string | null;
  sessionId: string | null;
  subscribeToken: string | null;
  upMs: number;
};

export function createReferenceClient({ dialect, policy, clock, live, codecs, tell }: ClientAbout) {
  const acks = createAckQueue(policy, clock);
  const ear = createEar({ live, tell });
  const screen = createScreen({ codecs, live, shows: policy.showsPicture, tell });
  const sockets = new Set<ControlSocket>();
  const connections = new Set<Peer | Room>();
  const cameras = new Set<Camera>();
  let state: StateName = "disconnected";
  let wanted = nothing;
  let camera: Camera | null = null;
  let errand: Errand | null = null;
  let current: Session | null = null;
  let sessionCount = 0;
  let failedCount = 0;
  let lastFailure = "";
  /** The server's last error that the app has heard. */
  let toldLast: string | null = null;
  let pause: Timer | null = null;
  /** Of the session that stands, for what is to end with it. */
  let loss = new AbortController();
  /** What was given up and is not closed yet: a server that may be gone is not waited for, but when the app leaves. */
  const closings = new Set<Promise<void>>();
  /** Settles once nobody tries to connect any more. */
  let climbing: Promise<unknown> = Promise.resolve();

  function enter(next: StateName): void {
    const previous = state;
    state = next;
    if (policy.tellsState(next, previous)) tell({ event: "state", state: next });
  }

  /** Why it gave up, unless the server has said so and was heard. */
  function tellEnd(why: string): void {
    if (toldLast === null || !why.startsWith(toldLast)) tell({ event: "error", message: why });
  }

  function tellOf(
    session: Session,
    event: Extract<ClientEvent, { event: "error" | "tick" | "ended" | "queue" }>,
  ) {
    if (!policy.tells(event.event, session.phase)) return;
    if (event.event === "error") toldLast = event.message;
    tell(event);
  }

  /** `work`, unless the session fails first, or it takes too long. */
  async function within<T>(session: Session, work: Promise<T>, msMax: number, what: string): Promise<T> {
    const late = Promise.withResolvers<never>();
    let timer = wait(msMax);
    function wait(ms: number) {
      return clock.after(ms, () => late.reject(new Error(`${what} timeout (${ms}ms)`)));
    }
    session.queued = () => {
      timer.cancel();
      timer = wait(policy.queueMsMax);
    };
    try {
      return await Promise.race([work, session.failed.promise, session.errand.left.promise, late.promise]);
    } finally {
      timer.cancel();
      session.queued = null;
    }
  }

  /** Gives up what a session has. */
  function giveUp(session: Session, why: Farewell): Promise<void> {
    const closing = close(session, why);
    closings.add(closing);
    return closing.finally(() => closings.delete(closing));
  }

  async function close(session: Session, why: Farewell): Promise<void> {
    const { socket, media, number } = session;
    if (policy.endsCallsAtLoss || why === "disconnect") {
      acks.fail(number, why === "disconnect" ? "Disconnected" : session.lastWords || "Connection lost");
    }
    if (camera && policy.stopsCamera(why)) camera.stop();
    await Promise.all([
      policy.closes("media", why) && media?.close(),
      policy.closes("socket", why) && socket?.close(),
    ]);
  }

  function lose(number: number, why: string): void {
    if (!current || !policy.heedsSession(number, current.number)) return;
    const session = current;
    if (!policy.heedsLoss(session.phase)) return;
    session.lastWords = [session.lastWords, why].filter(Boolean).join("; ");
    if (session.phase !== "up") return session.failed.reject(new Error(session.lastWords));
    current = null;
    if (policy.endsUploadsAtLoss) loss.abort(new Error(session.lastWords));
    loss = new AbortController();
    void giveUp(session, "lost");
    void recover(session);
  }

  /** Media may be gone because the session has ended, which the control socket is about to tell. */
  async function loseMedia(session: Session, why: string): Promise<void> {
    await session.socket?.heardOut();
    lose(session.number, why);
  }

  async function recover(lost: Session): Promise<void> {
    const isOver = lost.endedFor !== null && policy.endsForGood(lost.endedFor);
    if (isOver || !policy.reconnects || policy.isPermanent(lost.lastWords)) {
      errand = null;
      if (!isOver) tellEnd(lost.lastWords);
      return enter("disconnected");
    }
    enter("reconnecting");
    failedCount = policy.failedCountAfter(clock.now() - lost.upMs, failedCount);
    lastFailure = lost.lastWords;
    try {
      await climb(lost.errand, { messages: policy.restore(wanted), change: {}, isRestored: true });
    } catch (error) {
      // The app left meanwhile, and has been told.
      if (errand !== lost.errand) return;
      errand = null;
      tellEnd((error as Error).message);
      enter("disconnected");
    }
  }

  /** Tries until a session stands. @throws Error of the last attempt */
  function climb(goal: Errand, first: FirstWords): Promise<Session> {
    const climbed = tryOften(goal, first);
    climbing = climbed.catch(() => {});
    return climbed;
  }

  async function tryOften(goal: Errand, first: FirstWords): Promise<Session> {
    for (let isAtOnce = failedCount === 0; ; isAtOnce = false) {
      if (!isAtOnce) await rest(goal);
      failedCount++;
      const session = openSession(goal);
      try {
        await establish(session, first);
        return session;
      } catch (error) {
        if (current === session) current = null;
        lastFailure = (error as Error).message;
        const closed = giveUp(session, "failed");
        const isPermanent =
          error instanceof Refused ? policy.refusalIsPermanent : policy.isPermanent(lastFailure);
        const isLast = isPermanent || errand !== goal || policy.retryDelayMs(failedCount) === null;
        if (!isLast) continue;
        await closed;
        throw error;
      }
    }
  }

  async function rest(goal: Errand): Promise<void> {
    const delayMs = policy.retryDelayMs(failedCount);
    if (delayMs === null) throw new Error(lastFailure);
    const rested = Promise.withResolvers<void>();
    pause = clock.after(delayMs, rested.resolve);
    await Promise.race([rested.promise, goal.left.promise]);
  }

  function openSession(goal: Errand): Session {
    const session: Session = {
      number: ++sessionCount,
      errand: goal,
      phase: "opening",
      socket: null,
      media: null,
      failed: Promise.withResolvers(),
      roomInfo: Promise.withResolvers(),
      answered: Promise.withResolvers(),
      queued: null,
      generates: false,
      lastWords: "",
      endedFor: null,
      sessionId: null,
      subscribeToken: null,
      upMs: 0,
    };
    session.failed.promise.catch(() => {});
    current = session;
    return session;
  }

  async function establish(session: Session, first: FirstWords): Promise<void> {
    await (dialect === "direct" ? establishDirect : establishRoom)(session, first);
    session.phase = "up";
    session.upMs = clock.now();
    enter("connected");
    if (session.generates) enter("generating");
    const { darkMsMax } = policy;
    if (session.errand.kind !== "watch" || darkMsMax === null) return;
    clock.after(darkMsMax, () => {
      if (screen.snapshot() === null) lose(session.number, "no picture has come");
    });
  }

  async function openSocket(session: Session, url: string): Promise<ControlSocket> {
    const socket = openControlSocket({
      messageBytesMax: policy.messageBytesMax,
      url,
      clock,
      live,
      pingEveryMs: policy.pingEveryMs,
      pongMsMax: policy.pongMsMax,
      stopsPings: policy.stopsPings,
      onFrame: (text) => hear(session, text),
      onClosed: (why) => lose(session.number, why),
    });
    session.socket = socket;
    sockets.add(socket);
    await within(session, socket.opened, policy.openMsMax, "WebSocket open");
    session.phase = "signalling";
    return socket;
  }

  const streamUrl = ({ realtimeUrl, apiKey, model = modelDefault[dialect] }: VerbArguments["connect"]) =>
    policy.streamUrl({ realtimeUrl, apiKey, model, userAgent });

  /**
   * Sends state messages; resolves with their acks. `change` is what they make of what the app wants. With `isPatient`, somebody else
   * looks after the time.
   */
  function say(
    session: Session,
    messages: readonly StateMessage[],
    change: Change,
    isPatient = false,
  ): Promise<unknown> {
    const remember = () => {
      wanted = policy.wantedAfter(wanted, change);
    };
    const acked = Promise.all(
      messages.map((message) =>
        acks.wait(message, session.number, isPatient ? null : policy.ackMsMax(message), remember),
      ),
    );
    acked.catch(() => {});
    for (const message of messages) session.socket!.send(message);
    if (policy.remembers === "sent") remember();
    return policy.waitsForAck ? acked : Promise.resolve();
  }

  /** Waits for the acks of what a session began by saying. */
  async function hearFirst(session: Session, { messages, isRestored }: FirstWords, acked: Promise<unknown>) {
    if (messages.length === 0) return;
    try {
      await within(session, acked, policy.ackMsMax(messages[0]!), "ack of the first state");
    } catch (error) {
      if (!isRestored || !(error instanceof Refused)) throw error;
      tellOf(session, { event: "error", message: error.message });
    }
  }

  async function establishDirect(session: Session, first: FirstWords): Promise<void> {
    const { errand: goal } = session;
    const socket = await openSocket(
      session,
      goal.kind === "publish" ? streamUrl(goal.args) : viewerUrl(goal.args),
    );
    await hearFirst(session, first, say(session, first.messages, first.change, true));
    const { openPeer } = await import("./peer.ts");
    const peer = openPeer({
      camera: goal.kind === "publish" ? camera : null,
      codec: codecOf(goal),
      codecs,
      screen,
      ear: earOf(goal),
      isLocal: isLoopback(goal.args.realtimeUrl),
      clock,
      live,
      disconnectedMsMax: policy.disconnectedMsMax,
      silentMsMax: policy.silentMsMax,
      asksForKeys: policy.asksForKeys,
      onCandidate: (candidate) => socket.send({ type: "ice-candidate", candidate }),
      onTrack: (kind) => tell({ event: "stream", tracks: [kind] }),
      onLost: (why) => loseMedia(session, why),
    });
    session.media = peer;
    connections.add(peer);
    await peer.offer((sdp) => socket.send({ type: "offer", sdp }));
    await peer.accept(await within(session, session.answered.promise, policy.signallingMsMax, "answer"));
    session.phase = "media";
    await within(session, peer.connected, policy.mediaMsMax, "ICE connection");
  }

  const earOf = ({ kind }: Errand) => (policy.hears(kind === "watch") ? ear : null);

  const codecOf = (goal: Errand): Codec =>
    policy.codecOf(goal.kind === "publish" ? goal.args.codec : undefined);

  function tokenOf<E extends Dialect>(token: string, era: E) {
    return policy.readToken(token, era) as Extract<SubscribeToken, { era: E }>;
  }

  function viewerUrl({ realtimeUrl, apiKey, token }: VerbArguments["subscribe"]): string {
    const { sid, ip, port } = tokenOf(token, "direct");
    const query = new URLSearchParams({
      [QUERY.subscribeIp]: ip,
      [QUERY.subscribePort]: String(port),
      [QUERY.apiKey]: apiKey,
      [QUERY.userAgent]: userAgent,
    });
    return `${realtimeUrl}${PATHS.subscribe.replace(":sid", encodeURIComponent(sid))}?${query}`;
  }

  async function establishRoom(session: Session, first: FirstWords): Promise<void> {
    const { errand: goal } = session;
    let access: RoomAccess;
    let acked: Promise<unknown> = Promise.resolve();
    if (goal.kind === "publish") {
      const socket = await openSocket(session, streamUrl(goal.args));
      socket.send({ type: "livekit_join", passthrough: first.messages.length === 0 });
      acked = say(session, first.messages, first.change, true);
      access = await within(session, session.roomInfo.promise, policy.signallingMsMax, "livekit_room_info");
    } else {
      const { url, apiKey, token } = goal.args;
      const request = watchStream(policy, url, apiKey, tokenOf(token, "livekit").roomName);
      access = await within(session, request, policy.openMsMax, "watch-stream");
    }
    session.phase = "media";
    const { joinRoom } = await import("./room.ts");
    const room = joinRoom({
      url: access.livekit_url,
      token: access.token,
      camera: goal.kind === "publish" ? camera : null,
      codec: codecOf(goal),
      screen,
      ear: earOf(goal),
      showsTrack: policy.showsTrack,
      waits: policy.waitsForRoom,
      onTrack: (kind) => tell({ event: "stream", tracks: [kind] }),
      onLost: (why) => loseMedia(session, why),
    });
    session.media = room;
    connections.add(room);
    await within(session, room.connected, policy.mediaMsMax, "LiveKit connect");
    await hearFirst(session, first, acked);
  }

  function hear(session: Session, text: string | null): void {
    const parsed = parseServerMessage(text);
    if (!parsed.ok) {
      if (policy.breaksOn(parsed.kind)) lose(session.number, parsed.error);
      return;
    }
    // Nobody listens to a session that was given up.
    if (current && policy.heedsSession(session.number, current.number)) heed(session, parsed.message);
  }

  function heed(session: Session, message: ServerMessage): void {
    if (message.type !== "error" && message.type !== "generation_ended") {
      session.lastWords = "";
      session.endedFor = null;
    }
    switch (message.type) {
      case "session_id": {
        session.sessionId = message.session_id;
        const { session_id: sid, server_ip: ip, server_port: port } = message;
        session.subscribeToken = encodeSubscribeToken({ era: "direct", sid, ip, port });
        return;
      }
      case "livekit_room_info":
        session.sessionId ??= message.session_id;
        session.subscribeToken ??= encodeSubscribeToken({ era: "livekit", roomName: message.room_name });
        return session.roomInfo.resolve(message);
      case "queue_position":
        session.queued?.();
        return tellOf(session, { event: "queue", position: message.position, size: message.queue_size });
      case "answer":
        return session.answered.resolve(message.sdp);
      case "offer":
        if (!session.media || !("answer" in session.media)) return;
        void session.media.answer(message.sdp).then(
          (sdp) => session.socket?.send({ type: "answer", sdp }),
          (error) => lose(session.number, (error as Error).message),
        );
        return;
      case "ice-candidate":
        if (message.candidate && session.media && "addCandidate" in session.media) {
          // One that is no candidate is of no use; others may come.
          session.media.addCandidate(message.candidate as never).catch(() => {});
        }
        return;
      case "prompt_ack":
      case "set_image_ack":
        return acks.take(message, session.number);
      case "error":
        session.lastWords = message.error;
        tellOf(session, { event: "error", message: message.error });
        if (session.phase !== "up") {
          if (policy.errorEndsAttempt) session.failed.reject(new Error(message.error));
        } else if (policy.errorEndsCalls) acks.fail(session.number, message.error);
        return;
      case "generation_tick":
        tellOf(session, { event: "tick", seconds: message.seconds });
        return policy.tickTellsOfGeneration ? generate(session) : undefined;
      case "generation_started":
        return generate(session);
      case "generation_ended":
        session.endedFor = message.reason;
        return tellOf(session, { event: "ended", seconds: message.seconds, reason: message.reason });
      case "ready":
        return policy.breaksOnReady ? lose(session.number, "ready") : undefined;
      default:
        // `ice-restart` and `status` ask for nothing that this client has not done by itself.
        return;
    }
  }

  function generate(session: Session): void {
    if (session.phase === "up") enter("generating");
    else if (policy.keepsEarlyStart) session.generates = true;
  }

  async function begin(goal: Errand, first: FirstWords): Promise<Record<string, unknown>> {
    errand = goal;
    goal.left.promise.catch(() => {});
    failedCount = 0;
    wanted = nothing;
    enter("connecting");
    try {
      const { sessionId, subscribeToken } = await climb(goal, first);
      failedCount = 0;
      return { ...(sessionId !== null && { sessionId }), ...(subscribeToken !== null && { subscribeToken }) };
    } catch (error) {
      if (errand === goal) {
        errand = null;
        enter("disconnected");
      }
      throw error;
    }
  }

  function refuseSecond(): void {
    if (errand) throw new Error(`Already ${state}: disconnect first.`);
  }

  function useCamera(about: CameraAbout): Camera {
    camera = openCamera(policy.cameraOf(about, camera?.about ?? null), live, policy.sendsPicture);
    cameras.add(camera);
    return camera;
  }

  async function change(changes: Change, messages: () => readonly StateMessage[]): Promise<void> {
    if (errand?.kind === "watch") throw new Error("Cannot send message: this client only watches.");
    const refused = policy.refuses(changes, state);
    if (refused !== null) throw new Error(refused);
    if (current) await say(current, messages(), changes);
  }

  return {
    async connect(args: VerbArguments["connect"]) {
      refuseSecond();
      useCamera(args.camera);
      const { initial = {} } = args;
      return begin(
        { kind: "publish", args, left: Promise.withResolvers() },
        { messages: policy.encodeInitial(initial), change: changeOf(initial), isRestored: false },
      );
    },
    async subscribe(args: VerbArguments["subscribe"]) {
      refuseSecond();
      // A token that is none is known before anything is sent.
      policy.readToken(args.token, dialect);
      return begin(
        { kind: "watch", args, left: Promise.withResolvers() },
        { messages: [], change: {}, isRestored: true },
      );
    },
    set: (call: VerbArguments["set"]) => change(changeOf(call), () => policy.encodeSet(call)),
    setPrompt: (call: VerbArguments["setPrompt"]) => change(changeOf(call), () => policy.encodePrompt(call)),
    setImage: (call: VerbArguments["setImage"]) => change(changeOf(call), () => policy.encodeImage(call)),
    /** Idempotent. */
    async disconnect(): Promise<void> {
      const session = current;
      const goal = errand;
      current = null;
      errand = null;
      enter("disconnected");
      if (session) void giveUp(session, "disconnect");
      if (policy.stopsTrying) {
        pause?.cancel();
        goal?.left.reject(new Error("Disconnected"));
        await climbing;
      }
      await Promise.all(closings);
    },
    async replaceTrack(args: VerbArguments["replaceTrack"]): Promise<void> {
      const media = current?.media;
      if (!media) throw new Error(`Cannot replace the track: connection is ${state}`);
      await media.replaceCamera(useCamera(args.camera));
    },
    createToken: (args: VerbArguments["createToken"]) => createToken(policy, args),
    upload: (args: VerbArguments["upload"]) => upload(policy, args, loss.signal),
    snapshot: screen.snapshot,
    open() {
      return {
        sockets: [...sockets].filter(({ isClosed }) => !isClosed).length,
        connections: [...connections].filter(({ isClosed }) => !isClosed).length,
        tracks: [...cameras].filter(({ isEnded }) => isEnded).length,
      };
    },
    /** The app goes: nothing is left that runs. */
    quit(): void {
      for (const one of cameras) one.stop();
    },
  };
}

function changeOf({ prompt, image, enhance = true }: VerbArguments["set"]): Change {
  return {
    ...(prompt !== undefined && { prompt, enhance }),
    ...(image !== undefined && { image }),
  };
}

const isLoopback = (url: string) => /^(localhost|127\.|\[::1\])/.test(new URL(url).host);

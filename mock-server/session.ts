/**
 * One client's session, beneath the dialects: the phase it is in, the state in force, its pictures, its ticks, its viewers
 * and its end. A dialect negotiates media and tells the session; the session owns everything that both dialects share.
 */
import { imageHash } from "../fixtures/hashes.ts";
import {
  ackFor,
  CLOSE_CODES,
  type GenerationEndReason,
  IMAGE_BASE64_CHARS_MAX,
  IMAGE_PIXELS_MAX,
  IMAGE_SIDE_PX_MAX,
  IMAGE_SIDE_PX_RECOMMENDED_MIN,
  PROMPT_CHARS_MAX,
  type PromptAckMessage,
  type RealtimeModel,
  SERVER_ERRORS,
  type SetImageAckMessage,
  type StateMessage,
} from "../protocol/index.ts";
import type { Timer } from "./clock.ts";
import type { ServerContext } from "./context.ts";
import type { ControlSocket } from "./control-socket.ts";
import type { Dice } from "./dice.ts";
import type { Waiting } from "./expectations.ts";
import type { KeyFaults } from "./faults/desk.ts";
import type { StateItem } from "./faults/fault.ts";
import { pipelineGates } from "./faults/pipeline-gates.ts";
import type { Plan } from "./faults/plan.ts";
import { noSuchFile } from "./file-store.ts";
import type { EditedPicture } from "./media/codec-messages.ts";
import type { CodecName, PictureCodec } from "./media/codec-name.ts";
import { createPipeline, type Output, type Pipeline } from "./media/pipeline.ts";
import { type Asker, keptFrom, mayReach } from "./page-origin.ts";
import { makeLook } from "./pictures/make-look.ts";
import { createSerialQueue } from "./serial-queue.ts";
import {
  type Change,
  initialState,
  nextState,
  type ReferenceImage,
  readChange,
  type State,
} from "./state.ts";
import type { Look } from "./transforms/look.ts";

/** Where a session can go from where it is. Everything else is a defect of ours and throws. */
const moves = {
  opened: ["joined", "ended"],
  joined: ["connected", "ended"],
  connected: ["generating", "joined", "ended"],
  generating: ["joined", "ended"],
  ended: [],
} as const satisfies Record<string, readonly string[]>;

export type Phase = keyof typeof moves;

export type Session = {
  readonly id: string;
  /** The faults it meets, and the moments it has come to. */
  readonly plan: Plan;
  /** Its own: what it throws does not depend on who else is there. */
  readonly dice: Dice;
  /** What its key asks for: its viewers meet it, too. */
  readonly keyFaults: KeyFaults;
  /** Of the page that opened it; `null` where that was no page. */
  readonly origin: string | null;
  /** As the client named it. */
  readonly model: string;
  readonly phase: Phase;
  readonly dialect: string | null;
  readonly state: State;
  readonly pipeline: Pipeline | null;
  readonly viewerCount: number;
  /** Seconds of generation so far, as the ticks count them. */
  readonly seconds: number;
  /** Pictures that have left so far, on whatever connection. */
  readonly frameCount: number;
  join(dialect: string): void;
  /** Resolves once this moment has come, or if it has: `connected`, `tick:3`. @throws Error that tells what happened instead */
  until(moment: string, waiting?: Waiting): Promise<number>;
  /** Resolves once so many more pictures have left. @throws Error that tells what happened instead */
  frames(count: number, waiting?: Waiting): Promise<number>;
  /** Calls `read` whenever a picture has left, and when the session is over; call the result to stop. */
  followFrames(read: () => void): () => void;
  /** Queues a state message; it is acked once, in order. */
  handleState(message: StateMessage): void;
  /** Queues the ack of a state message that is no good, in its place in the order. */
  refuseState(ack: PromptAckMessage | SetImageAckMessage): void;
  /** Pictures show this from now on, whatever is in force: a fault of the server's. */
  show(state: State): void;
  /** Mirrors the picture (`switch_camera`): no ack. */
  mirror(mirrored: boolean): void;
  /** The pictures of a new connection, in place of the ones before. */
  openMedia(codec: PictureCodec, startBitsPerSecond: number | null, on: { needsKey(): void }): Pipeline;
  /** Resolves once there are pictures to watch; rejects when the session ends first. */
  whenMedia(): Promise<Pipeline>;
  /** Media can flow. */
  connected(): void;
  /** It does, and the client's app knows: time counts from now on, and the client is told. */
  generate(): void;
  /** The connection for media is gone; the client may offer another. */
  disconnected(): void;
  addViewer(viewer: { output: Output; end(): void }): () => void;
  /** Ends it from our side: says why, then closes. */
  end(reason: GenerationEndReason, error: string | null): void;
  /** The client is gone: everything it had is given back. Idempotent. */
  leave(reason: GenerationEndReason): void;
  /** Called on the way out. */
  onEnd(run: () => void): void;
};

export type SessionAbout = {
  readonly id: string;
  readonly plan: Plan;
  readonly dice: Dice;
  readonly keyFaults: KeyFaults;
  readonly model: string;
  /** `null` for a model that is in no table, where such are accepted. */
  readonly row: RealtimeModel | null;
  readonly secondsMax: number | null;
  /** Its client's Origin and Host. Without them it is no page. */
  readonly asker?: Asker;
  /** The client paints a pixel marker and looks for it in what comes back. */
  readonly pixelMarker?: boolean;
  /** What the client wants to be sent, where pictures are transcoded; without it, what it sends. */
  readonly outputCodec?: CodecName | null;
};

const imageLimits = {
  imageBase64LengthMax: IMAGE_BASE64_CHARS_MAX,
  imageSideMax: IMAGE_SIDE_PX_MAX,
  imagePixelsMax: IMAGE_PIXELS_MAX,
  imageSideRecommended: IMAGE_SIDE_PX_RECOMMENDED_MIN,
};

/** State messages waiting for their turn; a client that outruns this is refused. */
const waitingMax = 256;
/** The same for what they hold, in characters: six images of the largest size. */
const waitingCharactersMax = 64 * 1024 ** 2;
/** With `--ack-when applied`: how long the first picture may take before the ack goes out all the same. */
const appliedWaitMs = 1000;

export function createSession(context: ServerContext, socket: ControlSocket, about: SessionAbout): Session {
  const { options, clock, machine, journal } = context;
  const { id, model, plan, asker = {} } = about;
  let phase: Phase = "opened";
  let dialect: string | null = null;
  let state = initialState;
  let pipeline: Pipeline | null = null;
  let seconds = 0;
  let frameCount = 0;
  let ticks: Timer | null = null;
  let limit: Timer | null = null;
  const viewers = new Map<{ output: Output; end(): void }, () => void>();
  const endings: (() => void)[] = [];
  const mediaWaiters: { resolve(pipeline: Pipeline): void; reject(error: Error): void }[] = [];
  const frameWaiters = new Set<() => void>();
  const shownWaiters = new Set<{ revision: number; done(): void }>();
  let look = makeLook(state, null);
  /** Drawing words takes a while: those of a prompt are drawn once. */
  let captioned: { prompt: string | null; caption: Look["caption"] } = { prompt: null, caption: null };
  let waitingCharacters = 0;

  const queue = createSerialQueue(waitingMax, (error) => {
    note("defect", { error: (error as Error).stack });
    socket.send({ type: "error", error: `The mock server failed on a message: ${(error as Error).message}` });
  });

  function note(kind: string, fields: Record<string, unknown> = {}, measured = false): void {
    journal.add({ session: id, kind, fields, measured });
  }

  /** What left, picture by picture: what a judge holds against what a client says it saw. */
  function noteFrame(picture: EditedPicture | null): void {
    if (!picture) return note("frame", { frame: frameCount }, true);
    const { revision, promptHash, imageHash, outputCount, key, width, height, data, receivedMs } = picture;
    const input = picture.input?.frameId ?? null;
    const residenceMs = Math.round((machine.now() - receivedMs) * 10) / 10;
    note(
      "frame",
      {
        frame: frameCount,
        input,
        revision,
        promptHash,
        imageHash,
        outputCount,
        key,
        width,
        height,
        bytes: data.length,
        residenceMs,
      },
      true,
    );
  }

  function move(to: Phase): void {
    if (!(moves[phase] as readonly string[]).includes(to)) {
      throw new Error(`A session that is ${phase} cannot become ${to}.`);
    }
    note("phase", { from: phase, to });
    phase = to;
  }

  /** `characters`: what the task keeps in memory while it waits. */
  function enqueue(task: () => Promise<void> | void, characters = 0): void {
    if (phase === "ended") return;
    const added =
      waitingCharacters + characters <= waitingCharactersMax &&
      queue.add(async () => {
        waitingCharacters -= characters;
        await task();
      });
    if (added) {
      waitingCharacters += characters;
      return;
    }
    const limit = `${waitingMax} state messages or ${waitingCharactersMax / 1024 ** 2} MB of them`;
    const error = `More than ${limit} wait for their acks. Await each set() before the next.`;
    socket.refuse(error, CLOSE_CODES.policy.code);
  }

  async function applyMessage(message: StateMessage): Promise<void> {
    const length = message.prompt?.length ?? 0;
    if (length > PROMPT_CHARS_MAX) {
      return ack(
        ackFor(
          message,
          `The prompt has ${length} characters; at most ${PROMPT_CHARS_MAX} are taken. Shorten it.`,
        ),
      );
    }
    const change = readChange(message, options.promptOnlySet);
    const image = await findImage(change);
    if ("error" in image) return ack(ackFor(message, image.error));
    const next = nextState(state, change, image.image);
    const item = meetFaults({
      direction: "to-server",
      kind: message.type,
      previous: state,
      adopted: next,
      shown: [{ state: next, frames: 0 }],
      ack: ackFor(message),
    });
    if (!item) return;
    await adopt(item.adopted, item.shown);
    if (options.ackWhen === "applied" && item.adopted) await shown(item.adopted.revision);
    ack(item.ack, item.adopted !== null);
  }

  /** What becomes of a change; `null`: nothing at all. */
  function meetFaults(item: StateItem): StateItem | null {
    let met: StateItem | null = null;
    plan.pass("state", item, (out) => {
      met = out;
    });
    return met;
  }

  async function adopt(next: State | null, showing: StateItem["shown"]): Promise<void> {
    const looks: { look: Look; frames: number }[] = [];
    for (const step of showing) {
      looks.push({ look: makeLook(step.state, await captionOf(step.state)), frames: step.frames });
    }
    if (phase === "ended") return;
    const last = looks.at(-1);
    if (last) look = last.look;
    if (next) adopted(next);
    if (last) pipeline?.show(looks);
  }

  function adopted(next: State): void {
    state = next;
    const { promptHash, imageHash } = makeLook(next, null);
    note("state", {
      revision: next.revision,
      prompt: next.prompt,
      promptHash,
      enhance: next.enhance,
      imageHash,
      ...(next.mirrored && { mirrored: true }),
    });
    plan.reach("state-applied", next.revision);
  }

  async function captionOf(next: State) {
    if (next.prompt === captioned.prompt) return captioned.caption;
    if (next.prompt === null) return null;
    const { rasterise } = await import("./pictures/caption.ts");
    captioned = { prompt: next.prompt, caption: await rasterise(next.prompt) };
    return captioned.caption;
  }

  async function findImage(change: Change): Promise<{ image: ReferenceImage | null } | { error: string }> {
    if (!change.image) return { image: null };
    if (about.row && !about.row.acceptsImage && options.imageOnTextModel === "refuse") {
      return {
        error: `${model} is edited by prompt only and takes no reference image. Use a model such as lucy_2_rt, or leave image out.`,
      };
    }
    let source: string | Buffer;
    if ("data" in change.image) source = change.image.data;
    else {
      const file = context.files.find(change.image.ref);
      if (!file) return { error: noSuchFile(change.image.ref) };
      if (!mayReach(asker, file.origin)) return { error: keptFrom(`File ${change.image.ref}`, asker) };
      source = file.bytes;
    }
    const { decodeReferenceImage } = await import("./pictures/reference-image.ts");
    const decoded = await decodeReferenceImage(source, imageLimits);
    if (!decoded.ok) return { error: decoded.error };
    const { bytes, mime, width, height, picture, warnings } = decoded;
    for (const warning of warnings) note("image-warning", { warning });
    return { image: { hash: imageHash(bytes), byteLength: bytes.length, mime, width, height, picture } };
  }

  function ack(answer: PromptAckMessage | SetImageAckMessage, isInForce = false): void {
    if (!answer.success && !isInForce) note("state-refused", { error: answer.error });
    plan.reach("ack-queued");
    socket.send(answer);
    plan.reach("ack-sent");
  }

  /** Resolves on the first picture of this revision, or when none comes because no media flows. */
  function shown(revision: number): Promise<void> {
    if (!pipeline || !hasMedia() || options.mode !== "transcode") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = machine.after(appliedWaitMs + options.latencyMs, () => waiter.done());
      const waiter = {
        revision,
        done() {
          timer.cancel();
          shownWaiters.delete(waiter);
          resolve();
        },
      };
      shownWaiters.add(waiter);
    });
  }

  const hasMedia = () => phase === "connected" || phase === "generating";
  /** A fault may end it at any moment that it comes to. */
  const hasEnded = () => phase === "ended";

  plan.attach("state", {
    others() {
      const { key } = about.keyFaults;
      // Who brings faults in a key shares nothing with others on the same server.
      const isMet = (other: Session) => other !== session && (key === "" || other.keyFaults.key === key);
      return [...context.sessions.values()].filter(isMet);
    },
  });

  if (about.secondsMax !== null) {
    limit = clock.after(about.secondsMax * 1000, () =>
      session.end("timeout", SERVER_ERRORS.sessionDurationReached),
    );
  }

  const session: Session = {
    id,
    model,
    plan,
    dice: about.dice,
    keyFaults: about.keyFaults,
    origin: asker.origin ?? null,
    get phase() {
      return phase;
    },
    get dialect() {
      return dialect;
    },
    get state() {
      return state;
    },
    get pipeline() {
      return pipeline;
    },
    get viewerCount() {
      return viewers.size;
    },
    get seconds() {
      return seconds;
    },
    get frameCount() {
      return frameCount;
    },
    until: (moment, waiting) => context.expectations.until(session, moment, waiting),
    frames: (count, waiting) => context.expectations.frames(session, count, waiting),
    followFrames(read) {
      frameWaiters.add(read);
      return () => frameWaiters.delete(read);
    },
    join(name) {
      dialect = name;
      move("joined");
      plan.reach("joined");
      warmUp();
    },
    handleState(message) {
      const image = message.type === "set_image" ? (message.image_data ?? message.image_ref) : null;
      plan.reach("state-received");
      enqueue(() => applyMessage(message), (message.prompt?.length ?? 0) + (image?.length ?? 0));
    },
    refuseState: (answer) => enqueue(() => ack(answer)),
    show: (other) => enqueue(() => adopt(null, [{ state: other, frames: 0 }])),
    mirror: (mirrored) =>
      enqueue(() => {
        const next = { ...state, revision: state.revision + 1, mirrored };
        return adopt(next, [{ state: next, frames: 0 }]);
      }),
    openMedia(codec, startBitsPerSecond, on) {
      if (phase === "ended") throw new Error("The session has ended.");
      pipeline?.close();
      const isCoded = options.mode === "transcode" && codec !== "i420";
      const outputCodec = (isCoded && about.outputCodec) || codec;
      const sameCodec = pipeline?.codec === outputCodec;
      let hasShown = false;
      const opened = createPipeline(
        {
          mode: options.mode,
          codec,
          outputCodec,
          clock: machine,
          codecs: context.codecs,
          look,
          strips: options.strips,
          pixelMarker: about.pixelMarker ?? false,
          outputSize: options.size === "model" ? about.row : null,
          bitrate: { ...bitrate, start: Math.max(bitrate.start, startBitsPerSecond ?? 0) },
          latencyMs: options.latencyMs,
          gates: pipelineGates(plan),
        },
        {
          shown(revision, outputCount) {
            note("shown", { revision, outputCount }, true);
            plan.reach("first-frame-of-revision", revision);
            for (const waiter of shownWaiters) if (waiter.revision <= revision) waiter.done();
          },
          left(_count, picture) {
            frameCount++;
            if (options.frameLines) noteFrame(picture);
            if (!hasShown) plan.reach("first-frame");
            hasShown = true;
            for (const wake of frameWaiters) wake();
          },
          needsKey(why) {
            note("key-asked", { why }, true);
            on.needsKey();
          },
          noted: (kind, fields) => note(kind, fields, true),
          failed(error) {
            note("codec-failed", { error }, true);
            session.end("error", `The mock server lost its codec: ${error}`);
          },
        },
      );
      pipeline = opened;
      note("media-opened", { codec }, true);
      for (const [viewer] of viewers) {
        if (sameCodec) viewers.set(viewer, opened.add(viewer.output));
        // It negotiated what is no longer sent; it may come again.
        else viewer.end();
      }
      for (const waiter of mediaWaiters.splice(0)) waiter.resolve(opened);
      return opened;
    },
    whenMedia() {
      if (pipeline) return Promise.resolve(pipeline);
      return new Promise((resolve, reject) => mediaWaiters.push({ resolve, reject }));
    },
    connected() {
      if (phase !== "joined") return;
      move("connected");
      plan.reach("connected");
    },
    generate() {
      if (phase !== "connected") return;
      move("generating");
      // Before anything is said or reached: whatever ends it then stops them.
      ticks ??= clock.every(1000, () => {
        if (phase !== "generating") return;
        seconds++;
        plan.reach("tick", seconds);
        socket.send({ type: "generation_tick", seconds });
      });
      plan.reach("generation-started");
      if (!hasEnded()) socket.send({ type: "generation_started" });
    },
    disconnected() {
      if (!hasMedia()) return;
      move("joined");
      plan.reach("disconnected");
    },
    addViewer(viewer) {
      if (phase === "ended") viewer.end();
      viewers.set(viewer, pipeline?.add(viewer.output) ?? (() => {}));
      return () => {
        viewers.get(viewer)?.();
        viewers.delete(viewer);
      };
    },
    end(reason, error) {
      if (phase === "ended") return;
      sayEnd(socket, seconds, reason, error);
      session.leave(reason);
    },
    leave(reason) {
      if (phase === "ended") return;
      const stats = pipeline?.stats;
      move("ended");
      ticks?.cancel();
      limit?.cancel();
      queue.close();
      for (const waiter of shownWaiters) waiter.done();
      for (const waiter of mediaWaiters.splice(0))
        waiter.reject(new Error("The session ended before it had any pictures."));
      pipeline?.close();
      for (const viewer of [...viewers.keys()]) viewer.end();
      viewers.clear();
      for (const run of endings) run();
      const { packetsIn = 0, picturesIn = 0, picturesOut = 0, dropped = 0 } = stats ?? {};
      note("session-ended", { reason, seconds, revision: state.revision });
      note("media-summary", { packetsIn, picturesIn, picturesOut, dropped }, true);
      plan.reach("ended");
      for (const wake of frameWaiters) wake();
      frameWaiters.clear();
    },
    onEnd(run) {
      endings.push(run);
    },
  };
  return session;
}

/** Tells a client that it is over: why, after how many seconds of generation, a close. */
export function sayEnd(
  socket: ControlSocket,
  seconds: number,
  reason: GenerationEndReason,
  error: string | null,
): void {
  if (error) socket.send({ type: "error", error });
  socket.send({ type: "generation_ended", seconds, reason });
  socket.close(CLOSE_CODES[reason === "error" ? "serverError" : "normal"].code, reason);
}

/** Loads the font while the client still negotiates: the first caption would take 130 ms longer, later ones 3. */
function warmUp(): void {
  import("./pictures/caption.ts")
    .then(({ rasterise }) => rasterise("a"))
    .catch(() => {
      // Whoever needs a caption is told.
    });
}

/**
 * Bits per second of what we send. The start is above the 600 kbit/s that SDKs hint at in their offers, which is a hint for
 * slow networks: on loopback it would only show mush. A client that reports less (REMB) gets less.
 */
const bitrate = { start: 2_500_000, min: 300_000, max: 3_500_000 };

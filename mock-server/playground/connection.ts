/** The connection of the page's own client, from Connect to Disconnect, and what the server says meanwhile. */
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import { type Chosen, chosen } from "./choices.ts";
import { recordDeed } from "./deeds.ts";
import { goneSentence, newestHealth, pollHealth, watchHealth } from "./health.ts";
import { keepIceLocal } from "./keep-ice-local.ts";
import type { SdkClient } from "./load-sdk.ts";
import type { Source } from "./open-source.ts";
import { preferCodec } from "./prefer-codec.ts";
import {
  anotherSession,
  showEnded,
  showPlace,
  showServed,
  showState,
  showTick,
  startProgress,
} from "./progress.ts";
import { whyUnread } from "./readout.ts";
import { clearResult, isShown, readout, sayNoPicture, showResult } from "./result.ts";
import { sentenceOf } from "./sentence-of.ts";
import { closeSource, openedSource, openSource } from "./source.ts";
import { type ServerSaid, watchSockets } from "./watch-sockets.ts";

export type Phase = "idle" | "connecting" | "cancelling" | "connected";

const { host, origin, protocol } = location;
export const realtimeUrl = `${protocol === "https:" ? "wss:" : "ws:"}//${host}`;
/** What an SDK tells its developers is there for who looks for it (Verbose), and frightens nobody else. */
const quietLogger = { debug: console.debug, info: console.debug, warn: console.debug, error: console.debug };

let phase: Phase = "idle";
let client: SdkClient | null = null;
let sessionId: string | null = null;
let ticks = 0;
let listeners: ConnectionListeners = { phase() {}, session() {} };
/** What was cancelled: an SDK has no call for that, and takes up to 16 s to notice that its sockets are gone. */
let abandoned: Promise<void> | null = null;
let giveUp = () => {};

type ConnectionListeners = {
  phase(phase: Phase): void;
  /** Whatever was set is set no more: it is another session, or none. */
  session(): void;
};

keepIceLocal();
const sockets = watchSockets(serverSaid);

export function currentPhase(): Phase {
  return phase;
}

/** Null unless it is connected. */
export function connectedClient(): SdkClient | null {
  return client;
}

/** The session's id, from when the server has told it. */
export function ownSession(): string | null {
  return sessionId;
}

export function startConnection(listening: ConnectionListeners): void {
  listeners = listening;
  startProgress();
  watchHealth(({ sessions }) => {
    const own = sessions.find(({ id }) => id === sessionId);
    if (own && client) readout.session(own, ticks);
  });
  element("connection").addEventListener("submit", (event) => {
    event.preventDefault();
    const choice = chosen();
    if (phase === "idle" && choice) connect(choice);
    else if (phase === "connecting") cancel();
    else if (phase === "connected") disconnect();
  });
  addEventListener("pagehide", () => {
    if (phase === "connected") disconnect();
    else if (phase === "connecting") cancel();
    closeSource();
  });
}

async function connect(choice: Chosen): Promise<void> {
  const { version, model } = choice;
  setPhase("connecting");
  startProgress();
  const startedMs = performance.now();
  const line = note(`connect("${model.name}") with SDK ${version}`);
  let isGivenUp = false;
  const gaveUp = new Promise<never>((_, reject) => {
    giveUp = () => {
      isGivenUp = true;
      reject(new Error("Cancelled."));
    };
  });
  let call: Promise<SdkClient> | null = null;
  let connected: SdkClient;
  try {
    // Its sockets would be those that the one before may not open any more.
    if (abandoned) {
      sayNoPicture("The SDK has not let go of what was cancelled; it does so within 16 s.");
      await Promise.race([abandoned, gaveUp]);
      sayNoPicture("Connecting…");
    }
    // An SDK tries six times and half a minute before it says that nobody is there.
    if (!(await pollHealth())) throw new Error(await goneSentence());
    const source = await openSource(model);
    if (cancelled()) throw new Error("Cancelled.");
    recordConnect(choice, source);
    call = callSdk(choice, source, (stream) => {
      if (!isGivenUp) showResult(stream);
    });
    connected = await Promise.race([call, gaveUp]);
  } catch (error) {
    if (cancelled()) abandon(call);
    line.end(cancelled() ? "Cancelled." : sentenceOf(error), "bad");
    return goIdle();
  }
  line.end(`connected after ${Math.round(performance.now() - startedMs)} ms`, "good");
  setPhase("connected");
  listen(connected, version);
  pollHealth();
}

function callSdk(
  { sdk, model, codec, apiKey }: Chosen,
  { stream }: Source,
  onRemoteStream: (stream: MediaStream) => void,
): Promise<SdkClient> {
  const decart = sdk.createDecartClient({
    apiKey,
    baseUrl: origin,
    realtimeBaseUrl: realtimeUrl,
    telemetry: false,
    logger: quietLogger,
  });
  return decart.realtime.connect(stream, {
    model,
    onRemoteStream,
    // Either era passes over the other's option.
    ...(codec !== null && {
      customizeOffer: (offer: RTCSessionDescriptionInit) => {
        offer.sdp = preferCodec(offer.sdp ?? "", codec);
      },
      preferredVideoCodec: codec.toLowerCase(),
    }),
  });
}

function recordConnect({ version, model, codec, apiKey }: Chosen, { kind, size, fileName }: Source): void {
  recordDeed({
    kind: "connect",
    version,
    model: model.name,
    apiKey,
    codec,
    source: kind,
    ...(fileName !== undefined && { fileName }),
    camera: size,
  });
}

function listen(connected: SdkClient, version: string): void {
  client = connected;
  showState("connected");
  connected.on("connectionChange", (state) => {
    if (client !== connected) return;
    note(`state: ${state}`);
    showState(state);
    if (state === "reconnecting") {
      readout.clear();
      sayNoPicture("Reconnecting…");
    }
    // Losing a LiveKit room stops the app's camera; the SDK connects again and sends nothing.
    const tracks = openedSource()?.stream.getVideoTracks();
    if (state === "connected" && tracks?.every((track) => track.readyState === "ended")) {
      const sentence =
        "The SDK stopped the camera when it lost the room, so nothing is sent. Disconnect, then connect again.";
      note(sentence, "bad");
      sayNoPicture(sentence);
    }
    if (state === "disconnected") hangUp("The connection is lost; connect again.");
  });
  connected.on("error", (error) => client === connected && note(sentenceOf(error), "bad"));
  const together = element<HTMLInputElement>("together");
  const hasSet = typeof connected.set === "function";
  together.disabled = !hasSet;
  if (!hasSet) together.checked = false;
  together.parentElement!.title = hasSet ? "" : `SDK ${version} has no set(); 0.0.43 brought it.`;
  const health = newestHealth();
  const why = health && whyUnread(health.options, openedSource()?.kind ?? "synthetic");
  element("unread").textContent = why ?? "";
  element("unread").hidden = !why;
}

function cancel(): void {
  setPhase("cancelling");
  sockets.refuses = true;
  sockets.close();
  giveUp();
}

/** Lets no socket of it open until it has ended, one way or the other. */
function abandon(call: Promise<SdkClient> | null): void {
  const ended = call?.then(
    (late) => late.disconnect(),
    () => {},
  );
  abandoned = Promise.all([abandoned, ended]).then(() => {
    sockets.refuses = false;
    abandoned = null;
  });
}

function cancelled(): boolean {
  return phase === "cancelling";
}

function disconnect(): void {
  recordDeed({ kind: "disconnect" });
  hangUp("Disconnected.");
}

function hangUp(why: string): void {
  const left = client;
  client = null;
  left?.disconnect();
  note(why);
  goIdle();
}

/** Gives everything back: camera, sockets, pictures. */
function goIdle(): void {
  client = null;
  sockets.close();
  closeSource();
  clearResult();
  sayNoPicture("Connect to see what the server makes of it.");
  sessionId = null;
  listeners.session();
  element("unread").hidden = true;
  setPhase("idle");
}

function setPhase(next: Phase): void {
  phase = next;
  const button = element<HTMLButtonElement>("connect");
  button.textContent = {
    idle: "Connect",
    connecting: "Cancel",
    cancelling: "Cancelling…",
    connected: "Disconnect",
  }[next];
  button.classList.toggle("stop", next !== "idle");
  button.disabled = next === "cancelling";
  element<HTMLFieldSetElement>("choices").disabled = next !== "idle";
  element<HTMLFieldSetElement>("edits").disabled = next !== "connected";
  if (next === "idle") showState("idle");
  if (next === "connecting") {
    showState("connecting");
    sayNoPicture("Connecting…");
  }
  // The first picture may be there before the SDK says that it is connected.
  if (next === "connected" && !isShown()) {
    sayNoPicture(
      newestHealth()?.options.mode === "none" ? "No pictures come back." : "Waiting for the first picture…",
    );
  }
  listeners.phase(next);
}

/** What came over the control socket, whether this SDK has an event for it or not. */
function serverSaid(message: ServerSaid): void {
  if (message.type === "queue_position") showPlace(Number(message.position), Number(message.queue_size));
  if (message.type === "session_id" || message.type === "livekit_room_info") {
    // After a reconnect it is another session, with nothing set in it.
    if (sessionId) {
      listeners.session();
      anotherSession();
    }
    sessionId = String(message.session_id);
    ticks = 0;
    showServed();
  }
  if (message.type === "generation_tick") {
    ticks++;
    showTick(Number(message.seconds));
  }
  if (message.type === "generation_ended") showEnded(Number(message.seconds), String(message.reason));
  // Once it is connected, the SDK reports errors itself; before, it keeps them until it gives up.
  if (message.type === "error" && !client) note(`The server: ${sentenceOf(message.error)}`, "bad");
}

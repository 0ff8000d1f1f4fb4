/**
 * The page at `/`: a person's client with a published SDK in it, camera left, result right. It speaks to the server that
 * served it and to nobody else.
 */

import { watchStrips } from "../../fixtures/browser/watch-strips.ts";
import type { MockServerOptions } from "../options.ts";
import { askServer, Refusal } from "./_ask-server.ts";
import { element } from "./_element.ts";
import { note, noteCall } from "./_log.ts";
import { keepIceLocal } from "./keep-ice-local.ts";
import { loadSdk, type Sdk, type SdkClient } from "./load-sdk.ts";
import type { Offer } from "./offer.ts";
import { openCamera, openSynthetic, type Source } from "./open-source.ts";
import { preferCodec } from "./prefer-codec.ts";
import { createReadout, type DescribedSession, whyUnread } from "./readout.ts";
import { sentenceOf } from "./sentence-of.ts";
import { olderSdkSnippet, sdkSnippet } from "./snippets.ts";
import { type ServerSaid, watchSockets } from "./watch-sockets.ts";

type Health = {
  uptimeMs: number;
  options: MockServerOptions;
  open: { sessions: number };
  limits?: { sessions: number };
};

const { host, origin, port, protocol } = location;
const realtimeUrl = `${protocol === "https:" ? "wss:" : "ws:"}//${host}`;
/** What an SDK tells its developers is there for who looks for it (Verbose), and frightens nobody else. */
const quietLogger = { debug: console.debug, info: console.debug, warn: console.debug, error: console.debug };
const pollMs = 1000;
const tokenSentence = `The server tells what it does to those only who have the token that it printed at start. Open ${location.origin}/#token=… with it; everything but the figures works without.`;
const gaugeMs = 250;

const choices = element<HTMLFieldSetElement>("choices");
const version = element<HTMLSelectElement>("version");
const model = element<HTMLSelectElement>("model");
const codec = element<HTMLSelectElement>("codec");
const key = element<HTMLInputElement>("key");
const connectButton = element<HTMLButtonElement>("connect");
const sourceVideo = element<HTMLVideoElement>("source");
const resultVideo = element<HTMLVideoElement>("result");
const prompt = element<HTMLInputElement>("prompt");
const enhance = element<HTMLInputElement>("enhance");
const together = element<HTMLInputElement>("together");
const file = element<HTMLInputElement>("file");

const readout = createReadout();
let health: Health | null = null;
let sdks: Offer["sdks"] = [];
let sdk: Sdk | null = null;
let source: Source | null = null;
let client: SdkClient | null = null;
let phase: "idle" | "connecting" | "cancelling" | "connected" = "idle";
let sessionId: string | null = null;
let ticks = 0;
/** The image that waits to be sent together with a prompt. */
let staged: { blob: Blob; name: string } | null = null;

keepIceLocal();
const sockets = watchSockets(serverSaid);

showSnippets();
watchStrips(resultVideo, (picture) => {
  if (client) readout.picture(picture, source?.ownClock ?? false);
});
setInterval(() => client && readout.rate(performance.now()), gaugeMs);
for (const video of [sourceVideo, resultVideo]) {
  video.addEventListener("resize", () => {
    if (!video.videoWidth) return;
    video.parentElement!.style.setProperty("--ratio", `${video.videoWidth} / ${video.videoHeight}`);
  });
}
resultVideo.addEventListener("loadeddata", () => {
  element("result-empty").textContent = "";
});

element("connection").addEventListener("submit", (event) => {
  event.preventDefault();
  if (phase === "idle") connect();
  else if (phase === "connecting") cancel();
  else if (phase === "connected") hangUp("Disconnected.");
});
element("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  sendPrompt();
});
element("clear-image").addEventListener("click", () => clear("setImage(null)"));
element("clear-all").addEventListener("click", () => clear("setImage(null, { prompt: null })", null));
version.addEventListener("change", () => chooseVersion());
model.addEventListener("change", preview);
for (const input of document.getElementsByName("source")) input.addEventListener("change", preview);
together.addEventListener("change", () => {
  if (staged) unstage();
});
file.addEventListener("change", () => {
  const [picked] = file.files ?? [];
  // Without this, the same file could not be picked twice in a row.
  if (picked) pickImage(picked, picked.name).then(() => (file.value = ""));
});
document.addEventListener("visibilitychange", () => {
  if (phase === "idle") preview();
});
addEventListener("pagehide", () => {
  if (phase === "connected") hangUp("Disconnected.");
  else if (phase === "connecting") cancel();
  source?.stop();
});
addEventListener("pageshow", ({ persisted }) => persisted && preview());

await poll();
await showOffer();
await offerFaults();

async function showOffer(): Promise<void> {
  try {
    const offer: Offer = await (await fetch("/_lucy/playground")).json();
    sdks = offer.sdks;
    version.append(...sdks.map(({ version }) => new Option(version)));
    element("chips").append(...offer.transforms.map(chip));
    element("samples").append(...offer.samples.map(sample));
    await chooseVersion();
  } catch (error) {
    note(sentenceOf(error), "bad");
  }
}

/** Keys that bring a fault along. Without them, the field takes any text all the same. */
async function offerFaults(): Promise<void> {
  try {
    const { faults } = await askServer<{ faults: { name: string; about: string }[] }>("/_lucy/catalogue");
    const scenarios = await askServer<Record<string, { about: string | null }>>("/_lucy/scenarios");
    const named = Object.entries(scenarios).map(([name, { about }]) => ({
      name,
      about: about ?? "A scenario.",
    }));
    element("faults").append(
      ...[...named, ...faults].map(({ name, about }) => new Option(about, `mock:${name}`)),
    );
  } catch (error) {
    // Where a token is missing, the page says so by itself.
    if (!(error instanceof Refusal)) note(sentenceOf(error), "bad");
  }
}

function chip({ name, does }: Offer["transforms"][number]): HTMLButtonElement {
  const button = Object.assign(document.createElement("button"), {
    type: "button" as const,
    textContent: name,
    title: does,
  });
  button.addEventListener("click", () => {
    prompt.value = name;
    sendPrompt();
  });
  return button;
}

function sample({ name, about }: Offer["samples"][number]): HTMLButtonElement {
  const button = Object.assign(document.createElement("button"), { type: "button" as const, title: about });
  button.setAttribute("aria-pressed", "false");
  const url = `/_lucy/samples/${name}`;
  button.append(Object.assign(document.createElement("img"), { src: url, alt: about }));
  button.addEventListener("click", async () => {
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`The server has no sample image ${name}.`);
      await pickImage(await response.blob(), name, button);
    } catch (error) {
      note(sentenceOf(error), "bad");
    }
  });
  return button;
}

/** Loads the chosen SDK and lists the models that it knows and the codecs that it sends. */
async function chooseVersion(): Promise<void> {
  connectButton.disabled = true;
  const wanted = version.value;
  try {
    const loaded = await loadSdk(wanted);
    if (version.value !== wanted) return;
    sdk = loaded;
    const offered = sdks.find((one) => one.version === wanted)!;
    const chosen = offered.models.includes(model.value) ? model.value : offered.model;
    model.replaceChildren(...offered.models.map((name) => new Option(name, name, false, name === chosen)));
    codec.replaceChildren(...offered.codecs.map((name) => new Option(name)));
    connectButton.disabled = false;
    preview();
  } catch (error) {
    note(sentenceOf(error), "bad");
  }
}

/** Shows what would be sent. A real camera stays off until somebody connects. */
function preview(): void {
  if (phase !== "idle" || !sdk) return;
  source?.stop();
  source = null;
  const synthetic = wantsSynthetic();
  if (synthetic && !document.hidden) showSource(openSynthetic(sdk.models.realtime(model.value)));
  else sourceVideo.srcObject = null;
  element("source-empty").textContent = synthetic ? "" : "The camera starts with Connect and stops with it.";
  if (!synthetic) element("source-about").textContent = "";
}

function wantsSynthetic(): boolean {
  return document.querySelector<HTMLInputElement>("[name=source]:checked")!.value === "synthetic";
}

function showSource(opened: Source): void {
  source = opened;
  sourceVideo.srcObject = opened.stream;
  element("source-about").textContent = opened.about;
  element("source-empty").textContent = "";
}

async function openSource(size: Parameters<typeof openSynthetic>[0]): Promise<void> {
  if (wantsSynthetic()) {
    if (!source) showSource(openSynthetic(size));
    return;
  }
  try {
    showSource(await openCamera(size));
  } catch (error) {
    note(`${sentenceOf(error)} Going on with the synthetic camera.`, "bad");
    document.querySelector<HTMLInputElement>("[name=source][value=synthetic]")!.checked = true;
    showSource(openSynthetic(size));
  }
}

async function connect(): Promise<void> {
  if (!sdk) return;
  setPhase("connecting");
  const startedMs = performance.now();
  const line = note(`connect("${model.value}") with SDK ${version.value}`);
  let connected: SdkClient | null = null;
  try {
    // An SDK tries six times and half a minute before it says that nobody is there.
    if (!(await poll())) throw new Error(goneSentence());
    const definition = sdk.models.realtime(model.value);
    await openSource(definition);
    if (cancelled()) throw new Error("Cancelled.");
    const decart = sdk.createDecartClient({
      apiKey: key.value,
      baseUrl: origin,
      realtimeBaseUrl: realtimeUrl,
      telemetry: false,
      logger: quietLogger,
    });
    connected = await decart.realtime.connect(source!.stream, {
      model: definition,
      onRemoteStream: (stream) => {
        resultVideo.srcObject = stream;
      },
      // The first is what the SDK takes by itself. Either era passes over the other's option.
      ...(codec.selectedIndex > 0 && {
        customizeOffer: (offer: RTCSessionDescriptionInit) => {
          offer.sdp = preferCodec(offer.sdp ?? "", codec.value);
        },
        preferredVideoCodec: codec.value.toLowerCase(),
      }),
    });
    if (cancelled()) throw new Error("Cancelled.");
  } catch (error) {
    connected?.disconnect();
    line.end(cancelled() ? "Cancelled." : sentenceOf(error), "bad");
    return goIdle();
  }
  line.end(`connected after ${Math.round(performance.now() - startedMs)} ms`, "good");
  setPhase("connected");
  listen(connected);
  poll();
}

function listen(connected: SdkClient): void {
  client = connected;
  showState("connected");
  connected.on("connectionChange", (state) => {
    if (client !== connected) return;
    note(`state: ${state}`);
    showState(state);
    if (state === "reconnecting") {
      readout.clear();
      element("result-empty").textContent = "Reconnecting…";
    }
    // Losing a LiveKit room stops the app's camera; the SDK connects again and sends nothing.
    if (
      state === "connected" &&
      source?.stream.getVideoTracks().every((track) => track.readyState === "ended")
    ) {
      note(
        "The SDK stopped the camera when it lost the room, so nothing is sent. Disconnect, then connect again.",
        "bad",
      );
    }
    if (state === "disconnected") hangUp("The connection is lost; connect again.");
  });
  connected.on("error", (error) => client === connected && note(sentenceOf(error), "bad"));
  const hasSet = typeof connected.set === "function";
  together.disabled = !hasSet;
  if (!hasSet) together.checked = false;
  together.parentElement!.title = hasSet ? "" : `SDK ${version.value} has no set(); 0.0.43 brought it.`;
  const why = health && whyUnread(health.options, source?.ownClock ?? false);
  element("unread").textContent = why ?? "";
  element("unread").hidden = !why;
}

function cancel(): void {
  setPhase("cancelling");
  sockets.refuses = true;
  sockets.close();
}

function cancelled(): boolean {
  return phase === "cancelling";
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
  sockets.refuses = false;
  source?.stop();
  source = null;
  resultVideo.srcObject = null;
  element("result-empty").textContent = "Connect to see what the server makes of it.";
  sessionId = null;
  ticks = 0;
  unstage();
  readout.clear();
  element("unread").hidden = true;
  setPhase("idle");
  preview();
}

function setPhase(next: typeof phase): void {
  phase = next;
  const connected = next === "connected";
  connectButton.textContent = {
    idle: "Connect",
    connecting: "Cancel",
    cancelling: "Cancelling…",
    connected: "Disconnect",
  }[next];
  connectButton.classList.toggle("stop", next !== "idle");
  connectButton.disabled = next === "cancelling";
  choices.disabled = next !== "idle";
  element<HTMLFieldSetElement>("edits").disabled = !connected;
  if (next === "idle") showState("idle");
  if (next === "connecting") {
    showState("connecting");
    element("result-empty").textContent = "Connecting…";
  }
  // The first picture may be there before the SDK says that it is connected.
  if (connected && resultVideo.readyState < resultVideo.HAVE_CURRENT_DATA) {
    element("result-empty").textContent =
      health?.options.mode === "none" ? "No pictures come back." : "Waiting for the first picture…";
  }
}

function showState(state: string, text = state === "idle" ? "not connected" : state): void {
  const shown = element("state");
  shown.dataset.state = state;
  shown.textContent = text;
}

/** What came over the control socket, whether this SDK has an event for it or not. */
function serverSaid(message: ServerSaid): void {
  if (message.type === "queue_position") showPlace(Number(message.position), Number(message.queue_size));
  if (message.type === "session_id" || message.type === "livekit_room_info") {
    // After a reconnect it is another session, with nothing set in it.
    if (sessionId) unstage();
    sessionId = String(message.session_id);
    ticks = 0;
  }
  if (message.type === "generation_tick") ticks++;
  if (message.type === "generation_ended") {
    note(`The server ended the session after ${message.seconds} s: ${message.reason}.`);
  }
  // Once it is connected, the SDK reports errors itself; before, it keeps them until it gives up.
  if (message.type === "error" && !client) note(`The server: ${sentenceOf(message.error)}`, "bad");
}

/** The server repeats itself; the log has each place once. */
function showPlace(position: number, size: number): void {
  const text = `in the queue, ${position} of ${size}`;
  if (element("state").textContent === text) return;
  showState("connecting", text);
  element("result-empty").textContent = `Waiting for a free session: ${text}.`;
  note(`The server: ${text}.`);
}

async function sendPrompt(): Promise<void> {
  const text = prompt.value;
  const options = { enhance: enhance.checked };
  if (!client) return;
  if (together.checked && client.set) {
    if (!text && !staged) return void note("Write a prompt, or pick an image, to have something to send.");
    const { set } = client;
    const parts = { ...(text && { prompt: text }), ...(staged && { image: staged.blob }), ...options };
    const named = [text && `prompt: "${text}"`, staged && `image: ${staged.name}`].filter(Boolean).join(", ");
    const failed = await act(`set({ ${named} })`, () => set(parts));
    if (staged) showChosen(failed ?? `${staged.name} is in force.`, failed !== null);
    if (!failed) staged = null;
    return;
  }
  if (!text) return void note("Write a prompt first: an SDK sends no empty one. Clear all takes it away.");
  const { setPrompt } = client;
  await act(`setPrompt("${text}")`, () => setPrompt(text, options));
}

async function pickImage(blob: Blob, name: string, button?: HTMLButtonElement): Promise<void> {
  if (!client) return;
  if (together.checked) {
    staged = { blob, name };
    press(button);
    showChosen(`${name} goes with the next prompt.`);
    return;
  }
  const { setImage } = client;
  const failed = await act(`setImage(${name})`, () => setImage(blob));
  showChosen(failed ?? `${name}, ${kilobytes(blob.size)}`, failed !== null);
  // A refused image leaves the one before in force.
  if (!failed) press(button);
}

async function clear(name: string, ...clearedPrompt: null[]): Promise<void> {
  if (!client) return;
  const { setImage } = client;
  const options = clearedPrompt.length > 0 ? { prompt: null } : {};
  const failed = await act(name, () => setImage(null, options));
  if (failed) return;
  unstage();
  if (clearedPrompt.length > 0) prompt.value = "";
}

function unstage(): void {
  staged = null;
  press();
  showChosen("");
}

/** Calls the SDK, and shows at once what the server makes of it; resolves with why it was refused, or null. */
async function act(name: string, run: () => Promise<unknown>): Promise<string | null> {
  const failed = await noteCall(name, run);
  poll();
  return failed;
}

function showChosen(text: string, isBad = false): void {
  element("chosen").textContent = text;
  element("chosen").classList.toggle("bad", isBad);
}

/** Marks one sample as the image in force, or none. */
function press(chosen?: HTMLButtonElement): void {
  for (const button of element("samples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button === chosen));
  }
}

function kilobytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1000))} kB`;
}

let polling: Promise<boolean> | undefined;
let nextPoll: ReturnType<typeof setTimeout> | undefined;

/** Asks the server how it is, and again every second; resolves with whether it answered. */
function poll(): Promise<boolean> {
  clearTimeout(nextPoll);
  polling ??= ask().finally(() => {
    polling = undefined;
    nextPoll = setTimeout(poll, pollMs);
  });
  return polling;
}

async function ask(): Promise<boolean> {
  try {
    const told = await askServer<Health>("/_lucy/health");
    // Who has no token is told that it is up, and nothing else.
    if (!told.options) throw new Refusal(tokenSentence);
    health = told;
    showFacts(health);
    if (client && sessionId) {
      const sessions = await askServer<DescribedSession[]>("/_lucy/sessions");
      const own = sessions.find(({ id }) => id === sessionId);
      if (own && client) readout.session(own, ticks);
    }
    element("gone").hidden = true;
    return true;
  } catch (error) {
    const gone = element("gone");
    if (error instanceof Refusal) gone.textContent = error.message;
    else if (gone.hidden) gone.textContent = goneSentence();
    gone.hidden = false;
    element("facts").replaceChildren();
    return error instanceof Refusal;
  }
}

function goneSentence(): string {
  const flags = [port !== "8787" && `--port ${port}`, protocol === "https:" && "--tls"].filter(Boolean);
  const command = `npm start${flags.length > 0 ? ` -- ${flags.join(" ")}` : ""}`;
  return `The server at ${origin} does not answer. Start it with ${command}; this page notices.`;
}

function showFacts({ uptimeMs, options, open, limits }: Health): void {
  const { mode, size, latencyMs, seed } = options;
  const facts: [about: string, value: string][] = [
    ["mode", mode],
    ["output size", `of the ${size}`],
    ["latency", `${latencyMs} ms`],
    ["seed", String(seed)],
    ["up", duration(uptimeMs)],
    ["sessions", limits ? `${open.sessions} of ${limits.sessions}` : String(open.sessions)],
  ];
  const list = element("facts");
  // Built once, then only the changed words: a reader or a selection in it stays undisturbed.
  if (list.children.length !== facts.length) {
    list.replaceChildren(
      ...facts.map(([about], index) => {
        const item = document.createElement("li");
        if (index === 0) item.className = "on";
        item.append(`${about} `, document.createElement("b"));
        return item;
      }),
    );
  }
  for (const [index, [, value]] of facts.entries()) {
    const shown = list.children[index]!.querySelector("b")!;
    if (shown.textContent !== value) shown.textContent = value;
  }
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function showSnippets(): void {
  element("address").textContent = origin;
  element("newer").textContent = sdkSnippet(origin, realtimeUrl);
  element("older").textContent = olderSdkSnippet(realtimeUrl);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copies]")) {
    const code = element(button.dataset.copies!);
    button.setAttribute("aria-describedby", `${button.dataset.copies}-title`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // No clipboard over plain http: select it, and the keyboard does the rest.
        getSelection()?.selectAllChildren(code);
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => {
        button.textContent = "Copy";
      }, 2000);
    });
  }
}

/**
 * Clients that are wrong in one thing: the reference client with one member of its policy changed. Each has a scenario that notices; a scenario
 * that notices none is no scenario.
 */

import type { Dialect } from "../client.ts";
import type { Policy, StateMessage } from "../clients/reference/policy.ts";

export type ClientMutant = {
  readonly name: string;
  /** What it does wrong, in a sentence. */
  readonly about: string;
  /** The dialect in which it is wrong, if not in both. */
  readonly dialect?: Dialect;
  change(correct: Policy): Policy;
};

/** Eleven days: a timer takes no more than twice that. */
const forEverMs = 1e9;

const mutant = (
  name: string,
  about: string,
  change: (correct: Policy) => Partial<Policy>,
  dialect?: Dialect,
): ClientMutant => ({
  name,
  about,
  change: (correct) => ({ ...correct, ...change(correct) }),
  ...(dialect && { dialect }),
});

/** Changes each state message of a change on its way out, wherever it comes from. */
function outgoing(
  correct: Policy,
  alter: (messages: readonly StateMessage[]) => readonly StateMessage[],
): Partial<Policy> {
  return {
    encodeSet: (call) => alter(correct.encodeSet(call)),
    encodePrompt: (call) => alter(correct.encodePrompt(call)),
    encodeImage: (call) => alter(correct.encodeImage(call)),
    encodeInitial: (initial) => alter(correct.encodeInitial(initial)),
  };
}

/** A set in two messages, its prompt first. */
function split(messages: readonly StateMessage[]): StateMessage[] {
  return messages.flatMap((message): StateMessage[] => {
    if (message.type !== "set_image" || typeof message.prompt !== "string") return [message];
    const { prompt, ...image } = message;
    return [{ type: "prompt", prompt, enhance_prompt: message.enhance_prompt ?? true }, image];
  });
}

export const mutants: readonly ClientMutant[] = [
  // Connecting.
  mutant("forgets-model", "It asks for no model.", ({ streamUrl }) => ({
    streamUrl: (about) => streamUrl({ ...about, model: "" }),
  })),
  mutant("names-another-model", "It asks for a model of its own choice.", ({ streamUrl }) => ({
    streamUrl: (about) => streamUrl({ ...about, model: "lucy-2.1" }),
  })),
  mutant("sends-no-key", "It sends another key than its app gave it.", ({ streamUrl }) => ({
    streamUrl: (about) => streamUrl({ ...about, apiKey: "dct_another" }),
  })),
  mutant("impatient-ladder", "It waits half as long between attempts.", ({ retryDelayMs }) => ({
    retryDelayMs: (count) => {
      const delayMs = retryDelayMs(count);
      return delayMs === null ? null : delayMs / 2;
    },
  })),
  mutant("never-gives-up", "It tries for ever, whatever it is told.", ({ retryDelayMs }) => ({
    retryDelayMs: (count) => retryDelayMs(count) ?? 10_000,
    isPermanent: () => false,
  })),
  mutant("gives-up-at-first", "It tries once.", () => ({ retryDelayMs: () => null })),
  mutant("retries-after-refusal", "It tries again though it was told that that is no use.", () => ({
    isPermanent: () => false,
    refusalIsPermanent: false,
  })),
  mutant("impatient-for-the-answer", "It waits a second for the answer, or for room info.", () => ({
    signallingMsMax: 1000,
  })),
  mutant("hides-errors-of-connect", "What the server says while it connects is not told.", ({ tells }) => ({
    tells: (event, phase) => (event !== "error" || phase === "up") && tells(event, phase),
  })),
  // State.
  mutant("splits-a-set", "It sends prompt and image in two messages.", ({ encodeSet }) => ({
    encodeSet: (call) => split(encodeSet(call)),
  })),
  mutant("never-sends-prompts", "It takes prompts and sends none.", () => ({ encodePrompt: () => [] })),
  mutant("trims-prompts", "It takes the spaces off a prompt's ends.", ({ encodePrompt }) => ({
    encodePrompt: (call) => encodePrompt({ ...call, prompt: call.prompt.trim() }),
  })),
  mutant("sends-ascii", "It leaves out of a prompt what is not ASCII.", ({ encodePrompt }) => ({
    encodePrompt: (call) => encodePrompt({ ...call, prompt: call.prompt.replace(/[^ -~]/g, "?") }),
  })),
  mutant("cannot-clear-image", "It refuses to take an image away.", ({ refuses }) => ({
    refuses: (call, state) => (call.image === null ? "An image cannot be taken away." : refuses(call, state)),
  })),
  mutant("clears-image-with-prompt", "A prompt by itself says that there is no image.", () => ({
    encodeSet: ({ prompt, image = null, enhance = true }) => [
      {
        type: "set_image",
        image_data: image,
        ...(prompt !== undefined && { prompt }),
        enhance_prompt: enhance,
      },
    ],
  })),
  mutant("clears-prompt-with-image", "setImage says that there is no prompt.", ({ encodeImage }) => ({
    encodeImage: (call) =>
      encodeImage(call).map((message) =>
        message.type === "set_image" ? { prompt: null, ...message } : message,
      ),
  })),
  mutant("sends-image-alone", "setImage leaves out what came with the image.", ({ encodeImage }) => ({
    encodeImage: ({ image }) => encodeImage({ image }),
  })),
  mutant("cuts-images", "It leaves out the end of an image.", (correct) =>
    outgoing(correct, (messages) =>
      messages.map((message) =>
        message.type === "set_image" && message.image_data
          ? { ...message, image_data: message.image_data.slice(0, message.image_data.length >> 1) }
          : message,
      ),
    ),
  ),
  mutant("sends-refs-as-images", "It sends the id of a file as if it were an image.", (correct) =>
    outgoing(correct, (messages) =>
      messages.map((message) => {
        if (message.type !== "set_image" || message.image_ref === undefined) return message;
        const { image_ref, ...rest } = message;
        return { ...rest, image_data: image_ref };
      }),
    ),
  ),
  mutant("splits-initial", "It begins with prompt and image in two messages.", ({ encodeInitial }) => ({
    encodeInitial: (initial) => split(encodeInitial(initial)),
  })),
  mutant("forgets-initial", "It begins without what it was given to begin with.", () => ({
    encodeInitial: () => [],
  })),
  mutant("forgets-image", "It leaves images out.", (correct) =>
    outgoing(correct, (messages) =>
      messages.map((message) =>
        message.type === "set_image" && (message.image_data || message.image_ref)
          ? { type: "set_image", image_data: null, ...(message.prompt != null && { prompt: message.prompt }) }
          : message,
      ),
    ),
  ),
  mutant("always-enhances", "It asks for better prompts whatever its app says.", (correct) =>
    outgoing(correct, (messages) => messages.map((message) => ({ ...message, enhance_prompt: true }))),
  ),
  mutant("sends-empty-sets", "It sends what asks for nothing.", () => ({ refuses: () => null })),
  mutant("ignores-refusals", "A refused change counts as done.", () => ({ refusalOf: () => null })),
  mutant("takes-any-answer", "A request over HTTP that was refused counts as granted.", () => ({
    refusalOfRequest: () => null,
  })),
  // Acks.
  mutant("waits-for-ever-for-acks", "A call whose ack is lost never ends.", () => ({
    ackMsMax: () => forEverMs,
  })),
  mutant("keeps-acks", "An ack that nobody waits for is kept for the next that waits.", () => ({
    keepsAcks: true,
  })),
  mutant("forgets-late-acks", "A call that timed out gives up its ack, which then settles another.", () => ({
    lateAckMsMax: 0,
  })),
  mutant("takes-acks-from-behind", "An ack settles the call that was made last.", () => ({
    claims: (waiting, ack, session) =>
      waiting.findLastIndex(
        ({ message, session: own }) =>
          own === session && message.type === (ack.type === "prompt_ack" ? "prompt" : "set_image"),
      ),
  })),
  mutant("takes-acks-in-order", "An ack settles whatever was called first, of any kind.", () => ({
    claims: (waiting, _ack, session) => waiting.findIndex((one) => one.session === session),
  })),
  mutant("error-ends-calls", "An error of the server's ends every call that waits.", () => ({
    errorEndsCalls: true,
  })),
  // Coming back.
  mutant("answers-while-away", "It takes calls while it is not connected, and forgets them.", () => ({
    refuses: () => null,
  })),
  mutant("comes-back-once", "It gives up at the second loss.", () => ({
    failedCountAfter: (_lastedMs, failedCount) => (failedCount === 0 ? 0 : 6),
  })),
  mutant(
    "impatient-with-silence",
    "Three seconds without a packet count as a loss.",
    () => ({ silentMsMax: 3000 }),
    "direct",
  ),
  mutant("trusts-silent-sockets", "It never notices that its socket is half-open.", () => ({
    pongMsMax: forEverMs,
  })),
  mutant(
    "leaves-a-room-that-mends",
    "It connects anew while its room mends itself.",
    () => ({ waitsForRoom: false }),
    "livekit",
  ),
  mutant("shows-first-track-only", "Of a room that it joined anew it shows nothing.", () => ({
    showsTrack: (n) => n === 1,
  })),
  mutant("gives-up-in-the-dark", "It gives up a stream that has shown nothing for ten seconds.", () => ({
    darkMsMax: 10_000,
  })),
  mutant(
    "misses-late-tracks",
    "It watches the tracks that are there when it comes.",
    () => ({ showsTrack: (_n, isLate) => !isLate }),
    "livekit",
  ),
  mutant("never-comes-back", "It does not connect again.", () => ({ reconnects: false })),
  mutant(
    "comes-back-after-the-end",
    "It connects again though there are no credits, or no time, left.",
    () => ({
      endsForGood: () => false,
      isPermanent: () => false,
    }),
  ),
  mutant("forgets-state", "After a reconnect it has no state.", () => ({ restore: () => [] })),
  mutant("restores-the-first", "After a reconnect it has what was set first.", ({ wantedAfter }) => ({
    wantedAfter: (wanted, change) =>
      wanted.prompt === null && wanted.image === null ? wantedAfter(wanted, change) : wanted,
  })),
  mutant("restores-no-image", "After a reconnect it has the prompt only.", ({ restore }) => ({
    restore: (wanted) => restore({ ...wanted, image: null }),
  })),
  mutant(
    "remembers-cleared-image",
    "After a reconnect an image is back that was taken away.",
    ({ wantedAfter }) => ({
      wantedAfter: (wanted, change) =>
        wantedAfter(wanted, change.image === null ? { ...change, image: wanted.image } : change),
    }),
  ),
  mutant("remembers-what-was-refused", "After a reconnect it asks again for what was refused.", () => ({
    remembers: "sent",
  })),
  mutant(
    "restores-in-two",
    "After a reconnect it sends prompt and image in two messages.",
    ({ restore }) => ({
      restore: (wanted) => split(restore(wanted)),
    }),
  ),
  mutant("restores-twice", "After a reconnect it sends its state twice.", ({ restore }) => ({
    restore: (wanted) => [...restore(wanted), ...restore(wanted)],
  })),
  mutant("storms", "It comes back at once, however short a session was.", () => ({
    failedCountAfter: () => 0,
  })),
  mutant("deaf-while-connecting", "What is lost while media connects goes unnoticed.", () => ({
    heedsLoss: (phase) => phase === "up",
  })),
  mutant("heeds-old-sessions", "The late end of an old socket ends the new session.", () => ({
    heedsSession: () => true,
  })),
  mutant("keeps-pending-calls", "Calls that wait go on waiting when their session is lost.", () => ({
    endsCallsAtLoss: false,
  })),
  mutant("drops-uploads", "What is being uploaded ends with the session.", () => ({
    endsUploadsAtLoss: true,
  })),
  mutant("deaf-to-loss", "It does not notice that it has lost its session.", () => ({
    heedsLoss: () => false,
  })),
  // Pictures.
  mutant("shows-nothing", "It shows no picture that comes.", () => ({ showsPicture: () => false })),
  mutant("shows-every-third", "It shows every third picture that comes.", () => ({
    showsPicture: (n) => n % 3 === 0,
  })),
  mutant("sends-every-third", "It sends every third picture.", () => ({ sendsPicture: (n) => n % 3 === 0 })),
  mutant("sends-smaller", "It sends pictures of half the size.", () => ({
    cameraOf: (given) => ({ ...given, width: given.width / 2, height: given.height / 2 }),
  })),
  mutant("sends-no-sound", "It leaves its camera's sound out.", () => ({
    cameraOf: (given) => ({ ...given, audio: false }),
  })),
  mutant("is-deaf", "It takes no sound.", () => ({ hears: () => false })),
  mutant("viewers-are-deaf", "Who only watches hears nothing.", () => ({ hears: (watches) => !watches })),
  mutant("mixes-codecs-up", "It sends another codec than it was asked for.", () => ({
    codecOf: (asked) => (asked === "h264" ? "vp8" : "h264"),
  })),
  mutant("keeps-old-camera", "It goes on with the camera that was replaced.", () => ({
    cameraOf: (given, before) => before ?? given,
  })),
  mutant(
    "never-asks-for-keys",
    "It waits for a key picture, and asks for none.",
    () => ({ asksForKeys: false }),
    "direct",
  ),
  // What it tells.
  mutant("hides-connecting", "It does not say connecting.", ({ tellsState }) => ({
    tellsState: (next, previous) => next !== "connecting" && tellsState(next, previous),
  })),
  mutant("says-disconnected-twice", "It says disconnected once more.", () => ({ tellsState: () => true })),
  mutant("deaf-to-ticks", "A tick tells it nothing.", () => ({ tickTellsOfGeneration: false })),
  mutant("reconnects-at-ready", "A server that is ready makes it start over.", () => ({
    breaksOnReady: true,
  })),
  mutant("chokes-on-size", "It reads no message above 64 kB.", () => ({ messageBytesMax: 64 * 1024 })),
  mutant("takes-any-token", "It goes to the server with a token that is none.", () => ({
    readToken: (_token, era) =>
      era === "direct" ? { era, sid: "nobody", ip: "127.0.0.1", port: 1 } : { era, roomName: "nobody" },
  })),
  mutant("forgets-ticks", "It tells of no ticks.", ({ tells }) => ({
    tells: (event, phase) => event !== "tick" && tells(event, phase),
  })),
  mutant("ignores-errors", "It tells of no errors.", ({ tells }) => ({
    tells: (event, phase) => event !== "error" && tells(event, phase),
  })),
  mutant("hides-the-end", "It does not tell that generation has ended.", ({ tells }) => ({
    tells: (event, phase) => event !== "ended" && tells(event, phase),
  })),
  mutant(
    "hides-queue",
    "It does not tell its place in the queue.",
    ({ tells }) => ({ tells: (event, phase) => event !== "queue" && tells(event, phase) }),
    "livekit",
  ),
  mutant(
    "impatient-in-queue",
    "In the queue it waits no longer than without one.",
    () => ({ queueMsMax: 15_000 }),
    "livekit",
  ),
  mutant(
    "waits-for-ever-in-queue",
    "Once it was told a place it waits for ever.",
    () => ({ queueMsMax: forEverMs }),
    "livekit",
  ),
  mutant("never-generating", "It does not say generating.", ({ tellsState }) => ({
    tellsState: (next, previous) => next !== "generating" && tellsState(next, previous),
  })),
  mutant("forgets-early-generation", "A start of generation that comes early is lost.", () => ({
    keepsEarlyStart: false,
  })),
  mutant("falls-over-nonsense", "A message that it does not know ends its session.", () => ({
    breaksOn: () => true,
  })),
  // Leaving.
  mutant("keeps-pinging", "It goes on pinging a socket that is closed.", () => ({ stopsPings: false })),
  mutant("keeps-trying", "It goes on trying to come back after its app has left.", () => ({
    stopsTrying: false,
  })),
  mutant("leaks-peer-connection", "It leaves its peer connection open.", () => ({
    closes: (what) => what !== "media",
  })),
  mutant("leaks-old-session", "What a lost session had stays open.", () => ({
    closes: (_what, why) => why !== "lost",
  })),
  mutant("leaks-after-failure", "What a failed attempt had stays open.", () => ({
    closes: (_what, why) => why !== "failed",
  })),
  mutant("stops-the-camera", "It stops its app's camera.", () => ({ stopsCamera: () => true })),
];

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
  mutant("never-gives-up", "It tries for ever.", ({ retryDelayMs }) => ({
    retryDelayMs: (count) => retryDelayMs(count) ?? 10_000,
  })),
  mutant("gives-up-at-first", "It tries once.", () => ({ retryDelayMs: () => null })),
  mutant("retries-after-refusal", "It tries again though it was told that that is no use.", () => ({
    isPermanent: () => false,
    refusalIsPermanent: false,
  })),
  mutant("impatient-for-the-answer", "It waits a second for the answer, or for room info.", () => ({
    signallingMsMax: 1000,
  })),
  mutant("hides-errors-of-connect", "What the server says while it connects is not told.", () => ({
    errorEndsAttempt: false,
  })),
  // State.
  mutant("splits-a-set", "It sends prompt and image in two messages.", ({ encodeSet }) => ({
    encodeSet: (call) => split(encodeSet(call)),
  })),
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
  mutant("error-ends-calls", "An error of the server's ends every call that waits.", () => ({
    errorEndsCalls: true,
  })),
  // Coming back.
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
  // What it tells.
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

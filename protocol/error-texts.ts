// Texts that one side matches in what the other says: the server's errors, the clients' own, and the words that make a
// client give up for good.

/** How a line that imitates the service is known. */
export type Evidence = "documented" | "observed" | "assumed";

/**
 * What the server says in `error` messages. `concurrentSessionLimit` is documented (the SDK's session-queue example),
 * `invalidApiKey` observed to stop every client at once, the other two assumed: only "credit" is known of the one, nothing of
 * the other.
 */
export const SERVER_ERRORS = {
  concurrentSessionLimit: "Concurrent session limit reached.",
  invalidApiKey: "Invalid API key",
  insufficientCredits: "Insufficient credits.",
  sessionDurationReached: "Maximum session duration reached.",
} as const;

/** What the clients say; `{…}` marks a part that varies. Documented, and observed where a published build was run. */
export const CLIENT_ERRORS = {
  /** JS 0.0.x: the whole connect took too long. */
  connectionTimeout: "Connection timeout",
  /** JS: the socket failed before it opened; browsers hide an HTTP status, so a 401 reads like this too. */
  websocketError: "WebSocket error",
  /** JS 0.1.x. */
  websocketOpenTimeout: "WebSocket open timeout ({timeoutMs}ms)",
  /** JS 0.1.x: said of a pending wait when the socket closes. Built by `websocketClosedText`. */
  websocketClosed: "WebSocket closed: {code} {reason}",
  /** JS 0.1.x: a call after the control socket was lost unnoticed. */
  websocketNotOpen: "WebSocket is not open",
  /** JS 0.1.x: local teardown. */
  channelClosed: "Control channel closed",
  /** JS 0.1.x. */
  roomInfoTimeout: "livekit_room_info timeout (15000ms)",
  /** JS 0.0.x: `setPrompt` without an ack. */
  promptTimeout: "Prompt timed out",
  /** JS: the initial prompt, and 0.1.x `setPrompt`, without an ack. */
  promptSendTimeout: "Prompt send timed out",
  /** JS: `setImage` or `set` without an ack. */
  imageSendTimeout: "Image send timed out",
  /** JS 0.0.44 and later: `set` and `setPrompt` while not connected. */
  notConnected: "Cannot send message: connection is {state}",
  /** Both eras, for a token of the other era as well. */
  invalidSubscribeToken: "Invalid subscribe token",
  /** Python: said of pending waits when the socket drops. */
  pythonDisconnected: "WebSocket disconnected",
} as const;

/**
 * An error whose lower-cased text holds one of these is never retried. Documented: the same six in all three SDKs (JS 0.0.6
 * and later; JS before it and early Python have only the first three). `401` counts anywhere, even inside `14401 ms`.
 */
export const PERMANENT_SUBSTRINGS = [
  "permission denied",
  "not allowed",
  "invalid session",
  "401",
  "invalid api key",
  "unauthorized",
] as const;

/** Whether a client that reads `text` as its connect error gives up instead of retrying. */
export function isPermanent(text: string): boolean {
  const lower = text.toLowerCase();
  return PERMANENT_SUBSTRINGS.some((substring) => lower.includes(substring));
}

/** What JS 0.1.x makes of a socket's close. Observed in 0.1.20: `WebSocket closed: 1011 nope`. */
export function websocketClosedText(code: number, reason: string): string {
  return `WebSocket closed: ${code} ${reason}`;
}

// WebSocket close codes on the control socket: what each means here, how we know, and what a client does about it.
import { type Evidence, isPermanent, websocketClosedText } from "./error-texts.ts";

/**
 * One close code. Below 4000 the meaning is RFC 6455's; `evidence` is how we know that the service or a client uses it on this
 * socket. `retried` tells what a client does after the socket closed with it and an empty reason: JS 0.1.x puts code
 * and reason into its error text, so a permanent word in either ends the retries; JS 0.0.44–0.0.68 drops both. Documented.
 */
export interface CloseCode {
  code: number;
  meaning: string;
  evidence: Evidence;
  retried: { direct: boolean; livekit: boolean };
}

/** The codes in use, by name. */
export const CLOSE_CODES = {
  normal: closeCode(1000, "The client is done; Android gives the reason `client disconnect`.", "documented"),
  goingAway: closeCode(1001, "The page closes or the server shuts down.", "assumed"),
  unsupportedData: closeCode(1003, "A binary frame: messages are JSON text.", "assumed"),
  abnormal: closeCode(1006, "The connection broke without a close frame; never sent.", "observed"),
  badData: closeCode(
    1007,
    "A text frame that is not UTF-8; on a room's socket, what is no signal message.",
    "assumed",
  ),
  policy: closeCode(1008, "Out of credits, or an expired or refused key.", "assumed"),
  tooBig: closeCode(1009, "A message beyond the size limit.", "assumed"),
  serverError: closeCode(1011, "The server failed.", "assumed"),
  restart: closeCode(1012, "The server restarts.", "assumed"),
  atCapacity: closeCode(1013, "No session slot is free; said with an `error` first.", "documented"),
  unauthorized: closeCode(4401, "The key is refused; JS 0.1.x reads the 401 in it.", "assumed"),
} satisfies Readonly<Record<string, CloseCode>>;

function closeCode(code: number, meaning: string, evidence: Evidence): CloseCode {
  // The direct era's error is a bare `WebSocket closed`, so only an `error` message before it can stop the retries.
  return { code, meaning, evidence, retried: { direct: true, livekit: !isPermanentClose(code, "") } };
}

/** Whether a JS 0.1.x client gives up after this close: its code or reason holds a permanent word. Observed. */
export function isPermanentClose(code: number, reason: string): boolean {
  return isPermanent(websocketClosedText(code, reason));
}

/** The longest close reason in UTF-8 bytes: a control frame's 125 minus the code. RFC 6455, section 5.5. */
export const CLOSE_REASON_BYTES_MAX = 123;

/** `text` cut to what a close frame can carry, at a whole character; sending more throws in every WebSocket library. */
export function closeReason(text: string): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += new TextEncoder().encode(character).length;
    if (bytes > CLOSE_REASON_BYTES_MAX) break;
    kept += character;
  }
  return kept;
}

// The tokens with which a second client watches a session: base64 of a small JSON object, one shape for each era. Clients
// build them from what the server told them; they are addresses, not secrets.
import { z } from "zod";
import type { Era } from "./sdk-versions.ts";

const directToken = z.looseObject({
  sid: z.string().min(1),
  ip: z.string().min(1),
  port: z.int().min(1).max(65535),
});

const livekitToken = z.looseObject({ room_name: z.string().min(1) });

/** What a subscribe token says. `port` is a TCP port, 1–65535. */
export type SubscribeToken =
  | { era: "direct"; sid: string; ip: string; port: number }
  | { era: "livekit"; roomName: string };

/** A decoded token, or one sentence that says what is wrong with it. */
export type SubscribeTokenResult = { ok: true; token: SubscribeToken } | { ok: false; error: string };

/**
 * The token that the JS SDK would build: `btoa` of compact JSON, keys in its order. Observed in JS 0.0.46 (direct),
 * documented (livekit). Throws a RangeError for text outside Latin-1, which `btoa` cannot hold and the SDK would fail on too.
 */
export function encodeSubscribeToken(token: SubscribeToken): string {
  const json = JSON.stringify(
    token.era === "direct"
      ? { sid: token.sid, ip: token.ip, port: token.port }
      : { room_name: token.roomName },
  );
  try {
    return btoa(json);
  } catch {
    throw new RangeError(
      `The subscribe token ${json.slice(0, 80)} has characters outside Latin-1, which base64 of text cannot hold; use plain ASCII names.`,
    );
  }
}

/**
 * Reads a token of either era, in JS's base64 or in Python's: url-safe letters, spaces after the JSON's commas. With `era`
 * given, a token of the other era is refused, as real clients do (they say only `Invalid subscribe token`).
 */
export function decodeSubscribeToken(token: string, era?: Era): SubscribeTokenResult {
  let value: unknown;
  try {
    value = JSON.parse(atob(token.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return refusal(`it is ${token.length} characters that are not base64 of a JSON object`);
  }
  const direct = directToken.safeParse(value);
  const livekit = livekitToken.safeParse(value);
  if (livekit.success && era !== "direct") {
    return { ok: true, token: { era: "livekit", roomName: livekit.data.room_name } };
  }
  if (direct.success && era !== "livekit") {
    const { sid, ip, port } = direct.data;
    return { ok: true, token: { era: "direct", sid, ip, port } };
  }
  if (direct.success) {
    return refusal(
      'it holds "sid", "ip" and "port", so it comes from a 0.0.x session; a 0.1.x viewer needs "room_name"',
    );
  }
  if (livekit.success) {
    return refusal(
      'it holds "room_name", so it comes from a 0.1.x session; a 0.0.x viewer needs "sid", "ip" and "port"',
    );
  }
  const needs = {
    direct: '"sid" and "ip" as strings and "port" from 1 to 65535',
    livekit: '"room_name" as a string',
  };
  return refusal(`it must hold ${era === undefined ? `${needs.direct}, or ${needs.livekit}` : needs[era]}`);
}

function refusal(reason: string): SubscribeTokenResult {
  return {
    ok: false,
    error: `This is no usable subscribe token: ${reason}. Take it from the client's subscribeToken once it is connected.`,
  };
}

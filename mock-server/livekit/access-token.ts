/**
 * Access tokens of a LiveKit room: minted as LiveKit mints them (JWT, HS256), checked by the server's own clock. The one file that
 * imports livekit-server-sdk.
 */
import { AccessToken, TokenVerifier } from "livekit-server-sdk";
import type { Clock } from "../clock.ts";

/** An API key and its secret, as a LiveKit deployment has them. */
export type RoomKey = { readonly key: string; readonly secret: string };

/** What a token lets its bearer do, in one room. */
export type Grants = {
  readonly identity: string;
  readonly room: string;
  readonly canPublish: boolean;
  readonly canSubscribe: boolean;
  readonly canPublishData: boolean;
  /** The room is made if there is none. */
  readonly roomCreate: boolean;
};

/** A token nobody should be let in with; the message is a sentence for the client, without the token. */
export class TokenError extends Error {}

/** How long a token opens a room: LiveKit's own default. It is checked on joining and on resuming only. */
const lifeSeconds = 6 * 3600;
/** A browser's URL and a proxy's header hold this much; ours have some 400 characters. */
const tokenLengthMax = 8192;
/** Signature and issuer only: when a token ends is for our clock to say, not for the machine's. */
const anyTimeSeconds = 1e12;

export function mintToken({ key, secret }: RoomKey, clock: Clock, grants: Grants): Promise<string> {
  const { identity, ...video } = grants;
  const token = new AccessToken(key, secret, { identity });
  // A number is taken for the moment itself, in seconds since 1970.
  token.ttl = Math.floor(clock.date().getTime() / 1000) + lifeSeconds;
  token.addGrant({ roomJoin: true, ...video });
  return token.toJwt();
}

/** @throws TokenError that says why nobody gets in with it; it has the word "unauthorized", on which SDKs stop trying. */
export async function readToken({ key, secret }: RoomKey, clock: Clock, text: string): Promise<Grants> {
  if (text === "") throw refused("there is none. Pass the one from livekit_room_info as access_token");
  if (text.length > tokenLengthMax) {
    throw refused(`it has ${text.length} characters; at most ${tokenLengthMax} are read`);
  }
  const claims = await new TokenVerifier(key, secret).verify(text, anyTimeSeconds).catch((error: Error) => {
    throw refused(
      `it was not made by this server (${error.message}). Tokens come from livekit_room_info or POST /watch-stream/{room}`,
    );
  });
  const lateSeconds = clock.date().getTime() / 1000 - Number(claims.exp);
  if (!(lateSeconds < 0)) {
    throw refused(
      `it expired ${Math.ceil(lateSeconds)} s ago; it is good for ${lifeSeconds} s. Connect again for another`,
    );
  }
  const { video, sub } = claims as typeof claims & { sub?: unknown };
  if (!video?.roomJoin || !isFilled(video.room) || !isFilled(sub)) {
    throw refused("it lets nobody join a room: it needs an identity, roomJoin and a room");
  }
  // Without either, both are allowed; so is data (documented in LiveKit's grants).
  const neither = video.canPublish === undefined && video.canSubscribe === undefined;
  return {
    identity: sub,
    room: video.room,
    canPublish: video.canPublish ?? neither,
    canSubscribe: video.canSubscribe ?? neither,
    canPublishData: video.canPublishData ?? true,
    roomCreate: video.roomCreate ?? false,
  };
}

/** Whoever has the key may have put anything there. */
function isFilled(claim: unknown): claim is string {
  return typeof claim === "string" && claim !== "";
}

function refused(why: string): TokenError {
  return new TokenError(`unauthorized: the access token is refused: ${why}.`);
}

import { createHmac } from "node:crypto";
import { AccessToken } from "livekit-server-sdk";
import { describe, expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { type Grants, mintToken, readToken, TokenError } from "./access-token.ts";

const key = { key: "lucy", secret: "a-secret-of-thirty-two-characters" };
const grants: Grants = {
  identity: "client-1",
  room: "room-1",
  canPublish: true,
  canSubscribe: true,
  canPublishData: true,
  roomCreate: false,
};
const lifeMs = 6 * 3600 * 1000;

/** A token with any head and claims, signed as LiveKit signs, or not at all. */
function sign(claims: object, head: object = { alg: "HS256" }, secret: string | null = key.secret): string {
  const text = [head, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${secret === null ? "" : createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const soon = manualClock().date().getTime() / 1000 + 60;
const claims = { iss: "lucy", sub: "client-1", exp: soon, video: { roomJoin: true, room: "room-1" } };

test.each<[string, Partial<Grants>]>([
  ["a client", {}],
  ["a viewer", { identity: "viewer-1", canPublish: false, canPublishData: false }],
  [
    "somebody who may do nothing but be there",
    { canPublish: false, canSubscribe: false, canPublishData: false },
  ],
  ["somebody who may open rooms", { roomCreate: true }],
])("what is minted for %s is read back", async (_name, some) => {
  const clock = manualClock();
  const token = await mintToken(key, clock, { ...grants, ...some });
  expect(await readToken(key, clock, token)).toEqual({ ...grants, ...some });
});

test("a token is good for six hours by our clock, whatever the machine's says", async () => {
  for (const year of ["1999", "2026", "2099"]) {
    const clock = manualClock(new Date(`${year}-01-01T00:00:00Z`));
    const token = await mintToken(key, clock, grants);
    clock.advance(lifeMs - 1);
    await readToken(key, clock, token);
    clock.advance(1);
    await expect(readToken(key, clock, token)).rejects.toThrow(
      "it expired 0 s ago; it is good for 21600 s. Connect again for another.",
    );
    clock.advance(1500);
    await expect(readToken(key, clock, token)).rejects.toThrow("it expired 2 s ago");
  }
});

test.each<[string, object, Partial<Grants>]>([
  ["both without either", {}, {}],
  ["watching is left out, then it is not allowed", { canPublish: true }, { canSubscribe: false }],
  ["publishing is left out, then it is not allowed", { canSubscribe: true }, { canPublish: false }],
  ["data is forbidden by name", { canPublishData: false }, { canPublishData: false }],
  ["data is forbidden with all else", { canPublish: false }, { canPublish: false, canSubscribe: false }],
])("a foreign maker's token of our key, LiveKit's defaults: %s", async (_name, video, read) => {
  const token = new AccessToken(key.key, key.secret, { identity: "client-1" });
  token.addGrant({ roomJoin: true, room: "room-1", ...video });
  const now = manualClock(new Date());
  expect(await readToken(key, now, await token.toJwt())).toEqual({ ...grants, ...read });
});

describe("nobody gets in", () => {
  const good = sign(claims);
  const [head, body, signature] = good.split(".") as [string, string, string];
  const other = Buffer.from(JSON.stringify({ ...claims, sub: "somebody-else" })).toString("base64url");
  const without = (name: keyof typeof claims) => sign({ ...claims, [name]: undefined });

  test("the good one, to compare with, is good", async () => {
    expect(await readToken(key, manualClock(), good)).toEqual(grants);
  });

  test.each<[string, string, string]>([
    ["without a token", "", "there is none. Pass the one from livekit_room_info as access_token"],
    ["with words", "let me in", "it was not made by this server (Invalid Compact JWS)"],
    ["with a forged signature", `${head}.${body}.${"A".repeat(43)}`, "(signature verification failed)"],
    ["with another's claims", `${head}.${other}.${signature}`, "(signature verification failed)"],
    [
      "with a foreign secret",
      sign(claims, { alg: "HS256" }, "another-secret"),
      "(signature verification failed)",
    ],
    ["with a foreign key", sign({ ...claims, iss: "devkey" }), '(unexpected "iss" claim value)'],
    ["without a key", without("iss"), '(missing required "iss" claim)'],
    ["with alg none, unsigned", sign(claims, { alg: "none" }, null), "it was not made by this server ("],
    ["with alg none, signed", sign(claims, { alg: "none" }), "it was not made by this server ("],
    ["with an alg of public keys", sign(claims, { alg: "RS256" }), "it was not made by this server ("],
    ["with half a token", good.slice(0, good.length / 2), "(Invalid Compact JWS)"],
    ["with a token cut in its signature", good.slice(0, -4), "(signature verification failed)"],
    ["with a token that is too large", `${good}.${"A".repeat(9000)}`, "characters; at most 8192 are read"],
    ["with a token that never ends", without("exp"), '(missing required "exp" claim)'],
    ["with an end that is no number", sign({ ...claims, exp: "soon" }), '("exp" claim must be a number)'],
    ["with an end that has passed", sign({ ...claims, exp: soon - 90 }), "it expired 30 s ago"],
    ["without grants", without("video"), "it needs an identity, roomJoin and a room"],
    ["without a name", without("sub"), "it needs an identity, roomJoin and a room"],
    ["with a name that is no text", sign({ ...claims, sub: 7 }), "it needs an identity, roomJoin and a room"],
    ["without a room", sign({ ...claims, video: { roomJoin: true } }), "it needs an identity"],
    [
      "with a room that is no text",
      sign({ ...claims, video: { roomJoin: true, room: 7 } }),
      "it needs an identity",
    ],
    ["without roomJoin", sign({ ...claims, video: { room: "room-1" } }), "it needs an identity"],
  ])("%s", async (_name, token, why) => {
    const error = await readToken(key, manualClock(), token).catch((error: Error) => error);
    expect(error).toBeInstanceOf(TokenError);
    const { message } = error as Error;
    // The word on which SDKs stop trying.
    expect(message).toMatch(/^unauthorized: the access token is refused: .+\.$/);
    expect(message).toContain(why);
    for (const part of token.split(".")) if (part.length > 10) expect(message).not.toContain(part);
  });
});

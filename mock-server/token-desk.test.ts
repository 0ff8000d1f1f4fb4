import { expect, test } from "vitest";
import { type ClientTokenRequest, clientTokenResponse } from "../protocol/index.ts";
import { manualClock } from "./clock.ts";
import { createDice } from "./dice.ts";
import { createTokenDesk } from "./token-desk.ts";

function openDesk(seed = 1) {
  const clock = manualClock(new Date("2026-01-01T00:00:00Z"));
  return { clock, desk: createTokenDesk(clock, createDice(seed)) };
}

test.each<[Partial<ClientTokenRequest>, object]>([
  [{}, { permissions: null, constraints: null }],
  [{ metadata: { user: 1 } }, { permissions: null, constraints: null }],
  [{ allowedModels: ["lucy_2_rt"] }, { permissions: { models: ["lucy_2_rt"] }, constraints: null }],
  [
    { allowedOrigins: ["https://example.com"] },
    { permissions: { origins: ["https://example.com"] }, constraints: null },
  ],
  [
    { allowedModels: [], allowedOrigins: [] },
    { permissions: { models: [], origins: [] }, constraints: null },
  ],
  [
    { constraints: { realtime: { maxSessionDuration: 30 } } },
    { permissions: null, constraints: { realtime: { maxSessionDuration: 30 } } },
  ],
  [{ constraints: {} }, { permissions: null, constraints: {} }],
])("minting %o answers in the service's shape", (request, expected) => {
  const minted = openDesk().desk.mint({ expiresIn: 60, ...request });
  expect(clientTokenResponse.parse(minted)).toMatchObject(expected);
  expect(minted.expiresAt).toBe("2026-01-01T00:01:00.000Z");
});

test("what was minted is found, with its limits; nothing else is", () => {
  const { desk } = openDesk();
  const { apiKey } = desk.mint({
    expiresIn: 3600,
    allowedModels: ["lucy_2_rt"],
    allowedOrigins: ["https://example.com"],
    constraints: { realtime: { maxSessionDuration: 1.5 } },
  });
  expect(desk.find(apiKey)).toEqual({
    expiresAtMs: Date.parse("2026-01-01T01:00:00Z"),
    models: ["lucy_2_rt"],
    origins: ["https://example.com"],
    sessionSecondsMax: 1.5,
    faults: null,
  });
  expect(desk.find(`${apiKey}0`)).toBeUndefined();
  expect(desk.find("ek_")).toBeUndefined();
});

test("keys depend on the seed only, and no two are alike", () => {
  const keys = (seed: number) => {
    const { desk } = openDesk(seed);
    return Array.from({ length: 100 }, () => desk.mint({ expiresIn: 1 }).apiKey);
  };
  expect(keys(1)).toEqual(keys(1));
  expect(new Set([...keys(1), ...keys(2)]).size).toBe(200);
});

test("the JWT says whose it is and until when, and differs from the key", () => {
  const { desk } = openDesk();
  const { token, apiKey } = desk.mint({ expiresIn: 60 });
  const [header, claims, signature] = token!.split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  expect(read(header!)).toEqual({ alg: "EdDSA", typ: "JWT" });
  expect(read(claims!)).toEqual({ sub: apiKey, exp: Date.parse("2026-01-01T00:01:00Z") / 1000 });
  expect(Buffer.from(signature!, "base64url")).toHaveLength(64);
});

test("it holds so many tokens and forgets the oldest first", () => {
  const { desk } = openDesk();
  const first = desk.mint({ expiresIn: 60 }).apiKey;
  const second = desk.mint({ expiresIn: 60 }).apiKey;
  for (let i = 0; i < 9_999; i++) desk.mint({ expiresIn: 60 });
  expect(desk.find(first)).toBeUndefined();
  expect(desk.find(second)).toBeDefined();
});

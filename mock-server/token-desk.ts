/**
 * Client tokens (`ek_…`): minted over HTTP, checked when a client connects. A token blocks nothing that already runs. Expiry,
 * models, origins and session length are documented; the texts are ours, with the substrings that SDKs take as permanent.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { CLIENT_KEY_PREFIX, type ClientTokenRequest, type ClientTokenResponse } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Dice } from "./dice.ts";
import type { KeyFaults } from "./faults/desk.ts";

export type ClientToken = {
  readonly expiresAtMs: number;
  readonly models: readonly string[] | null;
  readonly origins: readonly string[] | null;
  readonly sessionSecondsMax: number | null;
  /** What goes wrong with the key that minted it goes wrong with it, too. */
  readonly faults: KeyFaults | null;
};

export type TokenDesk = {
  mint(request: ClientTokenRequest, faults?: KeyFaults | null): ClientTokenResponse;
  find(token: string): ClientToken | undefined;
  /** Forgets all; returns how many there were. */
  clear(): number;
};

/** Tokens held at once; the oldest goes first. */
const tokensMax = 10_000;

export function createTokenDesk(clock: Clock, dice: Dice): TokenDesk {
  const tokens = new Map<string, ClientToken>();
  let signingKey: KeyObject | undefined;

  /** The EdDSA JWT that SDKs since 0.1.9 pass along. Nobody here checks it; it is signed all the same. */
  function jwt(subject: string, expiresAtMs: number): string {
    signingKey ??= generateKeyPairSync("ed25519").privateKey;
    const parts = [
      { alg: "EdDSA", typ: "JWT" },
      { sub: subject, exp: Math.floor(expiresAtMs / 1000) },
    ];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${text}.${sign(null, Buffer.from(text), signingKey).toString("base64url")}`;
  }

  return {
    mint({ expiresIn, allowedModels, allowedOrigins, constraints }, faults = null) {
      const apiKey = `${CLIENT_KEY_PREFIX}${dice.hex(32)}`;
      const expiresAtMs = clock.date().getTime() + expiresIn * 1000;
      tokens.set(apiKey, {
        expiresAtMs,
        models: allowedModels ?? null,
        origins: allowedOrigins ?? null,
        sessionSecondsMax: constraints?.realtime?.maxSessionDuration ?? null,
        faults,
      });
      for (const oldest of tokens.keys()) {
        if (tokens.size <= tokensMax) break;
        tokens.delete(oldest);
      }
      const permissions = {
        ...(allowedModels && { models: allowedModels }),
        ...(allowedOrigins && { origins: allowedOrigins }),
      };
      return {
        apiKey,
        expiresAt: new Date(expiresAtMs).toISOString(),
        permissions: Object.keys(permissions).length > 0 ? permissions : null,
        constraints: constraints ?? null,
        token: jwt(apiKey, expiresAtMs),
      };
    },
    find: (token) => tokens.get(token),
    clear() {
      const { size } = tokens;
      tokens.clear();
      return size;
    },
  };
}

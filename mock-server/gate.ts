/**
 * Who may come in: key, token, model, origin, room. Says no the way production does: an `error` message whose text SDKs
 * know, then a close code. A refusal by HTTP status would be invisible to a browser, which retries it for 25 s.
 */
import {
  CLIENT_KEY_PREFIX,
  CLOSE_CODES,
  findModel,
  QUERY,
  type RealtimeModel,
  SERVER_ERRORS,
  unknownModelSentence,
} from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import { sessionsMax } from "./options.ts";
import type { ClientToken } from "./token-desk.ts";

export type Admission =
  | { ok: true; model: string; row: RealtimeModel | null; token: ClientToken | null }
  | { ok: false; error: string; code: number };

/** Whether a key opens anything at all. The value never leaves this function. */
export function checkKey(
  context: ServerContext,
  key: string,
  origin: string | undefined,
): { ok: true; token: ClientToken | null } | { ok: false; error: string } {
  const { keys } = context.options;
  if (keys === "off") return { ok: true, token: null };
  if (key === "")
    return {
      ok: false,
      error: `${SERVER_ERRORS.invalidApiKey}: it is empty. Any text will do, such as dct_local.`,
    };
  if (!key.startsWith(CLIENT_KEY_PREFIX)) {
    if (keys === "any") return { ok: true, token: null };
    return {
      ok: false,
      error: `${SERVER_ERRORS.invalidApiKey}: only client tokens (ek_…) minted at POST /v1/client/tokens are good here (--keys minted).`,
    };
  }
  const token = context.tokens.find(key);
  if (!token) {
    return {
      ok: false,
      error: `${SERVER_ERRORS.invalidApiKey}: this client token was not minted here. Mint one with POST /v1/client/tokens.`,
    };
  }
  const lateMs = context.clock.date().getTime() - token.expiresAtMs;
  if (lateMs >= 0) {
    return {
      ok: false,
      error: `${SERVER_ERRORS.invalidApiKey}: this client token expired ${Math.ceil(lateMs / 1000)} s ago. Mint another, with a longer expiresIn (1 to 3600 s).`,
    };
  }
  if (token.origins && !(origin && token.origins.includes(origin))) {
    return {
      ok: false,
      error: `Origin ${origin ?? "(none)"} is not allowed by this client token, which allows ${token.origins.join(", ")}.`,
    };
  }
  return { ok: true, token };
}

export function admit(context: ServerContext, query: URLSearchParams, origin: string | undefined): Admission {
  const key = checkKey(context, query.get(QUERY.apiKey) ?? "", origin);
  if (!key.ok) return { ok: false, error: key.error, code: CLOSE_CODES.policy.code };
  const model = query.get(QUERY.model) ?? "";
  const row = findModel(model);
  if (model === "" || (!row && context.options.unknownModels === "refuse")) {
    return { ok: false, error: unknownModelSentence(model), code: CLOSE_CODES.policy.code };
  }
  const models = key.token?.models;
  if (models && !models.includes(model)) {
    return {
      ok: false,
      error: `Model ${model} is not allowed by this client token, which allows ${models.join(", ")}.`,
      code: CLOSE_CODES.policy.code,
    };
  }
  if (context.sessions.size >= sessionsMax(context.options)) {
    return { ok: false, error: SERVER_ERRORS.concurrentSessionLimit, code: CLOSE_CODES.atCapacity.code };
  }
  return { ok: true, model, row, token: key.token };
}

// POST /v1/client/tokens in every version of it, and the error bodies of the service's HTTP side, which look like FastAPI's.
import { z } from "zod";
import { TOKEN_LIFETIME_SECONDS } from "./limits.ts";

/** What a permanent key starts with. Documented. */
export const API_KEY_PREFIX = "dct_";

/** What a client token's key starts with. Documented. */
export const CLIENT_KEY_PREFIX = "ek_";

/** How many models or origins a token may be bound to. Documented. */
export const TOKEN_LIST_LENGTH_MAX = 20;

/**
 * The request body; all of it optional, `{}` and no body alike.
 *
 * - `metadata` (JS 0.0.50 and later): any object.
 * - `expiresIn` (0.0.56 and later): whole seconds, 1–3600, default 60. Whole is assumed.
 * - `allowedModels` (0.0.56 and later): at most 20 model ids.
 * - `allowedOrigins` (0.0.63 and later): at most 20 full origins, compared with the socket's `Origin` character by character.
 * - `constraints.realtime.maxSessionDuration` (0.0.56 and later): seconds, enforced by the server. Above 0 is assumed.
 *
 * Documented.
 */
export const clientTokenRequest = z.looseObject({
  metadata: z.record(z.string(), z.unknown()).optional(),
  expiresIn: z
    .int()
    .min(TOKEN_LIFETIME_SECONDS.min)
    .max(TOKEN_LIFETIME_SECONDS.max)
    .default(TOKEN_LIFETIME_SECONDS.default),
  allowedModels: z.array(z.string().min(1)).max(TOKEN_LIST_LENGTH_MAX).optional(),
  allowedOrigins: z
    .array(
      z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i, {
        error: "must be an origin with its scheme and nothing after the host, such as https://example.com",
      }),
    )
    .max(TOKEN_LIST_LENGTH_MAX)
    .optional(),
  constraints: z
    .looseObject({
      realtime: z.looseObject({ maxSessionDuration: z.number().positive().optional() }).optional(),
    })
    .optional(),
});

export type ClientTokenRequest = z.infer<typeof clientTokenRequest>;

/**
 * The response. `expiresAt` is ISO 8601; `permissions` and `constraints` repeat what was asked for, or are null or missing;
 * `token` is the same grant as a signed JWT (JS 0.1.9 and later, Python 0.1.2 and later). Documented.
 */
export const clientTokenResponse = z.looseObject({
  apiKey: z.string().startsWith(CLIENT_KEY_PREFIX),
  expiresAt: z.iso.datetime({ offset: true }),
  permissions: z
    .looseObject({ models: z.array(z.string()).optional(), origins: z.array(z.string()).optional() })
    .nullable()
    .optional(),
  constraints: z
    .looseObject({ realtime: z.looseObject({ maxSessionDuration: z.number().optional() }).optional() })
    .nullable()
    .optional(),
  token: z.string().optional(),
});

export type ClientTokenResponse = z.infer<typeof clientTokenResponse>;

/** A checked request, or the list for a 422 answer. */
export type ClientTokenRequestResult =
  | { ok: true; request: ClientTokenRequest }
  | { ok: false; detail: ValidationDetail[] };

/** Reads a request's parsed JSON body; undefined and null stand for none (JS 0.0.25 to 0.0.49 sends none). Never throws. */
export function parseClientTokenRequest(body: unknown): ClientTokenRequestResult {
  const parsed = clientTokenRequest.safeParse(body ?? {});
  return parsed.success
    ? { ok: true, request: parsed.data }
    : { ok: false, detail: validationDetail(parsed.error) };
}

/** One entry of a 422 answer: where, in words, and which rule. Documented: the service's OpenAPI description. */
export interface ValidationDetail {
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** The body of an HTTP error: `{"detail": "text"}`, or `{"detail": [{loc, msg, type}]}` with status 422. Documented. */
export const errorBody = z.looseObject({
  detail: z.union([
    z.string(),
    z.array(
      z.looseObject({
        loc: z.array(z.union([z.string(), z.number()])),
        msg: z.string(),
        type: z.string(),
      }),
    ),
  ]),
});

export type ErrorBody = z.infer<typeof errorBody>;

/**
 * A ZodError as a 422 answer's list. `where` opens each `loc`: the part of the request that was checked. The `type` words are
 * pydantic 2's; which of them production uses is assumed.
 */
export function validationDetail(
  error: z.ZodError,
  where: "body" | "query" | "path" | "header" = "body",
): ValidationDetail[] {
  return error.issues.map((issue) => ({
    loc: [where, ...issue.path.map((key) => (typeof key === "number" ? key : String(key)))],
    msg: issue.message,
    type: ruleOf(issue),
  }));
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `${PYDANTIC_TYPES[issue.expected] ?? issue.expected}_type`;
    case "too_small":
      if (issue.origin === "array") return "too_short";
      if (issue.origin === "string") return "string_too_short";
      return issue.inclusive ? "greater_than_equal" : "greater_than";
    case "too_big":
      if (issue.origin === "array") return "too_long";
      if (issue.origin === "string") return "string_too_long";
      return issue.inclusive ? "less_than_equal" : "less_than";
    case "invalid_format":
      return "string_pattern_mismatch";
    default:
      return "value_error";
  }
}

const PYDANTIC_TYPES: Readonly<Record<string, string>> = {
  int: "int",
  number: "float",
  boolean: "bool",
  array: "list",
  object: "model_attributes",
  record: "dict",
};

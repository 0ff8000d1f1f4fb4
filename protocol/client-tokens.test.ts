import { expect, test } from "vitest";
import { clientTokenResponse, errorBody, parseClientTokenRequest } from "./index.ts";

test.each<[string, unknown, object]>([
  ["JS 0.0.25, no body", undefined, { expiresIn: 60 }],
  ["a JSON null", null, { expiresIn: 60 }],
  ["JS 0.0.50", {}, { expiresIn: 60 }],
  ["JS 0.0.50", { metadata: { role: "viewer" } }, { expiresIn: 60, metadata: { role: "viewer" } }],
  ["shortest", { expiresIn: 1 }, { expiresIn: 1 }],
  ["longest", { expiresIn: 3600 }, { expiresIn: 3600 }],
  [
    "JS 0.0.63, everything",
    {
      expiresIn: 300,
      allowedModels: ["lucy-2.1", "a-custom-model"],
      allowedOrigins: ["https://example.com", "http://localhost:3000", "capacitor://localhost"],
      constraints: { realtime: { maxSessionDuration: 120 } },
    },
    {
      expiresIn: 300,
      allowedModels: ["lucy-2.1", "a-custom-model"],
      allowedOrigins: ["https://example.com", "http://localhost:3000", "capacitor://localhost"],
      constraints: { realtime: { maxSessionDuration: 120 } },
    },
  ],
  ["a field from the future", { scope: "x" }, { expiresIn: 60, scope: "x" }],
  [
    "twenty models",
    { allowedModels: Array(20).fill("m") },
    { expiresIn: 60, allowedModels: Array(20).fill("m") },
  ],
])("%s is taken", (_who, body, request) => {
  expect(parseClientTokenRequest(body)).toEqual({ ok: true, request });
});

test.each<[unknown, (string | number)[], string]>([
  ["text", ["body"], "model_attributes_type"],
  [{ expiresIn: "60" }, ["body", "expiresIn"], "float_type"],
  [{ expiresIn: 1.5 }, ["body", "expiresIn"], "int_type"],
  [{ expiresIn: 0 }, ["body", "expiresIn"], "greater_than_equal"],
  [{ expiresIn: 3601 }, ["body", "expiresIn"], "less_than_equal"],
  [{ metadata: "x" }, ["body", "metadata"], "dict_type"],
  [{ allowedModels: "lucy" }, ["body", "allowedModels"], "list_type"],
  [{ allowedModels: ["a", 5] }, ["body", "allowedModels", 1], "string_type"],
  [{ allowedModels: [""] }, ["body", "allowedModels", 0], "string_too_short"],
  [{ allowedModels: Array(21).fill("m") }, ["body", "allowedModels"], "too_long"],
  [{ allowedOrigins: Array(21).fill("https://a.example") }, ["body", "allowedOrigins"], "too_long"],
  [{ allowedOrigins: ["example.com"] }, ["body", "allowedOrigins", 0], "string_pattern_mismatch"],
  [{ allowedOrigins: ["https://example.com/"] }, ["body", "allowedOrigins", 0], "string_pattern_mismatch"],
  [
    { constraints: { realtime: { maxSessionDuration: 0 } } },
    ["body", "constraints", "realtime", "maxSessionDuration"],
    "greater_than",
  ],
])("%j is refused at %j as %s", (body, loc, type) => {
  const result = parseClientTokenRequest(body);
  expect(result).toEqual({ ok: false, detail: [{ loc, msg: expect.stringMatching(/\S/), type }] });
  if (!result.ok) expect(errorBody.safeParse({ detail: result.detail }).success).toBe(true);
});

test.each([
  [{ apiKey: "ek_1", expiresAt: "2024-12-15T12:10:00Z" }, true],
  [{ apiKey: "ek_1", expiresAt: "2024-12-15T12:10:00+00:00", permissions: null, constraints: null }, true],
  [
    { apiKey: "ek_1", expiresAt: "2024-12-15T12:10:00.123Z", permissions: { models: ["m"] }, token: "a.b.c" },
    true,
  ],
  [{ apiKey: "dct_1", expiresAt: "2024-12-15T12:10:00Z" }, false],
  [{ apiKey: "ek_1", expiresAt: 1734264600 }, false],
])("the response %j is one: %s", (response, valid) => {
  expect(clientTokenResponse.safeParse(response).success).toBe(valid);
});

test("an error body is a text or a list", () => {
  expect(errorBody.safeParse({ detail: "Missing key" }).success).toBe(true);
  expect(errorBody.safeParse({ error: "Missing key" }).success).toBe(false);
});

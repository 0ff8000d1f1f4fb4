import { describe, expect, test } from "vitest";
import { isPermanent } from "../protocol/index.ts";
import { manualClock } from "./clock.ts";
import type { ServerContext } from "./context.ts";
import { createDice } from "./dice.ts";
import { admit, checkKey } from "./gate.ts";
import { type MockServerOptions, readOptions } from "./options.ts";
import { createTokenDesk } from "./token-desk.ts";

/** As much of a server as the gate looks at. */
function openGate(given: Partial<MockServerOptions> = {}, sessionCount = 0) {
  const clock = manualClock();
  const tokens = createTokenDesk(clock, createDice(1));
  const sessions = new Map(Array.from({ length: sessionCount }, (_, index) => [String(index), null]));
  const context = { options: readOptions(given), clock, tokens, sessions } as unknown as ServerContext;
  return { clock, tokens, context };
}

const query = (fields: Record<string, string>) => new URLSearchParams(fields);

describe("keys", () => {
  test.each<[MockServerOptions["keys"], string, string | null]>([
    ["any", "dct_local", null],
    ["any", "anything at all", null],
    ["any", "", "Invalid API key: it is empty."],
    ["any", "ek_unknown", "this client token was not minted here"],
    ["minted", "dct_local", "only client tokens (ek_…) minted"],
    ["minted", "", "Invalid API key: it is empty."],
    ["minted", "ek_unknown", "this client token was not minted here"],
    ["off", "", null],
    ["off", "dct_local", null],
    ["off", "ek_unknown", null],
  ])("--keys %s, key %o: %s", (keys, key, error) => {
    const { context } = openGate({ keys });
    const checked = checkKey(context, key, undefined);
    expect(checked.ok).toBe(error === null);
    if (!checked.ok) {
      expect(checked.error).toContain(error);
      // SDKs give up at once instead of trying for 25 s.
      expect(isPermanent(checked.error)).toBe(true);
      if (key) expect(checked.error).not.toContain(key);
    }
  });

  test.each(["any", "minted"] as const)(
    "a minted token is good under --keys %s, until it expires",
    (keys) => {
      const { context, clock, tokens } = openGate({ keys });
      const { apiKey } = tokens.mint({ expiresIn: 60 });
      expect(checkKey(context, apiKey, undefined)).toMatchObject({ ok: true, token: { models: null } });
      clock.advance(59_999);
      expect(checkKey(context, apiKey, undefined).ok).toBe(true);
      clock.advance(1);
      expect(checkKey(context, apiKey, undefined).ok).toBe(false);
      clock.advance(2500);
      expect(checkKey(context, apiKey, undefined)).toMatchObject({
        ok: false,
        error: expect.stringContaining("expired 3 s ago"),
      });
    },
  );

  test.each<[string | undefined, boolean]>([
    ["https://example.com", true],
    ["https://example.com/", false],
    ["https://example.com:8443", false],
    ["http://example.com", false],
    ["https://EXAMPLE.com", false],
    ["https://sub.example.com", false],
    ["null", false],
    [undefined, false],
  ])("a token for https://example.com, used from %s: %s", (origin, good) => {
    const { context, tokens } = openGate();
    const { apiKey } = tokens.mint({ expiresIn: 60, allowedOrigins: ["https://example.com"] });
    const checked = checkKey(context, apiKey, origin);
    expect(checked.ok).toBe(good);
    if (!checked.ok) {
      expect(checked.error).toContain(origin ?? "(none)");
      expect(isPermanent(checked.error)).toBe(true);
    }
  });
});

describe("admission", () => {
  test.each<[string, Partial<MockServerOptions>, Record<string, string>, object]>([
    [
      "a known model",
      {},
      { model: "lucy_2_rt" },
      { ok: true, model: "lucy_2_rt", row: { id: "lucy_2_rt" }, token: null },
    ],
    [
      "an unknown model",
      {},
      { model: "lucy-3" },
      { ok: false, code: 1008, error: expect.stringContaining("lucy-3") },
    ],
    ["no model", {}, {}, { ok: false, code: 1008 }],
    ["an empty model", {}, { model: "" }, { ok: false, code: 1008 }],
    [
      "an unknown model where such are accepted",
      { unknownModels: "accept" },
      { model: "mine" },
      { ok: true, model: "mine", row: null },
    ],
    ["no model, even there", { unknownModels: "accept" }, {}, { ok: false, code: 1008 }],
    [
      "a bad key before a bad model",
      {},
      { api_key: "", model: "x" },
      { ok: false, error: expect.stringContaining("Invalid API key") },
    ],
  ])("%s", (_name, given, fields, expected) => {
    const { context } = openGate(given);
    expect(admit(context, query({ api_key: "dct_local", ...fields }), undefined)).toMatchObject(expected);
  });

  test.each<[string[], string, boolean]>([
    [["lucy_2_rt"], "lucy_2_rt", true],
    [["lucy_2_rt", "mirage"], "mirage", true],
    [["lucy_2_rt"], "mirage", false],
    [[], "lucy_2_rt", false],
  ])("a token for %o opens %s: %s", (allowedModels, model, good) => {
    const { context, tokens } = openGate();
    const { apiKey } = tokens.mint({ expiresIn: 60, allowedModels });
    const admission = admit(context, query({ api_key: apiKey, model }), undefined);
    expect(admission.ok).toBe(good);
    if (!admission.ok) {
      expect(admission.code).toBe(1008);
      expect(isPermanent(admission.error)).toBe(true);
    }
  });

  test.each<[Partial<MockServerOptions>, number, boolean]>([
    [{}, 3, true],
    [{}, 4, false],
    [{ mode: "relay" }, 15, true],
    [{ mode: "relay" }, 16, false],
    [{ sessionsMax: 0 }, 0, false],
  ])("%o with %i sessions running: room is %s", (given, count, room) => {
    const { context } = openGate(given, count);
    const admission = admit(context, query({ api_key: "dct_local", model: "lucy_2_rt" }), undefined);
    expect(admission).toMatchObject(
      room ? { ok: true } : { ok: false, error: "Concurrent session limit reached.", code: 1013 },
    );
  });
});

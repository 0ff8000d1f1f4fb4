/** Client tokens, which an app's own backend mints so that no key goes to a browser. */
import { API_KEY_HEADER, PATHS } from "../../protocol/index.ts";
import { rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { attemptCount } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import { type Stage, Stuck } from "../stage.ts";
import { connectWhole, lookOn, opened } from "../steps.ts";

/** As the app's backend does. @throws Stuck where the server grants none */
async function mint({ target }: Stage, about: Readonly<Record<string, unknown>>): Promise<string> {
  const { url, apiKey } = target();
  const response = await fetch(url + PATHS.clientTokens, {
    method: "POST",
    headers: { [API_KEY_HEADER]: apiKey, "content-type": "application/json" },
    body: JSON.stringify(about),
  });
  if (!response.ok) throw new Stuck(`a client token, where the server answered ${response.status}`);
  const { apiKey: token } = (await response.json()) as { apiKey: string };
  return token;
}

/** Connects with a token, and waits until that has ended or been tried again. */
async function tryToken(stage: Stage, token: string): Promise<void> {
  const connecting = stage.client.beginConnect({ apiKey: token });
  await stage.until(
    "connect() to end, or another attempt",
    () => connecting.ended !== null || opened(stage) > 1,
  );
}

const isRefused =
  (words: RegExp) =>
  ({ call, sessions }: Reading) => [
    ...rejects("connect() rejects", call("connect"), words),
    ...same("it makes one attempt", sessions().length, 1),
  ];

export const auth: readonly Scenario[] = [
  defineScenario({
    id: "auth/client-token",
    does: "It asks for a client token, and connects with that.",
    owes: "It gets one, and it is good.",
    source: { kind: "documented", where: "https://docs.platform.decart.ai, client tokens" },
    needs: ["tokens"],
    kills: ["sends-no-key"],
    server: { keys: "minted" },
    async drive({ client, target }) {
      const { ended } = await client.call("createToken", target());
      await client.connect({ apiKey: String(ended!.value.apiKey) });
    },
    judge: ({ call }) => [
      ...resolves("createToken() resolves", call("createToken")),
      ...resolves("connect() resolves", call("connect")),
    ],
  }),
  defineScenario({
    id: "auth/token-expired",
    does: "Its token has expired before it connects.",
    owes: "connect() rejects with what the server said, and it does not try again.",
    source: {
      kind: "documented",
      where: "https://docs.platform.decart.ai, client tokens: one that has expired blocks new connections",
    },
    needs: [],
    kills: ["retries-after-refusal"],
    server: { clock: "manual" },
    async drive(stage) {
      const token = await mint(stage, { expiresIn: 60 });
      await stage.server.clock.advance(61_000);
      await tryToken(stage, token);
    },
    judge: isRefused(/expired/),
  }),
  defineScenario({
    id: "auth/model-not-allowed",
    does: "Its token is for another model.",
    owes: "connect() rejects with what the server said, and it does not try again.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.5 to 0.1.20: not allowed is permanent" },
    needs: [],
    kills: ["retries-after-refusal"],
    async drive(stage) {
      await tryToken(stage, await mint(stage, { allowedModels: ["live_avatar"] }));
    },
    judge: isRefused(/not allowed/),
  }),
  defineScenario({
    id: "auth/token-refused",
    does: "It asks for a client token, and the server says no.",
    owes: "createToken() rejects with what the server said.",
    source: {
      kind: "observed",
      where: "@decartai/sdk 0.0.25 to 0.1.20: Failed to create token: {status} - {body}",
    },
    needs: ["tokens"],
    kills: ["takes-any-answer"],
    faults: [
      { name: "http-status", only: "tokens", with: { status: 403, detail: "No tokens for client tokens." } },
    ],
    async drive({ client, target }) {
      await client.call("createToken", target());
    },
    judge: ({ call }) =>
      rejects("createToken() rejects", call("createToken"), /No tokens for client tokens\./),
  }),
  defineScenario({
    id: "auth/session-length",
    does: "Its token is for sessions of three seconds, and they are over.",
    owes: "It says disconnected, and begins no other session by itself.",
    source: {
      kind: "assumed",
      where: "whoever limits a session does not want the next to follow on its heels, and each costs",
    },
    needs: ["media", "states"],
    kills: ["comes-back-after-the-end"],
    server: { clock: "manual" },
    async drive(stage) {
      const { client, server, until } = stage;
      const token = await mint(stage, { constraints: { realtime: { maxSessionDuration: 3 } } });
      await connectWhole(stage, { apiKey: token });
      for (let second = 0; second < 3; second++) await server.clock.advance(1000);
      await until(
        "it to say disconnected, or to come back",
        () => client.last() === "disconnected" || opened(stage) > 1,
      );
      await lookOn(stage);
    },
    judge: (reading) => [
      ...same("its last word is disconnected", reading.states().at(-1), "disconnected"),
      ...same("it asks for one session", attemptCount(reading), 1),
    ],
  }),
];

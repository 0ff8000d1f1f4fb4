/** A second mock with switched behaviour stands in for the service: the differences are found, and none where there are none. */
import { expect, onTestFinished, test } from "vitest";
import { type MockServerOptions, startMockServer } from "../mock-server/index.ts";
import { referenceClient } from "./clients/reference/index.ts";
import { realClock } from "./clock.ts";
import { compareWith, isPlain } from "./fidelity.ts";
import { createGuard } from "./remote-guard.ts";
import { scenarios } from "./scenarios/index.ts";

async function compare(
  ids: readonly string[],
  options: Partial<MockServerOptions>,
  { sessionsMax = 99, apiKey = "dct_local" } = {},
) {
  const service = await startMockServer({ port: 0, ...options });
  onTestFinished(() => service.close());
  const client = referenceClient({ dialect: "direct" }, realClock);
  const budget = { sessionsMax, secondsMax: 999, creditsMax: 99 };
  const endpoint = { url: service.url, realtimeUrl: service.realtimeUrl, apiKey };
  return compareWith(
    scenarios.filter(({ id }) => ids.includes(id)),
    { client, endpoint, guard: createGuard(budget, realClock), clock: realClock, seed: 1 },
  );
}

test("some scenarios need nothing but a server", () => {
  const plain = scenarios.filter(isPlain).map(({ id }) => id);
  expect(plain).toEqual(expect.arrayContaining(["state/image", "state/empty-set"]));
  expect(plain.length).toBeGreaterThan(10);
  expect(plain).not.toContain("acks/missing");
});

const ids = ["state/image", "state/bad-image", "state/empty-set"];

test("a service that behaves alike looks alike", async () => {
  const { verdicts } = await compare(ids, { mode: "transcode" });
  expect(verdicts.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual(ids.map((id) => `${id} passed`));
}, 60_000);

test("a service that refuses the key, or sends no pictures, looks different, and in what", async () => {
  const { verdicts } = await compare(["state/image"], { keys: "minted" });
  const [refused] = verdicts;
  expect(refused!.outcome).toBe("failed");
  expect(refused!.findings[0]).toMatchObject({
    rule: expect.stringMatching(/client's connect: the mock and the endpoint look alike$/),
    expected: expect.stringMatching(/^the endpoint: rejected: .*key/i),
    got: "the mock: resolved",
  });
}, 60_000);

test("once a budget is spent, what was had is told, and the rest is nobody's to say", async () => {
  const { verdicts } = await compare(ids, { mode: "none" }, { sessionsMax: 1 });
  expect(verdicts.map(({ outcome }) => outcome === "inconclusive")).toEqual([false, true, true]);
  expect(verdicts[1]!.why).toContain("The budget of 1 sessions is spent");
}, 60_000);

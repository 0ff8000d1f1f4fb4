/** That the HTTP side is measured as it is: beside a plain loop of requests, against an answer that is held back for a known time. */
import autocannon from "autocannon";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MockServer, startMockServer } from "../mock-server/index.ts";
import { realClock as clock } from "./clock.ts";
import { createHistogram } from "./histogram.ts";
import { httpQuestions, measureHttp } from "./http-load.ts";

let lucy: MockServer;
beforeAll(async () => {
  lucy = await startMockServer({ port: 0, mode: "none" });
});
afterAll(() => lucy.close());

const target = () => ({ url: lucy.url, realtimeUrl: lucy.realtimeUrl, apiKey: "dct_load" });
const small = { rate: 40, seconds: 1, connections: 4 };

test.each(httpQuestions)("%s is answered, each request counted", async (question) => {
  const { latency, answeredCount, dueCount, troubles } = await measureHttp({
    target: target(),
    question,
    ...small,
  });
  expect(troubles).toEqual({});
  expect(latency.count).toBe(answeredCount);
  expect(answeredCount).toBeGreaterThan(dueCount / 2);
  expect(lucy.open.sessions).toBe(0);
});

describe("an answer that is held back for 100 ms", () => {
  const delayMs = 100;
  beforeAll(() => {
    lucy.faults.add({ name: "delay", channel: "http", with: { delayMs } });
  });
  afterAll(() => lucy.faults.healAll());

  test("is measured as a plain loop of requests measures it", async () => {
    const ours = createHistogram();
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        const calledMs = clock.now();
        await (
          await fetch(`${lucy.url}/v1/client/tokens`, { method: "POST", headers: { "x-api-key": "k" } })
        ).text();
        ours.record((clock.now() - calledMs) * 1000);
      }
    };
    // At the same time: whatever else the machine does, it does to both.
    const asking = ask();
    const { latency } = await measureHttp({ target: target(), question: "tokens", ...small, seconds: 2 });
    isOver = true;
    await asking;
    for (const percent of [10, 50]) {
      const [here, there] = [latency.percentile(percent) / 1000, ours.percentile(percent) / 1000];
      expect(here).toBeGreaterThanOrEqual(delayMs - 1);
      expect(Math.abs(here - there)).toBeLessThan(delayMs * 0.25);
    }
  });

  test("and would not be, with the package's own correction: the reason why it is off", async () => {
    const result = await autocannon({
      url: `${lucy.url}/v1/client/tokens`,
      method: "POST",
      headers: { "x-api-key": "k" },
      connections: 4,
      overallRate: 40,
      duration: 1,
    });
    expect(result.latency.p50).toBeLessThan(delayMs * 0.8);
  });
});

test("what is refused is told by its status, and is no latency", async () => {
  const [fault] = lucy.faults.add({ name: "http-status", channel: "http", with: { status: 503 } });
  const { latency, troubles } = await measureHttp({ target: target(), question: "tokens", ...small });
  fault!.heal();
  expect(latency.count).toBe(0);
  expect(Object.keys(troubles)).toEqual(["answered with 503"]);
});

test("a server that is not there: a sentence, for the room too", async () => {
  const nobody = { url: "http://127.0.0.1:1", realtimeUrl: "ws://127.0.0.1:1", apiKey: "k" };
  await expect(measureHttp({ target: nobody, question: "watch-stream", ...small })).rejects.toThrow(
    "ws://127.0.0.1:1 cannot be reached",
  );
  const { answeredCount, troubles } = await measureHttp({ target: nobody, question: "health", ...small });
  expect(answeredCount).toBe(0);
  expect(Object.keys(troubles).join()).toContain("ECONNREFUSED");
});

/** That the HTTP side is measured as it is: beside a plain loop of requests, against an answer that is held back for a known time. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
/** One each, so that none waits for another. */
const small = { rate: 20, seconds: 1, connections: 20 };

test.each(httpQuestions)("%s is answered, each request counted", async (question) => {
  const { latency, answeredCount, dueCount, troubles } = await measureHttp({
    target: target(),
    question,
    ...small,
  });
  expect(troubles).toEqual({});
  expect(latency.count).toBe(answeredCount);
  expect(answeredCount).toBe(dueCount);
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

test("requests come evenly spread over each second, and not all at its beginning", async () => {
  const arrivalsMs: number[] = [];
  const server = createServer((_request, response) => {
    arrivalsMs.push(clock.now());
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await measureHttp({
    target: { url, realtimeUrl: "", apiKey: "k" },
    question: "health",
    rate: 20,
    seconds: 2,
    connections: 20,
  });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  // The first is asked before, and is no part of it.
  const [, ...asked] = arrivalsMs;
  expect(asked).toHaveLength(40);
  // Two bursts are in two or three tenths of a second; 40 that are spread are in all twenty, or most where the machine is busy.
  const tenths = new Set(asked.map((atMs) => Math.floor((atMs - asked[0]!) / 100)));
  expect(tenths.size).toBeGreaterThanOrEqual(10);
});

test("what waits for a slow answer until its second is over is not made, and not made up for", async () => {
  const [fault] = lucy.faults.add({
    name: "delay",
    channel: "http",
    // Once for what is asked before, and once for the measurement.
    when: { times: 2 },
    with: { delayMs: 1200 },
  });
  const { dueCount, answeredCount, troubles } = await measureHttp({
    target: target(),
    question: "tokens",
    rate: 4,
    seconds: 1,
    connections: 1,
  });
  fault!.heal();
  expect(troubles).toEqual({});
  expect(dueCount).toBe(4);
  expect(answeredCount).toBe(1);
});

test("a connection that would have nothing to do is refused", async () => {
  const asked = measureHttp({ target: target(), question: "health", rate: 3, seconds: 1, connections: 4 });
  await expect(asked).rejects.toThrow("4 connections for 3 requests a second");
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

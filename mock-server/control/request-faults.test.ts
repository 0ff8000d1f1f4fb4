import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { ServerContext } from "../context.ts";
import { emptyPlan } from "../faults/_plans.ts";
import { noKeyFaults } from "../faults/desk.ts";
import type { Items } from "../faults/fault.ts";
import { requestFaults } from "./request-faults.ts";

/** Requests that a fault holds, until they are given out. */
function setUp() {
  const held: (() => void)[] = [];
  const asked: string[] = [];
  const plan = {
    ...emptyPlan(),
    isIdle: () => false,
    pass(_channel: string, item: Items["http"], deliver: (item: Items["http"]) => void) {
      asked.push(item.kind);
      held.push(() => deliver(item));
    },
  };
  const desk = { read: () => noKeyFaults, forRequests: () => plan };
  const { meet } = requestFaults({ faults: desk } as unknown as ServerContext, () => {});
  let letIn = 0;
  const response = { destroyed: false, headersSent: false };
  return {
    asked,
    response,
    ask(method: string, url: string) {
      const request = { method, url, headers: {} } as IncomingMessage;
      meet(request, response as ServerResponse, () => void letIn++);
      return letIn;
    },
    give() {
      for (const give of held) give();
      return letIn;
    },
  };
}

test.each([
  ["POST", "/v1/client/tokens", "tokens"],
  ["POST", "/V1/Client/Tokens/?mock=nothing", "tokens"],
  ["GET", "/v1/client/tokens", null],
  ["POST", "/v1/files", "files"],
  ["GET", "/v1/files/file_1", "files"],
  ["DELETE", "/v1/files/file_1/", "files"],
  ["GET", "/v1/files/file_1/content", null],
  ["POST", "/watch-stream/room", "watch-stream"],
  ["GET", "/watch-stream/room", null],
  ["GET", "/_lucy/health", null],
  ["GET", "//", null],
])("%s %s is of the kind %s", (method, url, kind) => {
  const { ask, asked } = setUp();
  expect(ask(method, url)).toBe(kind ? 0 : 1);
  expect(asked).toEqual(kind ? [kind] : []);
});

test.each([
  ["a request that a fault gives out late is let in", {}, 1],
  ["one whose client has gone is not", { destroyed: true }, 0],
  ["one that was answered is not", { headersSent: true }, 0],
])("%s, and never twice", (_name, then, expected) => {
  const { ask, give, response } = setUp();
  expect(ask("POST", "/v1/files")).toBe(0);
  Object.assign(response, then);
  expect(give()).toBe(expected);
  expect(give()).toBe(expected);
});

/** Pages that may have what another client made, and pages that may not. */
import { expect, test } from "vitest";
import { keptFrom, mayReach } from "./page-origin.ts";

const host = "127.0.0.1:8787";
const owner = "https://app.example.test";

test.each([
  ["no page", { host }, owner],
  ["a page of localhost", { origin: "http://localhost:5173", host }, owner],
  ["a name beneath it", { origin: "http://my-app.localhost:5173", host }, null],
  ["an address of loopback", { origin: "https://127.9.0.1", host }, null],
  ["the same in IPv6", { origin: "http://[::1]:3000", host }, null],
  ["the page that made it", { origin: owner, host }, owner],
  [
    "a page of the machine that is asked",
    { origin: "http://192.168.1.5:5173", host: "192.168.1.5:8787" },
    null,
  ],
  ["the same in IPv6", { origin: "http://[fe80::1]:5173", host: "[fe80::1]:8787" }, null],
])("%s may", (_who, asker, owner) => {
  expect(mayReach(asker, owner)).toBe(true);
});

test.each([
  ["another site", { origin: "https://evil.example.test", host }, owner],
  ["another site, where no page made it", { origin: "https://evil.example.test", host }, null],
  ["another port of the origin", { origin: `${owner}:8443`, host }, owner],
  ["the origin without TLS", { origin: "http://app.example.test", host }, owner],
  ["a sandboxed frame", { origin: "null", host }, null],
  ["a sandboxed frame, where one made it", { origin: "null", host }, "null"],
  ["a name that begins as ours", { origin: "http://localhost.example.test", host }, null],
  ["a name that ends as ours", { origin: "http://notlocalhost", host }, null],
  [
    "a name that was made to resolve to the server",
    { origin: "http://evil.example.test:8787", host: "evil.example.test:8787" },
    null,
  ],
  ["another machine's page", { origin: "http://192.168.1.6:5173", host: "192.168.1.5:8787" }, null],
  ["what is no origin", { origin: "127.0.0.1", host }, null],
  ["a page, asked without a host", { origin: "http://192.168.1.5", host: undefined }, null],
])("%s may not", (_who, asker, owner) => {
  expect(mayReach(asker, owner)).toBe(false);
});

test("the sentence quotes the origin, and no markup that stands in it", () => {
  expect(keptFrom("Session 1", { origin: "https://a.test<script>" })).toBe(
    "Session 1 is not for a page of https://a.test?script?: pages of localhost may have it, and those of the origin that it is from. Open yours there.",
  );
});

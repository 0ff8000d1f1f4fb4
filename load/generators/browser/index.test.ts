import { expect, test } from "vitest";
import { chromiumFlagsFor } from "../../../fixtures/browser/find-chromium.ts";
import { hostsOf } from "./index.ts";

test.each([
  [{ url: "http://127.0.0.1:8787", realtimeUrl: "ws://127.0.0.1:8787" }, [], "EXCLUDE 127.0.0.1"],
  [
    { url: "http://localhost:80", realtimeUrl: "ws://localhost:80" },
    [],
    "EXCLUDE 127.0.0.1, EXCLUDE localhost",
  ],
  [
    { url: "https://api.example.com", realtimeUrl: "wss://api3.example.com:8443/" },
    ["*.rooms.example"],
    "EXCLUDE 127.0.0.1, EXCLUDE api.example.com, EXCLUDE api3.example.com, EXCLUDE *.rooms.example",
  ],
])("for %j a browser finds loopback, the target and %j, and nobody else", (target, hosts, excluded) => {
  const rules = chromiumFlagsFor(hostsOf(target, hosts)).filter((flag) => flag.startsWith("--host-resolver"));
  expect(rules).toEqual([`--host-resolver-rules=MAP * ~NOTFOUND, ${excluded}`]);
});

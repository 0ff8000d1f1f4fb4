/** The lines a person pastes to reach this server, made from the address it was opened under. */

/** For SDKs that take their addresses as options: JS 0.0.51 and later, 0.1.x included. */
export function sdkSnippet(url: string, realtimeUrl: string, apiKey = "dct_local"): string {
  return `import { createDecartClient } from "@decartai/sdk";

const client = createDecartClient({
  apiKey: ${JSON.stringify(apiKey)},
  baseUrl: "${url}",
  realtimeBaseUrl: "${realtimeUrl}",
  telemetry: false,
});`;
}

/**
 * For SDKs with the service's host fixed in their code: JS up to 0.0.50. Sockets to that host go to the mock server, every other
 * host of the vendor's is refused, and the SDK stays as it was published. `/_lucy/redirect.js` is these lines.
 */
export function olderSdkSnippet(realtimeUrl: string): string {
  return `const Native = globalThis.WebSocket;
globalThis.WebSocket = class extends Native {
  constructor(url, protocols) {
    const to = new URL(url, globalThis.location?.href);
    if (to.host === "api3.decart.ai") url = "${realtimeUrl}" + to.pathname + to.search;
    else if (to.hostname.endsWith(".decart.ai")) throw new Error("Refused to reach " + to.host + ".");
    super(url, protocols);
  }
};`;
}

/**
 * SDKs before 0.0.51 have the service's host fixed in their code. Call this before loading one: sockets to that host go to the
 * mock server instead, and every other host of the vendor's is refused. The SDK's bytes stay as they were published.
 */
export function redirectVendor(realtimeUrl: string): void {
  const Native = globalThis.WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      const wanted = new URL(url);
      if (wanted.host === "api3.decart.ai")
        super(new URL(wanted.pathname + wanted.search, realtimeUrl), protocols);
      else if (/(^|\.)decart\.ai$/.test(wanted.hostname))
        throw new DOMException(`Refused to reach ${wanted.host}.`, "SecurityError");
      else super(url, protocols);
    }
  };
}

/**
 * Runs in the page: keeps the WebSockets and peer connections that an SDK makes, and leads SDKs to the target that know one host only
 * (up to 0.0.50). It changes nothing else about them.
 */
export type Recorded = {
  readonly sockets: readonly WebSocket[];
  readonly connections: readonly RTCPeerConnection[];
};

const fixedHost = "wss://api3.decart.ai";

/** `realtimeUrl`: where sockets for the fixed host go instead. */
export function recordConnections(realtimeUrl: () => string): Recorded {
  const sockets: WebSocket[] = [];
  const connections: RTCPeerConnection[] = [];
  globalThis.WebSocket = class extends globalThis.WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      const asked = String(url);
      super(
        asked.startsWith(`${fixedHost}/`) ? realtimeUrl() + asked.slice(fixedHost.length) : asked,
        protocols,
      );
      sockets.push(this);
    }
  };
  globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };
  return { sockets, connections };
}

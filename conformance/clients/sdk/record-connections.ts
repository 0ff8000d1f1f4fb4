/**
 * Runs in the page: keeps the WebSockets and peer connections that an SDK makes, and leads SDKs to the target that know one host only
 * (up to 0.0.50). It changes nothing else about them.
 */
export type Recorded = {
  readonly sockets: readonly WebSocket[];
  readonly connections: readonly RTCPeerConnection[];
  /** Messages that came, sockets that opened or closed, so far. */
  readonly happenedCount: number;
};

const fixedHost = "wss://api3.decart.ai";

/** `realtimeUrl`: where sockets for the fixed host go instead. */
export function recordConnections(realtimeUrl: () => string): Recorded {
  const sockets: WebSocket[] = [];
  const connections: RTCPeerConnection[] = [];
  let happenedCount = 0;
  globalThis.WebSocket = class extends globalThis.WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      const asked = String(url);
      super(
        asked.startsWith(`${fixedHost}/`) ? realtimeUrl() + asked.slice(fixedHost.length) : asked,
        protocols,
      );
      sockets.push(this);
      for (const name of ["open", "message", "close"]) this.addEventListener(name, () => happenedCount++);
    }
  };
  globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };
  return {
    sockets,
    connections,
    get happenedCount() {
      return happenedCount;
    },
  };
}

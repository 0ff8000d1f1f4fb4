/**
 * Runs in a page, before an SDK is loaded: keeps the sockets and peer connections that it makes, and leads an SDK to the target that knows one
 * host only (up to 0.0.50). It changes nothing else about them.
 */
const fixedHost = "wss://api3.decart.ai/";

export type Network = {
  readonly sockets: readonly WebSocket[];
  readonly connections: readonly RTCPeerConnection[];
};

/** `realtimeUrl`: where sockets for the fixed host go instead. `asked`: hears of each host that a socket is opened to. */
export function recordNetwork(realtimeUrl: string, asked: (host: string) => void): Network {
  const sockets: WebSocket[] = [];
  const connections: RTCPeerConnection[] = [];
  globalThis.WebSocket = class extends globalThis.WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(String(url).replace(fixedHost, `${realtimeUrl}/`), protocols);
      sockets.push(this);
      asked(new URL(this.url).hostname);
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

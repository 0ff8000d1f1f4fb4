/**
 * Listens in on the control sockets that an SDK opens, for what its version has no event for (ticks, the session's id, refusals
 * while it retries), and can end an attempt that the SDK has no call to end.
 */
type SocketWatch = {
  /** Ends the control sockets that are open. LiveKit ends its own, and complains when another does. */
  close(): void;
  /** While true, new sockets are refused with a message that SDKs take as final. */
  refuses: boolean;
};

export type ServerSaid = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Wraps the WebSocket that it finds, which `/_lucy/redirect.js` has wrapped before. */
export function watchSockets(said: (message: ServerSaid) => void): SocketWatch {
  const Found = globalThis.WebSocket;
  const open = new Set<WebSocket>();
  const watch: SocketWatch = {
    refuses: false,
    close() {
      for (const socket of open) socket.close();
    },
  };
  globalThis.WebSocket = class extends Found {
    constructor(url: string | URL, protocols?: string | string[]) {
      // "not allowed" is one of the phrases after which SDKs stop retrying.
      if (watch.refuses) throw new DOMException("Connecting was cancelled: not allowed.", "AbortError");
      super(url, protocols);
      if (!new URL(this.url).pathname.endsWith("/stream")) return;
      open.add(this);
      this.addEventListener("close", () => open.delete(this));
      this.addEventListener("message", ({ data }) => {
        const message = parse(data);
        if (message) said(message);
      });
    }
  };
  return watch;
}

function parse(data: unknown): ServerSaid | null {
  try {
    const message = JSON.parse(String(data));
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

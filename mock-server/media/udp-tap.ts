/**
 * Stands between a peer's ICE and its UDP sockets: shows each datagram to the gates, moves to another port, falls silent. Knows of
 * the library that owns the sockets the few members below, and nothing of what a gate does.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Direction } from "../faults/fault.ts";
import { type Datagram, type MediaOf, readDatagram } from "./datagram.ts";

export type PeerGates = {
  /** Nothing is spoiled right now: datagrams go their way untouched, and no item is made for them. */
  readonly idle: boolean;
  /** Every datagram in both directions while not idle. `deliver` sends it (to-client) or hands it in (to-server): once, never, twice, later. */
  datagram(datagram: Datagram, deliver: (bytes: Buffer) => void): void;
};

type Address = readonly [host: string, port: number];

/** A socket as its owner has it. */
export type UdpPort = {
  readonly socket: Socket;
  readonly closed: boolean;
  readonly addressFamily: 4 | 6;
  onData: (bytes: Buffer, from: Address) => void;
  send: (bytes: Buffer, to?: Address) => Promise<void>;
};

export type UdpTap = {
  attach(port: UdpPort, mediaOf: MediaOf): void;
  /** What `send` sends at once passes no gate. */
  pass(send: () => void): void;
  /** Nothing is sent or heard any more. */
  silence(): void;
  /** Another UDP port takes the place of this one, which stays open and deaf. Resolves with its number. */
  move(port: UdpPort): Promise<number>;
  /** Datagrams that are still held go nowhere; the ports that were left close. The others are their owner's. */
  close(): void;
};

/** Ports that were left stay open, so that nobody answers there. Of one peer; the oldest closes. */
const deafCountMax = 8;

const sent = Promise.resolve();

/**
 * What comes while the process has no turn waits here, or is lost: some key pictures of 720p, 200 kB each; the system's own buffer holds one.
 * The system cuts it to what it grants.
 */
const receiveBufferBytes = 4 * 1024 * 1024;

function enlargeBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // Some systems refuse what they would have to cut: then theirs stays.
  }
}

/** `range`: first and last UDP port; `null` lets the system choose. */
export function createUdpTap(gates: PeerGates | undefined, range: readonly [number, number] | null): UdpTap {
  const deaf: Socket[] = [];
  let passes = false;
  let isSilent = false;
  let closed = false;

  function show(
    bytes: Buffer,
    direction: Direction,
    mediaOf: MediaOf,
    deliver: (bytes: Buffer) => void,
  ): void {
    const datagram = readDatagram(bytes, direction, mediaOf);
    if (datagram) gates!.datagram(datagram, deliver);
    else deliver(bytes);
  }

  return {
    attach(port, mediaOf) {
      enlargeBuffer(port.socket);
      const { send, onData } = port;
      const isOver = () => closed || isSilent || port.closed;
      port.send = (bytes, to) => {
        if (isSilent) return sent;
        if (!gates || passes || gates.idle) return send(bytes, to);
        show(bytes, "to-client", mediaOf, (out) => {
          // What failed is as good as lost, which is what a datagram may be.
          if (!isOver()) send(out, to).catch(() => {});
        });
        return sent;
      };
      port.onData = (bytes, from) => {
        if (isSilent) return;
        if (!gates || gates.idle) return onData(bytes, from);
        show(bytes, "to-server", mediaOf, (heard) => {
          if (!isOver()) onData(heard, from);
        });
      };
    },
    pass(send) {
      passes = true;
      try {
        send();
      } finally {
        passes = false;
      }
    },
    silence() {
      isSilent = true;
    },
    async move(port) {
      const next = await openSocket(port.addressFamily, range);
      if (closed || port.closed) {
        next.close();
        throw new Error("The path cannot change any more: the connection has closed.");
      }
      enlargeBuffer(next);
      const last = port.socket;
      for (const listener of last.listeners("message")) {
        last.off("message", listener as () => void);
        next.on("message", listener as () => void);
      }
      Object.assign(port, { socket: next });
      deaf.push(last);
      if (deaf.length > deafCountMax) deaf.shift()!.close();
      return next.address().port;
    },
    close() {
      closed = true;
      for (const socket of deaf.splice(0)) socket.close();
    },
  };
}

async function openSocket(family: 4 | 6, range: readonly [number, number] | null): Promise<Socket> {
  const [first, last] = range ?? [0, 0];
  let reason = "";
  for (let port = first; port <= last; port++) {
    const socket = createSocket(family === 4 ? "udp4" : "udp6");
    try {
      socket.bind(port);
      await once(socket, "listening");
      return socket;
    } catch (error) {
      reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      socket.close();
    }
  }
  throw new Error(
    range
      ? `The path cannot change: no UDP port from ${first} to ${last} is free (${reason}). Give --udp-ports a wider range.`
      : `The path cannot change: the system has no UDP port to give (${reason}). Close some connections.`,
  );
}

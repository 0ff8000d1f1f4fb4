/** What the other side of a connection has said of what we send, over the whole of it. Knows no packet, only what they say. */

/** Of one kind of media. */
export type RtcpSummary = {
  /** Receiver reports (RFC 3550, section 6.4.2). */
  reports: number;
  /** As the last report counts them; retransmissions can make it less. */
  packetsLost: number;
  /** The worst of any report, 0 to 1. */
  fractionLostMax: number;
  jitterMsMax: number;
  /** Packets asked for again (generic NACK). */
  packetsNacked: number;
  keyRequests: number;
};

/** RTP clocks. */
const hz = { video: 90_000, audio: 48_000 };

export type RtcpTally = {
  /** `fractionLost` in 256ths and `jitter` in RTP time, as the wire has them. */
  reported(
    kind: "video" | "audio",
    report: { packetsLost: number; fractionLost: number; jitter: number },
  ): void;
  nacked(kind: "video" | "audio", packetCount: number): void;
  keyRequested(): void;
  /** `null` for what nothing was said of. */
  readonly summary: { video: RtcpSummary | null; audio: RtcpSummary | null };
};

export function createRtcpTally(): RtcpTally {
  const kinds: { video: RtcpSummary | null; audio: RtcpSummary | null } = { video: null, audio: null };

  function of(kind: "video" | "audio"): RtcpSummary {
    kinds[kind] ??= {
      reports: 0,
      packetsLost: 0,
      fractionLostMax: 0,
      jitterMsMax: 0,
      packetsNacked: 0,
      keyRequests: 0,
    };
    return kinds[kind];
  }

  return {
    reported(kind, { packetsLost, fractionLost, jitter }) {
      const sum = of(kind);
      sum.reports++;
      sum.packetsLost = packetsLost;
      sum.fractionLostMax = Math.max(sum.fractionLostMax, fractionLost / 256);
      sum.jitterMsMax = Math.max(sum.jitterMsMax, Math.round((jitter * 10_000) / hz[kind]) / 10);
    },
    nacked(kind, packetCount) {
      of(kind).packetsNacked += packetCount;
    },
    keyRequested() {
      of("video").keyRequests++;
    },
    get summary() {
      return kinds;
    },
  };
}

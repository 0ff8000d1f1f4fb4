/**
 * The one file of load that imports werift: a client of the direct dialect that sends a pre-encoded clip, so that generating
 * load costs no encoder, and counts what comes back without decoding it.
 */
import {
  H264Packetizer,
  MediaStreamTrack,
  RTCPeerConnection,
  RtpHeader,
  RtpPacket,
  useH264,
  useVP8,
  Vp8Packetizer,
} from "werift";
import { WebSocket } from "ws";
import type { Clip } from "../fixtures/clips.ts";
import type { Clock } from "./clock.ts";

export type SenderOptions = {
  /** `ws://127.0.0.1:8787` */
  readonly realtimeUrl: string;
  readonly clip: Clip;
  readonly clock: Clock;
  /** `false` for a server that sends none back. */
  readonly waitForPictures: boolean;
};

export type Sender = {
  /** Pictures whose last packet came back since the last call. */
  takeReceived(): number;
  /** Pictures that should have been sent and were sent late by more than one picture's time, since the last call. */
  takeLate(): number;
  /** Rejects with what the server said. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
};

/** A busy machine takes seconds, and one that drops what it should answer takes forever. */
const connectMsMax = 30_000;
/** Packets sent at once, before the next millisecond. */
const burstCount = 12;

/** Connects and starts sending; resolves once media flows both ways. @throws Error with the server's own words */
export async function connectSender({
  realtimeUrl,
  clip,
  clock,
  waitForPictures,
}: SenderOptions): Promise<Sender> {
  const socket = new WebSocket(`${realtimeUrl}/v1/stream?api_key=dct_load&model=lucy_2_rt`);
  const codec = clip.codec === "vp8" ? useVP8() : useH264();
  codec.rtcpFeedback = [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "goog-remb" }];
  const pc = new RTCPeerConnection({
    codecs: { video: [codec], audio: [] },
    // Named none, werift asks a public STUN server; this one it turns down before anything is sent.
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  const track = new MediaStreamTrack({ kind: "video" });
  const transceiver = pc.addTransceiver(track, { direction: "sendrecv" });
  const packetizer =
    clip.codec === "vp8"
      ? new Vp8Packetizer({ maxPayloadSize: 1180 })
      : new H264Packetizer({ maxPayloadSize: 1180 });
  let received = 0;
  let lastTimestamp = -1;
  let late = 0;
  let timer: { cancel(): void } | null = null;
  const flowing = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});

  pc.onTrack.subscribe((remote) => {
    remote.onReceiveRtp.subscribe(({ header }) => {
      // A retransmission is no second picture.
      if (!header.marker || header.timestamp === lastTimestamp) return;
      lastTimestamp = header.timestamp;
      received++;
      flowing.resolve();
    });
  });
  socket.on("message", (data) => {
    const message = JSON.parse(String(data));
    if (message.type === "answer") void pc.setRemoteDescription({ type: "answer", sdp: message.sdp });
    if (message.type === "error") failed.reject(new Error(message.error));
  });
  socket.on("error", (error) => failed.reject(error));
  socket.on("close", (code, reason) => failed.reject(new Error(`closed with ${code} ${reason}`)));
  const deadline = clock.after(connectMsMax, () =>
    failed.reject(
      new Error(
        `No media after ${connectMsMax / 1000} s; the connection is ${pc.connectionState}. Close what else runs here, or send less.`,
      ),
    ),
  );
  await Promise.race([new Promise((resolve) => socket.once("open", resolve)), failed.promise]);
  await pc.setLocalDescription(await pc.createOffer());
  socket.send(JSON.stringify({ type: "offer", sdp: pc.localDescription!.sdp }));
  await Promise.race([pc.connectionStateChange.watch((state) => state === "connected"), failed.promise]);

  const startedMs = clock.now();
  const intervalMs = 1000 / clip.fps;
  let count = 0;
  let sequenceNumber = 0;
  const queue: RtpPacket[] = [];
  let pacing: { cancel(): void } | null = null;

  /** A browser paces too: a key picture written at once overflows the default UDP buffer of whoever receives it. */
  function sendSome(): void {
    for (const { header, payload } of queue.splice(0, burstCount)) {
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const { timestamp, marker } = header;
      const packet = new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, marker }), payload);
      void transceiver.sender.sendRtp(packet);
    }
    pacing = queue.length > 0 ? clock.after(1, sendSome) : null;
  }

  function send(): void {
    const dueMs = startedMs + count * intervalMs;
    if (clock.now() - dueMs > intervalMs) late++;
    const { data } = clip.frames[count % clip.frames.length]!;
    queue.push(...packetizer.packetize(Buffer.from(data), Math.round(count * (90_000 / clip.fps))));
    if (!pacing) sendSome();
    count++;
    timer = clock.after(Math.max(0, startedMs + count * intervalMs - clock.now()), send);
  }

  send();
  if (waitForPictures) await Promise.race([flowing.promise, failed.promise]);
  deadline.cancel();
  return {
    takeReceived() {
      const taken = received;
      received = 0;
      return taken;
    },
    takeLate() {
      const taken = late;
      late = 0;
      return taken;
    },
    failed: failed.promise,
    async close() {
      timer?.cancel();
      pacing?.cancel();
      socket.removeAllListeners("close");
      socket.close();
      await pc.close();
    },
  };
}

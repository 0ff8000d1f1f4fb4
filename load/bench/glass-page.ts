/**
 * Runs in the bench's page: sends a synthetic camera through a loop and reads, off the picture that comes back, how old it is.
 * One loop is two connections in this page, the others go through a mock server. The same camera, codec, rate hints and reader
 * in all of them, so that their ratio says something.
 */
import { startSyntheticCamera } from "../../fixtures/browser/synthetic-camera.ts";
import { watchStrips } from "../../fixtures/browser/watch-strips.ts";

export type LoopResult = {
  /** Age of each picture seen, from being drawn to `requestVideoFrameCallback`. Milliseconds. */
  agesMs: number[];
  /** Pictures seen a second. */
  fps: number;
};

export type Loop = { codec: "VP8" | "H264"; realtimeUrl: string | null; warmUpMs: number; measureMs: number };

/** `realtimeUrl` `null`: the page's own loopback. */
async function run({ codec, realtimeUrl, warmUpMs, measureMs }: Loop): Promise<LoopResult> {
  // An eighth of a hertz under 30: a source locked to the display's phase would move whole runs by 10 ms.
  const camera = startSyntheticCamera({ width: 1280, height: 720, fps: 30 - 1 / 8 });
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    autoplay: true,
    playsInline: true,
  });
  document.body.replaceChildren(video);
  const close = realtimeUrl
    ? await throughServer(camera.stream, video, codec, realtimeUrl)
    : await throughPage(camera.stream, video, codec);
  const agesMs: number[] = [];
  let measuring = false;
  const unwatch = watchStrips(video, ({ atMs, input }) => {
    if (measuring && input) agesMs.push(atMs - input.timestampMs);
  });
  await pause(warmUpMs);
  measuring = true;
  await pause(measureMs);
  unwatch();
  close();
  camera.stop();
  return { agesMs, fps: (agesMs.length * 1000) / measureMs };
}

async function throughPage(stream: MediaStream, video: HTMLVideoElement, codec: string): Promise<() => void> {
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
  far.ontrack = ({ streams }) => {
    video.srcObject = streams[0]!;
  };
  prefer(
    near.addTransceiver(stream.getVideoTracks()[0]!, { direction: "sendonly", streams: [stream] }),
    codec,
  );
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription!);
  await far.setLocalDescription();
  // The hints that the mock server gives in its answers.
  await near.setRemoteDescription({ type: "answer", sdp: withRateHints(far.localDescription!.sdp) });
  return () => {
    near.close();
    far.close();
  };
}

async function throughServer(
  stream: MediaStream,
  video: HTMLVideoElement,
  codec: string,
  realtimeUrl: string,
): Promise<() => void> {
  const socket = new WebSocket(`${realtimeUrl}/v1/stream?api_key=dct_bench&model=lucy_2_rt`);
  const pc = new RTCPeerConnection();
  pc.ontrack = ({ streams }) => {
    video.srcObject = streams[0]!;
  };
  prefer(pc.addTransceiver(stream.getVideoTracks()[0]!, { direction: "sendrecv", streams: [stream] }), codec);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const answered = new Promise<void>((resolve, reject) => {
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "error") reject(new Error(message.error));
      if (message.type !== "answer") return;
      await pc.setRemoteDescription({ type: "answer", sdp: message.sdp });
      resolve();
    };
  });
  pc.onicecandidate = ({ candidate }) => socket.send(JSON.stringify({ type: "ice-candidate", candidate }));
  await pc.setLocalDescription();
  socket.send(JSON.stringify({ type: "offer", sdp: pc.localDescription!.sdp }));
  await answered;
  return () => {
    pc.close();
    socket.close();
  };
}

function prefer(transceiver: RTCRtpTransceiver, codec: string): void {
  const codecs = RTCRtpReceiver.getCapabilities("video")!.codecs;
  const wanted = codecs.filter(({ mimeType, sdpFmtpLine = "" }) => {
    return (
      mimeType === `video/${codec}` && (codec !== "H264" || sdpFmtpLine.includes("packetization-mode=1"))
    );
  });
  transceiver.setCodecPreferences(wanted);
}

function withRateHints(sdp: string): string {
  const hints = "x-google-start-bitrate=3000;x-google-max-bitrate=3500";
  return sdp
    .replace(/^a=rtpmap:(\d+) (VP8|H264)\/90000\r$/gm, (line, type: string) => {
      return sdp.includes(`a=fmtp:${type} `) ? line : `${line}\na=fmtp:${type} ${hints}\r`;
    })
    .replace(/^(a=fmtp:\d+ .*packetization-mode.*)\r$/gm, `$1;${hints}\r`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

declare global {
  interface Window {
    runLoop: typeof run;
  }
}
window.runLoop = run;

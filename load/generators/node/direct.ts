/**
 * The direct dialect, as @decartai/sdk 0.0.68 speaks it: the client offers, descriptions and candidates travel on the control socket, and one
 * connection goes straight to the server. Protocol reference, section 2.
 */
import { isLoopback } from "../../../conformance/index.ts";
import { openPeer } from "../../peer.ts";
import { attempt, type Connect } from "./connection.ts";

/** What it says before it offers: show me what I send. Documented. */
const passthrough = { type: "set_image", image_data: null, prompt: null } as const;

export const connectDirect: Connect = (about) => {
  const answered = Promise.withResolvers<string>();
  let id: string | null = null;
  let addCandidate: ((candidate: object) => void) | null = null;

  return attempt(
    about,
    (message) => {
      if (message.type === "session_id") id = message.session_id;
      if (message.type === "answer") answered.resolve(message.sdp);
      if (message.type === "ice-candidate" && message.candidate) addCandidate?.(message.candidate);
    },
    async ({ control, wait, keep, fail }) => {
      await wait(control.change(passthrough), "the ack of its first state");
      const peer = keep(
        openPeer({
          codec: about.clip.codec,
          clock: about.clock,
          isLocal: isLoopback(about.session.target.realtimeUrl),
          onPacket: about.packet,
          onKeyRequested: about.keyRequested,
          onLost: fail,
        }),
      );
      addCandidate = (candidate) => {
        // One that cannot be used is of no use; others may come.
        peer.addCandidate(candidate).catch(() => {});
      };
      peer.addSection("sendrecv");
      control.send({ type: "offer", sdp: await peer.offer() });
      await peer.accept(await wait(answered.promise, "the answer to its offer"));
      await wait(peer.connected, "its media connection");
      return { id, peer, carriesTrailers: false };
    },
  );
};

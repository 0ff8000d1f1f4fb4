/**
 * The direct dialect (@decartai/sdk 0.0.x, Python up to 0.0.40, Android up to 0.6.1): the client offers, SDP and candidates
 * travel on the control socket, one RTCPeerConnection goes straight to us. Protocol reference, section 2.
 */
import { type ClientMessage, FIRST_TYPES } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import type { ControlSocket } from "../control-socket.ts";
import { createFirstPictures } from "../media/first-pictures.ts";
import { type Offer, OfferError, readOffer } from "../media/offer.ts";
import type { Peer, PeerEvents } from "../media/peer.ts";
import type { Output } from "../media/pipeline.ts";
import type { Session } from "../session.ts";
import type { Conversation, Dialect } from "./dialect.ts";
import { createOfferedConnection } from "./offered-connection.ts";

export const direct: Dialect = {
  name: "direct",
  begins: FIRST_TYPES.direct,
  open(context, session, socket, client) {
    // As early as can be: the SDK has it by the time connect() resolves. Clients before 0.0.46 do not know it and pass over it.
    const { ip, port } = context.address;
    socket.send({ type: "session_id", session_id: session.id, server_ip: ip, server_port: port });
    return converse(context, session, socket, client.handleLater);
  },
};

function converse(
  context: ServerContext,
  session: Session,
  socket: ControlSocket,
  handleLater: (message: ClientMessage) => void,
): Conversation {
  const sends = context.options.mode !== "none";
  const { plan } = session;
  const connection = createOfferedConnection(context, session, sends, {
    opened: listen,
    replaced: session.disconnected,
  });

  async function answer(sdp: string): Promise<void> {
    plan.reach("offer");
    const offer = readOffer(sdp);
    const { peer } = connection;
    const codec = session.pipeline?.codec;
    if (peer?.originId === offer.originId && offer.codec && codec && offer.codec !== codec) {
      throw new OfferError(
        `A connection keeps its codec: this one began with ${codec.toUpperCase()} and now offers ${offer.codec.toUpperCase()} first. Open a new RTCPeerConnection.`,
      );
    }
    const answered = await connection.answer(offer);
    if (!answered) return;
    plan.reach("before-answer");
    socket.send({ type: "answer", sdp: answered.sdp });
    plan.reach("after-answer");
    for (const candidate of answered.early) handleLater({ type: "ice-candidate", candidate });
  }

  function listen(offer: Offer, self: () => { peer: Peer; output: Output } | undefined): PeerEvents {
    if (!offer.codec)
      throw new OfferError(
        "The offer has no video section. Add a camera track, or a recvonly video transceiver.",
      );
    const camera = offer.sections.find(({ kind, sends }) => kind === "video" && sends)?.mid;
    const pipeline = session.openMedia(offer.codec, offer.startBitsPerSecond, {
      needsKey: () => camera !== undefined && connection.peer?.requestKey(camera),
    });
    const firstPictures = createFirstPictures(session);
    return {
      connected() {
        pipeline.add(self()!.output);
        if (offer.sendsVideo) firstPictures.await();
        else {
          session.connected();
          session.generate();
        }
      },
      lost() {
        firstPictures.forget();
        if (connection.peer === self()?.peer) session.disconnected();
      },
      video(packet, colorSpace) {
        firstPictures.saw(packet);
        pipeline.receiveVideo(packet, colorSpace);
      },
      audio: pipeline.receiveAudio,
      keyRequested: pipeline.requestKey,
      estimated: pipeline.estimate,
    };
  }

  return {
    async handle(message) {
      switch (message.type) {
        case "offer":
          return answer(message.sdp);
        case "ice-candidate":
          return connection.addCandidate(message.candidate);
        case "switch_camera":
          return session.mirror(message.rotateY === 2);
        default:
          throw new OfferError(
            `The message ${message.type} has no place in the direct dialect, which this socket began with. Send offer, ice-candidate, prompt or set_image.`,
          );
      }
    },
    close: connection.close,
  };
}

/**
 * The room of a session: its client publishes a camera there, the model's participant publishes what became of it, viewers watch. The
 * one place where rooms and sessions meet.
 */
import { INFERENCE_IDENTITY_PREFIX } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { pipelineGates } from "../faults/pipeline-gates.ts";
import type { Plan } from "../faults/plan.ts";
import type { CodecName } from "../media/codec-name.ts";
import { createFirstPictures } from "../media/first-pictures.ts";
import { type Output, passSound } from "../media/pipeline.ts";
import type { Session } from "../session.ts";
import { takePlace } from "../viewer.ts";
import type { Grants } from "./access-token.ts";
import { clientIdentityOf } from "./keyholes.ts";
import type { ParticipantEvents } from "./participant.ts";
import type { Publication } from "./publication.ts";
import { createRoom, type Member, type RoomTrack } from "./room.ts";
import type { HostedRoom } from "./rooms.ts";
import {
  DisconnectReason,
  PacketTrailerFeature,
  ParticipantInfo,
  ParticipantInfo_State,
  TrackInfo,
  TrackType,
} from "./signal-wire.ts";

/** Viewers who have knocked: far more than may come in. */
const viewerPlansMax = 256;

export type SessionRoom = HostedRoom & {
  readonly clientIdentity: string;
  close(): void;
};

/** `frameTiming`: the client reads packet trailers. `complain` reaches its app. */
export function createSessionRoom(
  context: ServerContext,
  session: Session,
  { frameTiming, complain }: { frameTiming: boolean; complain(sentence: string): void },
): SessionRoom {
  const { dice } = session;
  const viewerPlans = new Map<string, Plan>();
  const clientIdentity = clientIdentityOf(session.id);
  const isClient = ({ identity }: { identity: string }) => identity === clientIdentity;
  const edited = new Map<string, RoomTrack>();
  const model: Member = {
    identity: `${INFERENCE_IDENTITY_PREFIX}${session.id}`,
    sid: `PA_${dice.hex(12)}`,
    tracks: edited,
    infoFor: (member) =>
      new ParticipantInfo({
        sid: model.sid,
        identity: model.identity,
        state: ParticipantInfo_State.ACTIVE,
        isPublisher: true,
        tracks: [...edited.values()].map((track) => track.infoFor(member)),
      }),
    allows: () => true,
    noticed() {},
    receiveData() {},
    dismiss() {},
  };
  // Only the model is seen: what else production lets viewers see, its SDKs pass over (assumed).
  const room = createRoom(session.id, `RM_${dice.hex(12)}`, {
    sees: (_member, other) => other === model,
    emptied() {},
  });
  room.enter(model);
  /** What the client publishes of each kind, and what was made of it. */
  const sources = new Map<"audio" | "video", { from: Publication; stop(): void }>();
  const firstPictures = createFirstPictures(session);

  function replace(from: Publication, track: RoomTrack, stop: () => void): void {
    sources.get(from.kind)?.stop();
    for (const [sid, { kind }] of edited) if (kind === from.kind) edited.delete(sid);
    edited.set(track.sid, track);
    sources.set(from.kind, { from, stop });
    room.changed(model);
  }

  function edit(camera: Publication): void {
    const pipeline = session.openMedia(camera.codec ?? "vp8", null, { needsKey: camera.requestKey });
    firstPictures.await();
    const stop = camera.listen({
      video(packet, colorSpace) {
        firstPictures.saw(packet);
        pipeline.receiveVideo(packet, colorSpace);
      },
      audio() {},
    });
    if (context.options.mode === "none") return void sources.set("video", { from: camera, stop });
    const { name, width, height, source } = camera.info;
    const mimeType = `video/${pipeline.codec}`;
    const sid = `TR_${dice.hex(12)}`;
    const info = { sid, name, width, height, mimeType, source, type: TrackType.VIDEO };
    replace(
      camera,
      {
        sid,
        kind: "video",
        codec: pipeline.codec as CodecName,
        infoFor: (member) =>
          new TrackInfo({
            ...info,
            ...(frameTiming &&
              isClient(member) && {
                packetTrailerFeatures: [PacketTrailerFeature.PTF_USER_TIMESTAMP],
              }),
          }),
        subscribe: (output, by) =>
          isClient(by) ? pipeline.add(output) : session.addViewer({ output, end() {} }),
        requestKey: pipeline.requestKey,
        // What a viewer's network holds is not what the sender gets.
        estimate: (bitsPerSecond, by) => isClient(by) && pipeline.estimate(bitsPerSecond),
      },
      stop,
    );
  }

  /** Sound comes back as it is, or as faults leave it. */
  function echo(microphone: Publication): void {
    if (context.options.mode === "none") return;
    const outputs = new Set<Output>();
    const gates = pipelineGates(session.plan);
    const stop = microphone.listen({
      video() {},
      audio(payload, timestamp, marker) {
        passSound(gates, payload, timestamp, (at) => {
          for (const output of outputs) output.sendAudio(payload, at, marker);
        });
      },
    });
    const sid = `TR_${dice.hex(12)}`;
    const { name, mimeType, source } = microphone.info;
    replace(
      microphone,
      {
        sid,
        kind: "audio",
        codec: null,
        infoFor: () => new TrackInfo({ sid, name, mimeType, source, type: TrackType.AUDIO }),
        subscribe(output) {
          outputs.add(output);
          return () => outputs.delete(output);
        },
        requestKey() {},
        estimate() {},
      },
      stop,
    );
  }

  function welcome(grants: Grants): ReturnType<HostedRoom["welcome"]> {
    if (isClient(grants)) return { ok: true, takesTrailers: frameTiming, events: clientEvents };
    // Clients take whatever comes under such a name for the model's (documented).
    if (grants.identity.startsWith(INFERENCE_IDENTITY_PREFIX)) {
      const name = grants.identity.slice(0, 80);
      const error = `${name} is a name of the model's: nobody else may begin with ${INFERENCE_IDENTITY_PREFIX} here. Take another identity.`;
      return { ok: false, error };
    }
    const place = takePlace(context, session.id);
    if (!place.ok) return place;
    const ignore = () => {};
    const events = {
      connected: ignore,
      lost: ignore,
      published: ignore,
      left() {
        place.giveBack();
        viewerPlans.get(grants.identity)?.end();
        viewerPlans.delete(grants.identity);
      },
    };
    return { ok: true, takesTrailers: false, events };
  }

  function lost(): void {
    firstPictures.await();
    session.disconnected();
  }

  const clientEvents: ParticipantEvents = {
    failed: complain,
    connected() {},
    lost,
    left: lost,
    published(track) {
      const before = sources.get(track.kind)?.from;
      // A second camera at the same time is nobody's: the model has one.
      if (before && room.members.get(clientIdentity)?.tracks.has(before.sid)) return;
      if (track.kind === "video") edit(track);
      else echo(track);
    },
  };

  return {
    room,
    dice,
    clientIdentity,
    planOf(grants) {
      if (isClient(grants)) return session.plan;
      const known = viewerPlans.get(grants.identity);
      // Who never came in after all makes room for those who do.
      if (known || viewerPlans.size >= viewerPlansMax) return known ?? session.plan;
      const plan = context.faults.open(grants.identity.slice(0, 40), session.keyFaults, {
        watches: session.id,
      });
      viewerPlans.set(grants.identity, plan);
      return plan;
    },
    ownerOf: (grants) => (isClient(grants) ? session.id : grants.identity.slice(0, 40)),
    welcome,
    close() {
      for (const { stop } of sources.values()) stop();
      room.close(DisconnectReason.ROOM_DELETED);
      for (const plan of viewerPlans.values()) plan.end();
      viewerPlans.clear();
    },
  };
}

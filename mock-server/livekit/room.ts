/**
 * A LiveKit room: who is in it, what each publishes, who is told of whom. It moves no media: a track hands its pictures to whoever
 * subscribes. Signalling and WebRTC are the members' own affair.
 */
import type { CodecName } from "../media/codec-name.ts";
import type { MediaPacket } from "../media/frame-assembler.ts";
import type { Output } from "../media/pipeline.ts";
import type { DisconnectReason, ParticipantInfo, TrackInfo } from "./signal-wire.ts";

/** What a member publishes. */
export type RoomTrack = {
  readonly sid: string;
  readonly kind: "audio" | "video";
  readonly codec: CodecName | null;
  /** As this member is told of it. */
  infoFor(member: Member): TrackInfo;
  /** Sends to `output` from now on, video from a key picture on; call the result to stop. */
  subscribe(output: Output, by: Member): () => void;
  requestKey(): void;
  /** Bits per second that a subscriber thinks its network holds. */
  estimate(bitsPerSecond: number, by: Member): void;
};

/** Packets of a track as they come in, one after the other. */
export type Listener = {
  video(packet: MediaPacket, colorSpace: Buffer | null): void;
  audio(payload: Buffer, timestamp: number, marker: boolean): void;
};

/** A track that somebody sends to us. */
export type PublishedTrack = RoomTrack & {
  /** Gives its packets to `listener`; call the result to stop. */
  listen(listener: Listener): () => void;
};

export type Member = {
  readonly identity: string;
  /** LiveKit's name for one stay in a room: `PA_…`. */
  readonly sid: string;
  readonly tracks: ReadonlyMap<string, RoomTrack>;
  infoFor(member: Member): ParticipantInfo;
  /** Whether it lets this member watch this track (`subscriptionPermission`). */
  allows(member: Member, track: RoomTrack): boolean;
  /** Somebody it can see came, changed or went. */
  noticed(member: Member, gone: boolean): void;
  /** A message on a data channel, to be passed on as it is. One that it cannot take is its own affair: nothing is thrown. */
  receiveData(label: string, bytes: Uint8Array): void;
  /** Told to go. */
  dismiss(reason: DisconnectReason): void;
};

export type Room = {
  readonly name: string;
  readonly sid: string;
  readonly members: ReadonlyMap<string, Member>;
  /** Members that this one can see, itself not among them. */
  seenBy(member: Member): Member[];
  enter(member: Member): void;
  leave(member: Member): void;
  /** Its tracks or what is said of them changed: all who see it notice. */
  changed(member: Member): void;
  /** `to`: identities; empty for everybody. */
  sendData(from: Member, label: string, bytes: Uint8Array, to: readonly string[]): void;
  close(reason: DisconnectReason): void;
};

export type RoomRules = {
  /** Whether one member sees another. */
  sees(member: Member, other: Member): boolean;
  /** The last member has left. */
  emptied(): void;
};

export function createRoom(name: string, sid: string, rules: RoomRules): Room {
  const members = new Map<string, Member>();

  function seenBy(member: Member): Member[] {
    return [...members.values()].filter((other) => other !== member && rules.sees(member, other));
  }

  function tell(about: Member, gone: boolean): void {
    for (const member of [...members.values()]) {
      if (member !== about && rules.sees(member, about)) member.noticed(about, gone);
    }
  }

  return {
    name,
    sid,
    members,
    seenBy,
    enter(member) {
      members.set(member.identity, member);
      tell(member, false);
    },
    leave(member) {
      // Another may have come under its name.
      if (members.get(member.identity) !== member) return;
      members.delete(member.identity);
      tell(member, true);
      if (members.size === 0) rules.emptied();
    },
    changed: (member) => tell(member, false),
    sendData(from, label, bytes, to) {
      for (const member of members.values()) {
        const isMeant = to.length === 0 || to.includes(member.identity);
        if (member !== from && isMeant && rules.sees(member, from)) member.receiveData(label, bytes);
      }
    },
    close(reason) {
      for (const member of [...members.values()]) member.dismiss(reason);
      members.clear();
    },
  };
}

/** Sends what a track's packets hold straight on, as a relay does. */
export function forwardTo(output: Output): Listener {
  return {
    // Padding holds no picture; leaving it out, and numbering what is sent anew, leaves no gap that looks like loss.
    video({ payload, timestamp, marker }, colorSpace) {
      if (payload.length > 0) output.sendVideo([payload as Buffer], timestamp, marker, colorSpace);
    },
    audio: output.sendAudio,
  };
}

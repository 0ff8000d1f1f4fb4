/** The front door: everything another folder, or another program, may use of the mock server. */
import { writeMockKey as writeKey } from "./faults/mock-key.ts";
import type * as frontDoor from "./front-door.ts";
import { startMockServer as start } from "./server.ts";

export type { Clock } from "./clock.ts";
export type { Waiting } from "./expectations.ts";
export { FaultError } from "./faults/declare.ts";
export type { AddedFault } from "./faults/desk.ts";
export type { FaultName } from "./faults/index.ts";
export type { Moment, MomentText } from "./faults/moments.ts";
export type { Declaration, MockServer, Session, When } from "./front-door.ts";
export type { Direction, Journal, JournalLine } from "./journal.ts";
export { journalHash, normalJournal } from "./journal-hash.ts";
export type { LineWanted, MatchOptions } from "./journal-match.ts";
export type { Decoder, Encoder, PaddedFrame } from "./media/codec.ts";
export { type CodecName, codecNames } from "./media/codec-name.ts";
// Coded pictures from RTP packets, and into them, and what LiveKit's clients write behind one: for clients of our own.
export { createFrameAssembler, type MediaPacket } from "./media/frame-assembler.ts";
export { readTrailer, stripTrailer, writeTrailer } from "./media/packet-trailer.ts";
export { payloadFormats } from "./media/payloads/index.ts";
export { type MediaMode, mediaModes } from "./media/pipeline.ts";
/** Decoders and encoders, for whoever has to look into pictures; loads node-av. */
export const loadCodec = () => import("./media/codec.ts");
export { type MockServerOptions, optionTable } from "./options.ts";
export type { ServerClock } from "./server.ts";
export type { Phase } from "./session.ts";
export type { State } from "./state.ts";
export const startMockServer: frontDoor.StartMockServer = start;
export const writeMockKey: frontDoor.WriteMockKey = writeKey;

/** The front door: everything another folder, or another program, may use of the mock server. */
export type { Clock } from "./clock.ts";
export type { Waiting } from "./expectations.ts";
export { FaultError } from "./faults/declare.ts";
export type { AddedFault } from "./faults/desk.ts";
export type { Declaration, When } from "./faults/fault.ts";
export { writeMockKey } from "./faults/mock-key.ts";
export type { Direction, Journal, JournalLine } from "./journal.ts";
export { journalHash } from "./journal-hash.ts";
export type { LineWanted, MatchOptions } from "./journal-match.ts";
export type { Decoder, Encoder, PaddedFrame } from "./media/codec.ts";
export { type CodecName, codecNames } from "./media/codec-name.ts";
export { type MediaMode, mediaModes } from "./media/pipeline.ts";
/** Decoders and encoders, for whoever has to look into pictures; loads node-av. */
export const loadCodec = () => import("./media/codec.ts");
export { type MockServerOptions, optionTable } from "./options.ts";
export { type MockServer, type ServerClock, startMockServer } from "./server.ts";
export type { Phase, Session } from "./session.ts";
export type { State } from "./state.ts";

/** The front door: everything another folder, or another program, may use of the mock server. */
export type { Clock } from "./clock.ts";
export type { Direction, Journal, JournalLine } from "./journal.ts";
export type { Decoder, Encoder, PaddedFrame } from "./media/codec.ts";
export { type CodecName, codecNames } from "./media/codec-name.ts";
export { type MediaMode, mediaModes } from "./media/pipeline.ts";
/** Decoders and encoders, for whoever has to look into pictures; loads node-av. */
export const loadCodec = () => import("./media/codec.ts");
export { type MockServerOptions, optionTable } from "./options.ts";
export { type MockServer, startMockServer } from "./server.ts";
export type { Phase, Session } from "./session.ts";
export type { State } from "./state.ts";

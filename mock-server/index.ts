/** The front door: everything another folder, or another program, may use of the mock server. */
export type { Clock } from "./clock.ts";
export type { Direction, Journal, JournalLine } from "./journal.ts";
export { type CodecName, codecNames } from "./media/codec-name.ts";
export { type MediaMode, mediaModes } from "./media/pipeline.ts";
export { type MockServerOptions, optionTable } from "./options.ts";
export { type MockServer, startMockServer } from "./server.ts";
export type { Phase, Session } from "./session.ts";
export type { State } from "./state.ts";

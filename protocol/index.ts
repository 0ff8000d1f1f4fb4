// What two parties must agree on to speak to each other, and nothing else. Runs in Node and in a browser; leans on zod only.
export * from "./acks.ts";
export * from "./client-tokens.ts";
export * from "./close-codes.ts";
export * from "./direct-messages.ts";
export * from "./error-texts.ts";
export * from "./files.ts";
export * from "./limits.ts";
export * from "./livekit-messages.ts";
export * from "./messages.ts";
export * from "./models.ts";
export * from "./nearest.ts";
export * from "./parse.ts";
export * from "./paths.ts";
export * from "./sdk-versions.ts";
export * from "./shared-messages.ts";
export * from "./subscribe-token.ts";

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as protocol from "./index.ts";

test("the public names, so that an export is a visible act", () => {
  expect(Object.keys(protocol).sort()).toMatchInlineSnapshot(`
    [
      "ACK_TIMEOUTS",
      "API_KEY_HEADER",
      "API_KEY_PREFIX",
      "CLIENT_ERRORS",
      "CLIENT_KEY_PREFIX",
      "CLIENT_MESSAGES",
      "CLIENT_TYPES",
      "CLOSE_CODES",
      "CLOSE_REASON_BYTES_MAX",
      "CONNECT_TIMEOUTS",
      "DEFAULT_BASE_URLS",
      "FILE_BYTES_MAX",
      "FILE_FIELD",
      "FILE_LIFETIME_SECONDS",
      "FILE_REF_PREFIX",
      "FIRST_LIVEKIT_VERSION",
      "FIRST_TYPES",
      "GENERATION_END_REASONS",
      "IMAGE_BASE64_CHARS_MAX",
      "IMAGE_PIXELS_MAX",
      "IMAGE_SIDE_PX_MAX",
      "IMAGE_SIDE_PX_RECOMMENDED_MIN",
      "INFERENCE_IDENTITY_PREFIX",
      "MESSAGE_BYTES_MAX",
      "NEWEST_READ",
      "PATHS",
      "PERMANENT_SUBSTRINGS",
      "PROMPT_CHARS_MAX",
      "QUERY",
      "REALTIME_MODELS",
      "RETRY_PAUSES",
      "ROOM_INFO_TIMEOUT_MS",
      "SDP_BYTES_MAX",
      "SERVER_ERRORS",
      "SERVER_MESSAGES",
      "SERVER_TYPES",
      "STREAM_PATHS",
      "TOKEN_LIFETIME_SECONDS",
      "TOKEN_LIST_LENGTH_MAX",
      "VENDOR_HOSTS",
      "ackFor",
      "ackTimeoutMs",
      "answerMessage",
      "clientTokenRequest",
      "clientTokenResponse",
      "closeReason",
      "compareVersions",
      "connectTimeoutMs",
      "decodeSubscribeToken",
      "encodeSubscribeToken",
      "eraOf",
      "errorBody",
      "errorMessage",
      "fileReference",
      "fileUploadFields",
      "findModel",
      "generationEndedMessage",
      "generationStartedMessage",
      "generationTickMessage",
      "iceCandidateMessage",
      "iceRestartMessage",
      "imageSetMessage",
      "inRange",
      "isPermanent",
      "isPermanentClose",
      "isVendorHost",
      "livekitJoinMessage",
      "livekitRoomInfoMessage",
      "nearest",
      "offerMessage",
      "parseClientMessage",
      "parseClientTokenRequest",
      "parseFileUpload",
      "parseServerMessage",
      "promptAckMessage",
      "promptMessage",
      "queuePositionMessage",
      "readyMessage",
      "refusalFor",
      "retryPausesMs",
      "sessionIdMessage",
      "setImageAckMessage",
      "setImageMessage",
      "stateMessageOf",
      "statusMessage",
      "switchCameraMessage",
      "unknownModelSentence",
      "validationDetail",
      "watchStreamResponse",
      "websocketClosedText",
    ]
  `);
});

test("only zod and this folder are imported, so that a browser can load it", () => {
  const folder = new URL(".", import.meta.url);
  const sources = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  expect(sources).toContain("parse.ts");
  for (const name of sources) {
    const source = readFileSync(new URL(name, folder), "utf8");
    for (const [, from] of source.matchAll(/\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/g)) {
      expect(`${name} imports ${from}`).toMatch(/ imports (zod|\.\/[\w-]+\.ts)$/);
    }
  }
});

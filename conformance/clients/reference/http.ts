/** What the client asks over HTTP: tokens, files, and a viewer's way into a room. */
import {
  API_KEY_HEADER,
  FILE_FIELD,
  PATHS,
  type WatchStreamResponse,
  watchStreamResponse,
} from "../../../protocol/index.ts";
import type { VerbArguments } from "../../client.ts";
import type { Policy } from "./policy.ts";

type Judging = Pick<Policy, "refusalOfRequest">;

/** @throws Error with the status and what stands below it */
async function post(
  policy: Judging,
  doing: string,
  address: string,
  apiKey: string,
  body: string | FormData,
  over: AbortSignal | null = null,
): Promise<unknown> {
  const response = await fetch(address, {
    signal: over,
    method: "POST",
    headers: {
      [API_KEY_HEADER]: apiKey,
      ...(typeof body === "string" && { "content-type": "application/json" }),
    },
    body,
  });
  const text = await response.text();
  const refusal = policy.refusalOfRequest(doing, response, text);
  if (refusal !== null) throw new Error(refusal);
  return JSON.parse(text);
}

export async function createToken(
  policy: Judging,
  about: VerbArguments["createToken"],
): Promise<Record<string, unknown>> {
  const { url, apiKey, expiresIn, allowedModels, allowedOrigins, maxSessionDuration } = about;
  const constraints = maxSessionDuration !== undefined ? { realtime: { maxSessionDuration } } : undefined;
  const body = JSON.stringify({ expiresIn, allowedModels, allowedOrigins, constraints });
  const answer = await post(policy, "Failed to create token", url + PATHS.clientTokens, apiKey, body);
  return answer as Record<string, unknown>;
}

/** `over`: gives it up. */
export async function upload(
  policy: Judging,
  about: VerbArguments["upload"],
  over: AbortSignal,
): Promise<{ id: unknown }> {
  const { url, apiKey, data, mimeType } = about;
  const form = new FormData();
  form.append(FILE_FIELD, new Blob([Buffer.from(data, "base64")], { type: mimeType }), "image");
  const reference = await post(policy, "Failed to upload file", url + PATHS.files, apiKey, form, over);
  return { id: (reference as { id: unknown }).id };
}

export async function watchStream(
  policy: Judging,
  url: string,
  apiKey: string,
  room: string,
): Promise<WatchStreamResponse> {
  const path = PATHS.watchStream.replace(":room", encodeURIComponent(room));
  return watchStreamResponse.parse(await post(policy, "watch-stream request failed", url + path, apiKey, ""));
}

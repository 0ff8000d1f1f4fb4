/** What the client asks over HTTP: tokens, files, and a viewer's way into a room. */
import {
  API_KEY_HEADER,
  FILE_FIELD,
  PATHS,
  type WatchStreamResponse,
  watchStreamResponse,
} from "../../../protocol/index.ts";
import type { VerbArguments } from "../../client.ts";

/** @throws Error with the status and what stands below it */
async function post(
  doing: string,
  address: string,
  apiKey: string,
  body: string | FormData,
): Promise<unknown> {
  const response = await fetch(address, {
    method: "POST",
    headers: {
      [API_KEY_HEADER]: apiKey,
      ...(typeof body === "string" && { "content-type": "application/json" }),
    },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${doing}: ${response.status} - ${text}`);
  return JSON.parse(text);
}

export async function createToken(about: VerbArguments["createToken"]): Promise<Record<string, unknown>> {
  const { url, apiKey, expiresIn, allowedModels, allowedOrigins, maxSessionDuration } = about;
  const constraints = maxSessionDuration !== undefined ? { realtime: { maxSessionDuration } } : undefined;
  const body = JSON.stringify({ expiresIn, allowedModels, allowedOrigins, constraints });
  const answer = await post("Failed to create token", url + PATHS.clientTokens, apiKey, body);
  return answer as Record<string, unknown>;
}

export async function upload(about: VerbArguments["upload"]): Promise<{ id: unknown }> {
  const { url, apiKey, data, mimeType } = about;
  const form = new FormData();
  form.append(FILE_FIELD, new Blob([Buffer.from(data, "base64")], { type: mimeType }), "image");
  const { id } = (await post("Failed to upload file", url + PATHS.files, apiKey, form)) as { id: unknown };
  return { id };
}

export async function watchStream(url: string, apiKey: string, room: string): Promise<WatchStreamResponse> {
  const path = PATHS.watchStream.replace(":room", encodeURIComponent(room));
  return watchStreamResponse.parse(await post("watch-stream request failed", url + path, apiKey, ""));
}

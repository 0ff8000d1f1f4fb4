/** Asks the control API, with the token that stands behind the # of the page's address where the server demands one. */

export type Asked = { readonly method?: "POST" | "DELETE"; readonly body?: unknown };

/** @throws Refusal with the server's own sentence, where it refuses */
export async function askServer<Answer>(path: string, { method, body }: Asked = {}): Promise<Answer> {
  const response = await fetch(path, {
    ...(method && { method }),
    headers: {
      ...controlHeaders(),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = response.status === 204 ? undefined : await response.json();
  if (response.ok) return answer;
  throw new Refusal(String(answer.detail));
}

/** What a request to the control API has to carry. */
export function controlHeaders(): Record<string, string> {
  const token = controlToken();
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** It may be added while the page is open. */
export function controlToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

/** The server is there, and does not tell. */
export class Refusal extends Error {}

/** Asks the control API, with the token that stands behind the # of the page's address where the server demands one. */

/** @throws Error with the server's own sentence where it refuses */
export async function askServer<Answer>(path: string): Promise<Answer> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const response = await fetch(path, token === null ? {} : { headers: { authorization: `Bearer ${token}` } });
  const answer = await response.json();
  if (response.ok) return answer;
  throw new Refusal(String(answer.detail));
}

/** The server is there, and does not tell. */
export class Refusal extends Error {}

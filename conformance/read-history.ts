/** A recording as the judge of atomicity reads it: what a client asked of a session, how that was acked, and what each of its pictures showed. */
import { createHash } from "node:crypto";
import { imageHash, NO_HASH, promptHash } from "../fixtures/index.ts";
import type { Finding, Picture } from "../reports/result.ts";
import { type Asked, type Happening, judgeHistory } from "./judge-history.ts";
import type { Line, Reading } from "./recording.ts";

/** Of the nth session of a recording, from 1, as this actor saw it. */
export function historyOf(reading: Reading, { session: n = 1, actor = "client" } = {}): Happening[] {
  const sessions = reading.sessions();
  const session = sessions[n - 1];
  const begin = (id: string | undefined) =>
    reading.journal.find((line) => line.kind === "open" && line.session === id)?.step ??
    Number.POSITIVE_INFINITY;
  const [from, to] = [begin(session), begin(sessions[n])];
  const hashes = imageHashes(reading);
  const asked: (Asked & { type: string; text: unknown; isAcked: boolean })[] = [];
  const happenings: [step: number, happening: Happening][] = [];

  for (const { kind, step, fields, session: of } of reading.sentStates()) {
    if (of !== session) continue;
    const id = String(asked.length + 1);
    const message = {
      is: "asked",
      id,
      ...changeOf(kind, fields, hashes, stateAfter(reading, session, step)),
    } as const;
    asked.push({ ...message, type: kind, text: fields.prompt, isAcked: false });
    happenings.push([step, message]);
  }
  for (const { kind, step, fields, session: of, direction } of reading.journal) {
    if (of !== session || direction !== "to-client" || !kind.endsWith("_ack")) continue;
    const type = kind.slice(0, -"_ack".length);
    const message = asked.find(
      (one) => !one.isAcked && one.type === type && (type !== "prompt" || one.text === fields.prompt),
    );
    if (!message) continue;
    message.isAcked = true;
    happenings.push([step, { is: "acked", id: message.id, ok: fields.success === true }]);
  }
  for (const { step, output } of reading.frames(actor)) {
    if (!output || step < from || step >= to) continue;
    const { revision, outputCount: count, promptHash: prompt, imageHash: image } = output;
    happenings.push([step, { is: "shown", revision, count, prompt, image }]);
  }
  return happenings.toSorted(([one], [other]) => one - other).map(([, happening]) => happening);
}

/** What the judge finds in a session, with pictures where some were kept. */
export function judgeAtomicity(
  reading: Reading,
  about: { session?: number; actor?: string } = {},
): Finding[] {
  const pictures = keptPictures(reading);
  return judgeHistory(historyOf(reading, about)).map((finding) =>
    pictures.length > 0 ? { ...finding, pictures } : finding,
  );
}

function keptPictures({ marks }: Reading): Picture[] {
  return marks.flatMap(({ name, value }) => {
    if (name !== "picture") return [];
    const { png, output } = value as { png: string | null; output: { revision: number } };
    return png ? [{ caption: `on the screen when revision ${output.revision} looked wrong`, png }] : [];
  });
}

/** By the name under which the journal keeps an image that was sent. */
function imageHashes({ calls }: Reading): Map<string, number> {
  const images = calls.flatMap(({ args }) => {
    const initial = args.initial as { image?: unknown } | undefined;
    return [args.image, initial?.image].filter((image) => typeof image === "string");
  });
  return new Map(
    images.map((image) => {
      const name = createHash("sha256").update(image).digest("hex").slice(0, 16);
      return [name, imageHash(Buffer.from(image, "base64"))];
    }),
  );
}

function stateAfter({ journal }: Reading, session: string | undefined, step: number): Line | undefined {
  return journal.find((line) => line.kind === "state" && line.session === session && line.step > step);
}

/** The table of design: what a message changes. */
function changeOf(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  hashes: ReadonlyMap<string, number>,
  after: Line | undefined,
): { prompt?: number; image?: number } {
  const { prompt, image_data: data, image_ref: ref } = fields;
  const text = typeof prompt === "string" ? { prompt: prompt === "" ? NO_HASH : promptHash(prompt) } : {};
  if (kind === "prompt") return text;
  if (typeof ref === "string") return { ...text, image: Number(after?.fields.imageHash) };
  if (data !== null && typeof data === "object") {
    const { sha256 } = data as { sha256: string };
    return { ...text, image: hashes.get(sha256) ?? Number(after?.fields.imageHash) };
  }
  if (prompt === null && data === null) return { prompt: NO_HASH, image: NO_HASH };
  // Set alone, a prompt keeps the image.
  return typeof prompt === "string" ? text : { image: NO_HASH };
}

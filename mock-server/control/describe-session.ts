/** What a session looks like from outside, for the HTTP side. */
import type { Session } from "../session.ts";

/** A session as JSON for people and tools: no key, no picture. */
export function describeSession(session: Session) {
  const { id, model, dialect, phase, seconds, viewerCount, state, pipeline } = session;
  const { revision, prompt, enhance, image } = state;
  const described = image && {
    hash: image.hash,
    mime: image.mime,
    width: image.width,
    height: image.height,
    byteLength: image.byteLength,
  };
  const { residenceMs = [], ...counts } = pipeline?.stats ?? {};
  const sorted = [...residenceMs].sort((a, b) => a - b);
  return {
    id,
    model,
    dialect,
    phase,
    seconds,
    viewerCount,
    state: { revision, prompt, enhance, image: described },
    media: pipeline && {
      codec: pipeline.codec,
      ...counts,
      residenceP50Ms: quantile(sorted, 0.5),
      residenceP99Ms: quantile(sorted, 0.99),
    },
  };
}

function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
}

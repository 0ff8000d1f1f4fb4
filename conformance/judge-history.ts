/**
 * The judge of atomicity: reads one session's finished history (what was asked, what was acked, what each picture showed) and says whether
 * it is legal. It trusts pictures and acks only, and never the server's own word for what is in force. Pure.
 *
 * A message whose ack never came may or may not have come into force: both are legal, and the judge keeps every state that pictures so far allow.
 */
import type { Finding } from "../reports/result.ts";

/** Hashes as strips carry them, 0 for none. */
export type Look = { readonly prompt: number; readonly image: number };

/** What a state message changes; what is left out stays. */
export type Asked = {
  readonly is: "asked";
  readonly id: string;
  readonly prompt?: number;
  readonly image?: number;
};
export type Acked = { readonly is: "acked"; readonly id: string; readonly ok: boolean };
/** A picture as the client decoded it. `revision`, `count`: 12 bits each, as the strip says. */
export type Shown = Look & { readonly is: "shown"; readonly revision: number; readonly count: number };
export type Happening = Asked | Acked | Shown;

export type HistoryRules = {
  /** Pictures after an ack that may still show what was before: those that were under way. */
  readonly lateMax: number;
};

/** How many pictures are under way at most between a server's encoder and a client's screen, at 30 a second over loopback. Judgement: 6 were seen. */
const rulesDefault: HistoryRules = { lateMax: 10 };

/** Everything that pictures so far allow: which messages were dealt with, and what is in force then. */
type Candidate = Look & { readonly dealtWith: number };

/** What is wrong, the first of each kind. None where all is legal. */
export function judgeHistory(history: readonly Happening[], { lateMax } = rulesDefault): Finding[] {
  const outcome = new Map<string, boolean>();
  for (const one of history) if (one.is === "acked" && !outcome.has(one.id)) outcome.set(one.id, one.ok);
  const findings = new Map<string, Finding>();
  const asked: { message: Asked; at: number }[] = [];
  /** Of each message, how many pictures have come since its good ack. */
  const owed = new Map<number, number>();
  let candidates: Candidate[] = [{ dealtWith: 0, prompt: 0, image: 0 }];
  let before: { shown: Shown; at: number } | null = null;
  const lookOf = new Map<number, Look>();

  const find = (rule: string, expected: string, got: string, from: number, at: number) => {
    if (findings.has(rule)) return;
    findings.set(rule, { rule, expected, got, window: windowOf(history, from, at) });
  };

  for (const [at, one] of history.entries()) {
    if (one.is === "asked") asked.push({ message: one, at });
    if (one.is === "acked" && one.ok) {
      const index = asked.findIndex(({ message }) => message.id === one.id);
      if (index >= 0) owed.set(index, 0);
    }
    if (one.is !== "shown") continue;

    if (before && behind(before.shown.revision, one.revision)) {
      const got = `revision ${one.revision} after ${before.shown.revision}`;
      find("no picture goes back to an older state", "revisions that only grow", got, before.at, at);
    }
    if (before && behind(before.shown.count, one.count)) {
      const got = `output ${one.count} after ${before.shown.count}`;
      find("pictures come in the order in which they were made", "counts that only grow", got, before.at, at);
    }
    const known = lookOf.get(one.revision);
    if (known && !isSame(known, one)) {
      const got = `${told(one)} and ${told(known)}, both as revision ${one.revision}`;
      find("pictures of one revision show one state", told(known), got, before?.at ?? at, at);
    }
    lookOf.set(one.revision, { prompt: one.prompt, image: one.image });

    const reachable = reach(candidates, asked, outcome);
    const matching = reachable.filter((candidate) => isSame(candidate, one));
    if (matching.length === 0) {
      const from = startOf(history, asked, candidates, before?.at ?? at);
      const { rule, expected } = explain(one, {
        candidates,
        reachable,
        asked,
        outcome,
        later: history.slice(at),
      });
      find(rule, expected, told(one), from, at);
      // It cannot tell what is in force any more, and goes on from what could be.
      before = { shown: one, at };
      continue;
    }
    candidates = matching;
    before = { shown: one, at };

    for (const [index, count] of owed) {
      if (candidates.some(({ dealtWith }) => dealtWith > index)) {
        candidates = candidates.filter(({ dealtWith }) => dealtWith > index);
        owed.delete(index);
      } else if (count >= lateMax) {
        const { message, at: from } = asked[index]!;
        const got = `${told(one)}, ${count + 1} pictures after its ack`;
        const expected = `${changeOf(message)} within ${lateMax} pictures of its ack`;
        find("a change takes effect soon after its ack", expected, got, from, at);
        owed.delete(index);
      } else {
        owed.set(index, count + 1);
      }
    }
  }
  return [...findings.values()];
}

/** Every state that the messages asked so far can lead to from here. */
function reach(
  from: readonly Candidate[],
  asked: readonly { message: Asked }[],
  outcome: ReadonlyMap<string, boolean>,
): Candidate[] {
  const found = new Map<string, Candidate>();
  const open = [...from];
  for (let one = open.pop(); one; one = open.pop()) {
    const key = `${one.dealtWith} ${one.prompt} ${one.image}`;
    if (found.has(key)) continue;
    found.set(key, one);
    const next = asked[one.dealtWith]?.message;
    if (!next) continue;
    const ok = outcome.get(next.id);
    if (ok !== false) open.push({ ...apply(one, next), dealtWith: one.dealtWith + 1 });
    if (ok !== true) open.push({ ...one, dealtWith: one.dealtWith + 1 });
  }
  return [...found.values()];
}

function apply(look: Look, { prompt = look.prompt, image = look.image }: Asked): Look {
  return { prompt, image };
}

/** Which promise a picture breaks that shows what nothing asked for can lead to. */
function explain(
  one: Shown,
  about: {
    candidates: readonly Candidate[];
    reachable: readonly Candidate[];
    asked: readonly { message: Asked }[];
    outcome: ReadonlyMap<string, boolean>;
    /** What happens afterwards. */
    later: readonly Happening[];
  },
): { rule: string; expected: string } {
  const { candidates, reachable, asked, outcome, later } = about;
  const expected = [...new Set(reachable.map(told))].join(", or ");
  const past = reach([{ dealtWith: 0, prompt: 0, image: 0 }], asked, outcome);
  const isPast = past.some((look) => isSame(look, one));
  if (isPast) return { rule: "no picture goes back to an older state", expected };
  const looks = [...past, ...candidates];
  const hasPrompt = looks.some(({ prompt }) => prompt === one.prompt);
  const hasImage = looks.some(({ image }) => image === one.image);
  const refused = asked.filter(({ message }) => outcome.get(message.id) === false);
  const isRefused = refused.some(
    ({ message }) =>
      past.some((look) => isSame(apply(look, message), one)) ||
      (!hasPrompt && message.prompt === one.prompt) ||
      (!hasImage && message.image === one.image),
  );
  if (isRefused) return { rule: "a change that was refused changes nothing", expected };
  if (hasPrompt && hasImage)
    return { rule: "no picture mixes one state's prompt with another's image", expected };
  const isEarly = later.some(
    (happening) =>
      happening.is === "asked" && (happening.prompt === one.prompt || happening.image === one.image),
  );
  return isEarly
    ? { rule: "nothing shows before it was asked for", expected }
    : { rule: "no picture shows what nobody asked for", expected };
}

/** Where the story of a bad picture begins: the first message that was not dealt with, or the picture before. */
function startOf(
  history: readonly Happening[],
  asked: readonly { at: number }[],
  candidates: readonly Candidate[],
  before: number,
): number {
  const dealtWith = Math.min(...candidates.map((candidate) => candidate.dealtWith));
  const open = asked[dealtWith] ?? asked.at(-1);
  return open && history[open.at] ? Math.min(open.at, before) : before;
}

/** The smallest part that shows it: equal pictures in a row are told once. */
function windowOf(history: readonly Happening[], from: number, at: number): string[] {
  const lines: { text: string; count: number }[] = [];
  for (const one of history.slice(from, at + 1)) {
    const text = tell(one);
    const last = lines.at(-1);
    if (last?.text === text) last.count++;
    else lines.push({ text, count: 1 });
  }
  return lines.map(({ text, count }) => (count > 1 ? `${text} (${count} pictures)` : text));
}

function tell(one: Happening): string {
  if (one.is === "asked") return `asked ${one.id}: ${changeOf(one)}`;
  if (one.is === "acked") return `acked ${one.id}: ${one.ok ? "yes" : "no"}`;
  return `shown revision ${one.revision}: ${told(one)}`;
}

function changeOf({ prompt, image }: Asked): string {
  const parts = [
    ...(prompt === undefined ? [] : [prompt === 0 ? "no prompt" : `prompt ${prompt}`]),
    ...(image === undefined ? [] : [image === 0 ? "no image" : `image ${image}`]),
  ];
  return parts.join(", ") || "nothing";
}

function told({ prompt, image }: Look): string {
  return `prompt ${prompt || "none"} with image ${image || "none"}`;
}

function isSame(one: Look, other: Look): boolean {
  return one.prompt === other.prompt && one.image === other.image;
}

/** Whether a 12-bit counter that stood at `before` stands further back now. */
function behind(before: number, now: number): boolean {
  return ((now - before) & 0xfff) >= 0x800;
}

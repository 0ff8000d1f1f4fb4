/** How judges say what is wrong: values compared, and a sentence for each that is not as it is owed. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { Finding } from "../reports/result.ts";
import type { Call } from "./recording.ts";

/** A finding where the two differ. */
export function same(rule: string, got: unknown, expected: unknown): Finding[] {
  return isDeepStrictEqual(got, expected) ? [] : [{ rule, expected: shown(expected), got: shown(got) }];
}

/** A finding where it does not hold. */
export function holds(rule: string, isSo: boolean, expected: string, got: unknown): Finding[] {
  return isSo ? [] : [{ rule, expected, got: typeof got === "string" ? got : shown(got) }];
}

/** A finding where the call did not resolve. */
export function resolves(rule: string, call: Call | undefined): Finding[] {
  return holds(rule, call?.ended?.ok === true, "it resolves", endOf(call));
}

/** A finding where the call did not reject with words that match. */
export function rejects(rule: string, call: Call | undefined, words: RegExp = /./): Finding[] {
  const { ended } = call ?? {};
  const isSo = ended?.ok === false && words.test(ended.error);
  return holds(rule, isSo, `it rejects${String(words) === "/./" ? "" : `, saying ${words}`}`, endOf(call));
}

/** How a call ended, in words. */
export function endOf(call: Call | undefined): string {
  if (!call) return "it was not called";
  if (!call.ended) return "it has not ended";
  return call.ended.ok ? "it resolved" : `it rejected: ${call.ended.error}`;
}

const shownMax = 400;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

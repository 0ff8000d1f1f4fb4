/** How a session is told from others at a glance: a shape, a colour and the first characters of its id, the same in each panel. */
import { build } from "../_build.ts";

const shapes = ["●", "▲", "■", "◆", "★", "▼", "✚", "◗"] as const;
const shortLength = 6;

export type Marks = {
  /** A new element with the session's mark; `null`: the server itself. */
  of(session: string | null): HTMLElement;
};

/** Sessions get their shapes in the order in which they are first asked for. */
export function createMarks(): Marks {
  const numbers = new Map<string, number>();
  return {
    of(session) {
      if (session === null) return build("span", { class: "mark" }, "server");
      if (!numbers.has(session)) numbers.set(session, numbers.size);
      const number = numbers.get(session)! % shapes.length;
      return build(
        "span",
        { class: "mark", title: session },
        build("span", { class: `shape shape-${number}`, "aria-hidden": "true" }, shapes[number]!),
        shortOf(session),
      );
    },
  };
}

export function shortOf(session: string): string {
  return session.slice(0, shortLength);
}

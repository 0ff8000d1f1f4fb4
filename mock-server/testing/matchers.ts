/**
 * What tests expect of their clients, as the server saw it. Each waits for lines of the journal, never for time alone, and says what was
 * expected, what was got and what happened. Knows no test runner: both have the same shape for matchers.
 */

import { createHash } from "node:crypto";
import { imageHash, NO_HASH, promptHash } from "../../fixtures/hashes.ts";
import { CLIENT_MESSAGES, type ClientMessageType, nearest } from "../../protocol/index.ts";
import type { JournalLine } from "../journal.ts";
import { matches } from "../journal-match.ts";
import type { Session } from "../session.ts";
import { lucyOf, type OpenLucy, withinMsDefault } from "./lucy.ts";

export type Within = {
  /** How long it may take. 5000 unless said otherwise; in Playwright, what `expect` is configured with. */
  readonly withinMs?: number;
};

/** A reference image as an SDK sends it: its bytes, or them in base64, as a data URL too. */
export type ImageGiven = Uint8Array | string;

/**
 * With `.not`: those that begin with `toShow`, and `toHaveRevision`, wait until it is not so; the others look at what has come so far. With
 * no session, or no picture, there is nothing to be right or wrong about, and they fail either way.
 */
export type LucyMatchers = {
  /** The newest picture shows this prompt; `null`: none. Of `lucy` (its newest session), or of one of its sessions. */
  toShowPrompt(prompt: string | null, options?: Within): Promise<void>;
  /** The newest picture shows this reference image; `null`: none. */
  toShowImage(image: ImageGiven | null, options?: Within): Promise<void>;
  /** The session's state is the one of this number. It begins with 0, and each message in force counts one. */
  toHaveRevision(revision: number, options?: Within): Promise<void>;
  /**
   * Media flows again after it was lost, so many times: in a session that goes on, or in another after it. Of `lucy` alone. An SDK may call
   * itself connected without: 0.1.x stops the app's camera on its way into another session.
   */
  toHaveReconnected(times?: number, options?: Within): Promise<void>;
  /** A message of this type came, with these fields at least: objects in it may have more, lists may not. */
  toHaveReceived(
    type: ClientMessageType,
    fields?: Readonly<Record<string, unknown>>,
    options?: Within,
  ): Promise<void>;
  /** A message with this prompt came: a state, or a join that begins with one. */
  toHaveReceivedPrompt(prompt: string | null, options?: Within): Promise<void>;
  /** A message with this reference image came. */
  toHaveReceivedImage(image: ImageGiven, options?: Within): Promise<void>;
};

/** What vitest and Playwright both say of a matcher's call. `timeout`: Playwright's, of the `expect` in use. */
export type MatcherContext = { readonly isNot: boolean; readonly timeout?: number };
export type Verdict = { readonly pass: boolean; readonly message: () => string };

/** `undefined`: nothing is there yet to be judged. */
type Look = { holds: boolean | undefined; got: string };

export const lucyMatchers = {
  toShowPrompt(this: MatcherContext, subject: unknown, prompt: string | null, options: Within = {}) {
    checkText("toShowPrompt", "prompt", prompt);
    return judge(this, "toShowPrompt", subject, options, {
      expected: `pictures that show ${promptNamed(prompt)}`,
      look: (lucy) => lookAtPicture(lucy, subject, ({ promptHash }) => promptHash === promptHashOf(prompt)),
    });
  },
  toShowImage(this: MatcherContext, subject: unknown, image: ImageGiven | null, options: Within = {}) {
    const hash = imageHashOf("toShowImage", image);
    return judge(this, "toShowImage", subject, options, {
      expected: `pictures that show ${imageNamed(hash)}`,
      look: (lucy) => lookAtPicture(lucy, subject, ({ imageHash }) => imageHash === hash),
    });
  },
  toHaveRevision(this: MatcherContext, subject: unknown, revision: number, options: Within = {}) {
    checkCount("toHaveRevision", "revision", revision, 0);
    return judge(this, "toHaveRevision", subject, options, {
      expected: `revision ${revision}`,
      look(lucy) {
        const session = sessionOf(lucy, subject);
        if (!session) return noSession;
        const { revision: now, prompt } = session.state;
        return {
          holds: now === revision,
          got: `revision ${now}, with ${promptNamed(prompt)}`,
          isFinal: now > revision,
        };
      },
    });
  },
  toHaveReconnected(this: MatcherContext, subject: unknown, times = 1, options: Within = {}) {
    checkCount("toHaveReconnected", "times", times, 1);
    if (lucyOf(subject) !== subject) throw new TypeError(wrongSubject("toHaveReconnected", subject, "lucy"));
    return judge(this, "toHaveReconnected", subject, options, {
      expected: `media back after it was lost, ${timesNamed(times)}`,
      isEvent: true,
      look(lucy) {
        if (lucy.sessions.length === 0) return noSession;
        const { lost, back } = ruptures(lucy);
        const sessions = `${lucy.sessions.length} ${lucy.sessions.length === 1 ? "session" : "sessions"}`;
        return {
          holds: back >= times,
          got: `${sessions}, media lost ${timesNamed(lost)}, and back ${timesNamed(back)}`,
        };
      },
    });
  },
  toHaveReceived(
    this: MatcherContext,
    subject: unknown,
    type: ClientMessageType,
    fields: Readonly<Record<string, unknown>> = {},
    options: Within = {},
  ) {
    checkType(type);
    const wanted = { kind: type, direction: "to-server", fields } as const;
    const what = Object.keys(fields).length === 0 ? "" : ` with ${JSON.stringify(fields)}`;
    return judge(
      this,
      "toHaveReceived",
      subject,
      options,
      received(subject, `a message of type ${type}${what}`, (line) => matches(line, wanted)),
    );
  },
  toHaveReceivedPrompt(this: MatcherContext, subject: unknown, prompt: string | null, options: Within = {}) {
    checkText("toHaveReceivedPrompt", "prompt", prompt);
    return judge(
      this,
      "toHaveReceivedPrompt",
      subject,
      options,
      received(subject, `a message with ${promptNamed(prompt)}`, (line) => stateOf(line).prompt === prompt),
    );
  },
  toHaveReceivedImage(this: MatcherContext, subject: unknown, image: ImageGiven, options: Within = {}) {
    imageHashOf("toHaveReceivedImage", image);
    const base64 = typeof image === "string" ? image : Buffer.from(image).toString("base64");
    // As the journal keeps what is large.
    const sha256 = createHash("sha256").update(bare(base64)).digest("hex").slice(0, 16);
    const isIt = (line: JournalLine) =>
      (stateOf(line).image_data as { sha256?: string } | null)?.sha256 === sha256;
    return judge(
      this,
      "toHaveReceivedImage",
      subject,
      options,
      received(subject, `a message with an image whose base64 has SHA-256 ${sha256}…`, isIt),
    );
  },
};

export type Judged = {
  readonly expected: string;
  /** Of what has come so far; `isFinal`: it will not be so any more. */
  look(lucy: OpenLucy): Look & { isFinal?: boolean };
  /** What has come stays: with `.not` there is nothing to wait for. */
  readonly isEvent?: boolean;
};

async function judge(
  { isNot, timeout }: MatcherContext,
  name: keyof LucyMatchers,
  subject: unknown,
  { withinMs = timeout || withinMsDefault }: Within,
  { expected, look, isEvent = false }: Judged,
): Promise<Verdict> {
  const lucy = lucyOf(subject);
  if (!lucy) throw new TypeError(wrongSubject(name, subject, "lucy, or one of its sessions"));
  const wanted = !isNot;
  const waitsForNothing = isEvent && isNot;
  // What was seen then counts: by now it may be otherwise.
  const settled = await lucy.until(() => {
    const seen = look(lucy);
    return seen.holds === wanted || seen.isFinal || waitsForNothing ? seen : undefined;
  }, withinMs);
  const { holds, got } = settled ?? look(lucy);
  return {
    pass: holds ?? isNot,
    message: () =>
      failure(name, { isNot, expected, got, waitedMs: settled ? null : withinMs, rest: lucy.tell() }),
  };
}

/** The text of every failure, of those about pages, too. */
export function failure(
  name: string,
  about: {
    isNot: boolean;
    expected: string;
    got: string;
    waitedMs: number | null;
    rest: string;
    subject?: string;
  },
): string {
  const { isNot, expected, got, waitedMs, rest, subject = "lucy" } = about;
  return [
    `expect(${subject})${isNot ? ".not" : ""}.${name}()`,
    "",
    `Expected: ${isNot ? "anything but " : ""}${expected}`,
    `Got:      ${got}`,
    ...(waitedMs === null ? [] : [`Waited:   ${waitedMs} ms`]),
    ...(rest === "" ? [] : ["", rest]),
  ].join("\n");
}

const noSession: Look = { holds: undefined, got: "no session: no client has come with this test's key" };

function sessionOf(lucy: OpenLucy, subject: unknown): Session | undefined {
  return (subject === lucy ? lucy.sessions.at(-1) : subject) as Session | undefined;
}

function lookAtPicture(
  lucy: OpenLucy,
  subject: unknown,
  shows: (picture: { promptHash: number; imageHash: number }) => boolean,
): Look {
  const session = sessionOf(lucy, subject);
  if (!session) return noSession;
  const { mode } = lucy.server.options;
  if (mode !== "transcode") {
    return {
      holds: undefined,
      got: `no edited pictures, as the server runs in mode ${mode}: they take mode transcode`,
    };
  }
  const picture = lucy.pictureOf(session);
  if (!picture)
    return {
      holds: undefined,
      got: `no picture of session ${session.id.slice(0, 8)}, which is ${session.phase}`,
    };
  const { number, revision, promptHash, imageHash } = picture;
  const prompts = lucy.lines
    .filter(({ kind, session: id }) => kind === "state" && id === session.id)
    .map(({ fields }) => fields.prompt as string | null);
  return {
    holds: shows(picture),
    got: `picture ${number}, of revision ${revision}, shows ${promptOfHash(promptHash, prompts)} and ${imageNamed(imageHash)}`,
  };
}

function received(subject: unknown, what: string, isIt: (line: JournalLine) => boolean): Judged {
  return {
    expected: what,
    isEvent: true,
    look(lucy) {
      if (lucy.sessions.length === 0 && !lucy.lines.some(isIt)) return noSession;
      const came = lucy.lines.filter(
        ({ direction, session }) =>
          direction === "to-server" && (subject === lucy || session === (subject as Session).id),
      );
      const kinds = Map.groupBy(came, ({ kind }) => kind);
      const counts = [...kinds].map(([kind, { length }]) => (length === 1 ? kind : `${length} × ${kind}`));
      const found = came.find(isIt);
      return {
        holds: found !== undefined,
        got: found
          ? `one: ${JSON.stringify(found.fields)}`
          : counts.length === 0
            ? "nothing"
            : `none among ${counts.join(", ")}`,
      };
    },
  };
}

/** What a message says of the state: itself, or the state in a join. */
function stateOf({ direction, fields }: JournalLine): Readonly<Record<string, unknown>> {
  if (direction !== "to-server") return {};
  const initial = fields.initial_state;
  return typeof initial === "object" && initial !== null ? (initial as Record<string, unknown>) : fields;
}

/** How often media was lost, and how often it flowed again afterwards; without media, sessions are counted. */
function ruptures({ lines, server }: OpenLucy): { lost: number; back: number } {
  const flows =
    server.options.mode === "none" ? ["joined", "connected", "generating"] : ["connected", "generating"];
  let lost = 0;
  let back = 0;
  for (const { kind, fields } of lines) {
    if (kind === "resumed") {
      lost++;
      back++;
    }
    if (kind !== "phase") continue;
    const [did, does] = [flows.includes(String(fields.from)), flows.includes(String(fields.to))];
    if (did && !does) lost++;
    if (!did && does && back < lost) back++;
  }
  return { lost, back };
}

export function promptHashOf(prompt: string | null): number {
  return prompt === null ? NO_HASH : promptHash(prompt);
}

/** @throws TypeError for what is no image */
export function imageHashOf(name: string, image: ImageGiven | null): number {
  if (image === null) return NO_HASH;
  if (image instanceof Uint8Array) return imageHash(image);
  if (typeof image === "string" && /^[A-Za-z0-9+/]+=*$/.test(bare(image)))
    return imageHash(Buffer.from(bare(image), "base64"));
  throw new TypeError(
    `${name}() takes an image as bytes, base64 or a data URL${name === "toShowImage" ? ", or null for none" : ""}; got ${shown(image)}. Read a file with readFileSync().`,
  );
}

/** Without what a data URL begins with. */
function bare(base64: string): string {
  return base64.replace(/^data:[^,]*,/, "");
}

export function promptNamed(prompt: string | null): string {
  return prompt === null ? "no prompt" : `the prompt ${JSON.stringify(prompt)}`;
}

export function imageNamed(hash: number): string {
  return hash === NO_HASH ? "no image" : `the image ${hash.toString(16).padStart(4, "0")}`;
}

/** The prompt of this hash among those that there were. */
export function promptOfHash(hash: number, prompts: readonly (string | null)[]): string {
  const known = prompts.find((prompt) => promptHashOf(prompt) === hash);
  if (known !== undefined) return promptNamed(known);
  return hash === NO_HASH ? promptNamed(null) : `a prompt of hash ${hash.toString(16).padStart(4, "0")}`;
}

export function checkText(name: string, what: string, text: unknown): void {
  if (text === null || typeof text === "string") return;
  throw new TypeError(`${name}() takes a ${what} as a text, or null for none; got ${shown(text)}.`);
}

export function checkCount(name: string, what: string, count: unknown, min: number): void {
  if (Number.isInteger(count) && (count as number) >= min) return;
  throw new RangeError(`${name}() takes a whole number from ${min} on as its ${what}; got ${shown(count)}.`);
}

function checkType(type: string): void {
  const known = Object.keys(CLIENT_MESSAGES);
  if (known.includes(type)) return;
  const meant = nearest(String(type), known);
  throw new RangeError(
    `toHaveReceived() is asked for ${shown(type)}, which no client sends.${meant === null ? "" : ` Did you mean ${meant}?`} There are ${known.join(", ")}.`,
  );
}

function wrongSubject(name: string, subject: unknown, takes: string): string {
  return `${name}() is about ${takes}; got ${shown(subject)}. Write expect(lucy), with the lucy of the test's own fixtures.`;
}

function timesNamed(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return `a ${value.constructor?.name ?? "object"}`;
  return typeof value === "string"
    ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
    : String(value);
}

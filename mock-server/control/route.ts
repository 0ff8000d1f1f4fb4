/** One row of the control API's table: what is mounted, what is said of it in the OpenAPI document, and what it does. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";

export type Method = "get" | "post" | "put" | "delete";

export type Call = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Readonly<Record<string, string>>;
  /** As `query` and `body` of the route read them. */
  readonly query: never;
  readonly body: never;
  /** Whether nothing but what anybody may know is to be told. */
  readonly isProbe: boolean;
};

export type Answer = {
  readonly about: string;
  /** JSON unless it says otherwise; none: no content. */
  readonly type?: string;
  readonly schema?: z.ZodType;
};

export type Route = {
  readonly method: Method;
  /** As OpenAPI writes it: `/_lucy/sessions/{id}`. */
  readonly path: string;
  readonly does: string;
  /** What is in the path, by name. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  /** It reads the query itself, and `query` only tells of it. */
  readonly readsQuery?: boolean;
  readonly body?: z.ZodType;
  /** What the body declares is checked where it is declared, and `body` only tells of it. */
  readonly readsBody?: boolean;
  /** By status: those that are no refusals, or have a meaning of their own. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Answers without a token as well: for whoever only wants to know whether the server lives. */
  readonly isProbe?: boolean;
  /** Takes the token from the query, too. */
  readonly takesQueryToken?: boolean;
  /** Whether it writes its own line into the journal; one is written for any other that changes something. */
  readonly isJournaled?: boolean;
  /** What is answered as JSON; `undefined`: it has answered itself, or there is nothing to say (204). @throws Refused */
  handle(call: Call): unknown;
};

/** What a route answers with a sentence. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

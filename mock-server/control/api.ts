/**
 * The control API under `/_lucy/`: a table of routes, and what holds for all of them (who may ask, what a body is, how a refusal looks).
 * What others own (faults, scenarios, the clock's settling) is handed in.
 */
import express, { type NextFunction, type Request, type Response } from "express";
import { z } from "zod";
import { type AdvanceAbout, type Clock, ClockStopped } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import { FaultError } from "../faults/declare.ts";
import type { Fault } from "../faults/fault.ts";
import { type JournalLine, redact, redactText } from "../journal.ts";
import { createFilter } from "../journal-match.ts";
import type { MockServer } from "../server.ts";
import { catalogueSchema, describeCatalogue } from "./catalogue.ts";
import { describeSession } from "./describe-session.ts";
import type { Refuse } from "./files.ts";
import { guard, type Refusal } from "./guard.ts";
import { createJournalFeed, readersMax } from "./journal-feed.ts";
import { journalParameters, readJournalQuery } from "./journal-query.ts";
import type { Metrics } from "./metrics.ts";
import { openApiDocument } from "./openapi.ts";
import { type Call, Refused, type Route } from "./route.ts";

export type ControlledFault = {
  readonly id: string;
  readonly session: string | null;
  readonly declaration: unknown;
  readonly fired: number;
  readonly healed: boolean;
};

export type ControlledFaults = {
  /** One declaration or a list. @throws FaultError with a sentence */
  add(declarations: unknown, options?: { session?: string }): { id: string }[];
  list(): readonly ControlledFault[];
  /** Whether there was one. */
  heal(id: string): boolean;
  healAll(): number;
  /** Whoever comes is counted from the first again. */
  forgetKeys(): void;
};

export type ControlledScenarios = {
  list(): Record<string, unknown>;
  /** @throws FaultError with a sentence */
  put(name: string, scenario: unknown): void;
  remove(name: string): boolean;
  /** Those that the server began with, and no others. */
  restore(): void;
};

export type ControlledClock = {
  readonly mode: "real" | "manual";
  nowMs(): number;
  date(): Date;
  /** @throws RangeError, ClockStopped */
  advance(ms: number, about?: AdvanceAbout): Promise<void>;
};

export type ControlParts = {
  readonly clock: ControlledClock;
  /** The machine's: how long the server has been up, and how long a reset waits. */
  readonly machineClock: Clock;
  /** Heartbeats of the journal's readers. Not the server's own: who only looks on leaves its count of timers as it is. */
  readonly readersClock: Clock;
  readonly faults: ControlledFaults;
  readonly scenarios: ControlledScenarios;
  /** Everything that can be declared. */
  readonly faultKinds: readonly Fault[];
  readonly normalJournal: (lines: readonly JournalLine[], session: string) => string[];
  readonly journalHash: (lines: readonly JournalLine[], session: string) => string;
};

export const bodyBytesMax = 1024 * 1024;
/** Refusals of the guard that have a line each. Those to come are as many as the pages that are open here like. */
export const guardLinesMax = 20;
/** Faults declared at once, for the document: `declare.ts` counts them. */
const declaredMax = 64;
/** How long a reset waits for clients to take their leave. Those on this machine need some milliseconds. */
const emptyMsMax = 1000;

export function createApi(
  server: MockServer,
  context: ServerContext,
  parts: ControlParts,
  refuse: Refuse,
): express.Router {
  const routes: Route[] = apiRoutes(server, context, parts);
  const document = openApiDocument(routes);
  routes.push({
    ...documentRow,
    handle: () => document,
  });
  // With itself in it.
  Object.assign(document, openApiDocument(routes));
  return mount(routes, server, context, refuse);
}

/** The table. Exported for the test that holds every answer against it. */
export function apiRoutes(server: MockServer, context: ServerContext, parts: ControlParts): Route[] {
  const { journal } = context;
  const { clock, faults, scenarios, faultKinds, normalJournal, journalHash } = parts;
  const feed = createJournalFeed(journal, parts.readersClock);
  let metrics: Promise<Metrics> | undefined;
  /** By which each request that advances the clock can be stopped. */
  const advances = new Set<AbortController>();

  const clockNow = () => ({ mode: clock.mode, nowMs: clock.nowMs(), date: clock.date().toISOString() });

  const routes: Route[] = [
    {
      method: "get",
      path: "/_lucy/health",
      does: "How the server is. Without a token where one is needed: that it is.",
      answers: { 200: { about: "It is up.", schema: schemas.health } },
      isProbe: true,
      handle: ({ isProbe }) => (isProbe ? { status: "ok" } : health()),
    },
    {
      method: "get",
      path: "/_lucy/ready",
      does: "Whether it takes clients.",
      answers: {
        200: { about: "It does.", schema: schemas.ready },
        503: { about: "It is closing.", schema: schemas.refusal },
      },
      isProbe: true,
      handle() {
        if (server.isClosing) {
          throw new Refused(503, "The server is closing and takes no more clients. Start it again.");
        }
        return { status: "ready" };
      },
    },
    {
      method: "get",
      path: "/_lucy/options",
      does: "The options in force, without secrets.",
      answers: { 200: { about: "By name, as startMockServer() takes them.", schema: schemas.anything } },
      handle: () => redact(server.options),
    },
    {
      method: "get",
      path: "/_lucy/sessions",
      does: "Sessions that run, oldest first.",
      answers: { 200: { about: "Each as it is now.", schema: z.array(schemas.session) } },
      handle: () => server.sessions.map(describeSession),
    },
    {
      method: "get",
      path: "/_lucy/sessions/{id}",
      does: "One session.",
      params: { id: "The id that the client was told (session_id)." },
      answers: { 200: { about: "As it is now.", schema: schemas.session } },
      handle: ({ params }) => describeSession(findSession(params.id!)),
    },
    {
      method: "delete",
      path: "/_lucy/sessions/{id}",
      does: "Ends a session as the service does: generation_ended with the reason disconnect, then close 1000.",
      params: { id: "The id that the client was told (session_id)." },
      answers: { 204: { about: "It is over." } },
      handle({ params }) {
        findSession(params.id!).end("disconnect", null);
      },
    },
    {
      method: "get",
      path: "/_lucy/journal",
      does: `The journal as JSON Lines, oldest first; live, as server-sent events whose id is seq. Resume with Last-Event-ID. At most ${readersMax} readers at once.`,
      query: journalParameters,
      readsQuery: true,
      answers: {
        200: {
          about: "A line each. The header lucy-journal-forgotten counts those that had to go.",
          type: "application/jsonl, text/event-stream",
          schema: schemas.line,
        },
      },
      takesQueryToken: true,
      handle: ({ request, response }) => readJournal(request, response),
    },
    {
      method: "get",
      path: "/_lucy/journal/hash",
      does: "The hash of a session's lines that its client, the scenario and the clock caused: the same with the same seed.",
      query: ranHere,
      answers: {
        200: { about: "Its hash.", schema: z.object({ session: z.string(), hash: z.string() }) },
      },
      handle({ query }) {
        const session = sessionWithLines(query);
        return { session, hash: journalHash(journal.lines, session) };
      },
    },
    {
      method: "get",
      path: "/_lucy/journal/normal",
      does: "What that hash is of, one text a line: where two runs differ, these lines say in what.",
      query: ranHere,
      answers: { 200: { about: "The lines, lane by lane.", type: "text/plain" } },
      handle({ query, response }) {
        const lines = normalJournal(journal.lines, sessionWithLines(query));
        response.setHeader("content-type", "text/plain; charset=utf-8");
        response.end(lines.map((line) => `${line}\n`).join(""));
      },
    },
    {
      method: "get",
      path: "/_lucy/clock",
      does: "What time it is on the server's clock.",
      answers: { 200: { about: "Milliseconds since it started, and the date.", schema: schemas.clock } },
      handle: clockNow,
    },
    {
      method: "post",
      path: "/_lucy/clock/advance",
      does: "Lets time pass on a manual clock; answers when what was due has happened. It stops where it is when whoever asked goes away, and at a reset.",
      body: z.strictObject(
        {
          ms: z
            .number({ error: "It takes a number of milliseconds, 0 or more, without quotes." })
            .min(0, { error: "It takes milliseconds, 0 or more: time does not run backwards." })
            .describe("Milliseconds."),
        },
        { error: objectError('{"ms": 1000}') },
      ),
      answers: {
        200: { about: "What time it is now.", schema: schemas.clock },
        409: { about: "The clock is real, or was stopped by a reset.", schema: schemas.refusal },
      },
      async handle({ body, response }) {
        if (clock.mode === "real") {
          throw new Refused(
            409,
            "The server runs on the real clock, which nobody advances. Start it on a manual one: --clock manual.",
          );
        }
        const stop = new AbortController();
        const leave = () => stop.abort("whoever asked has gone");
        response.once("close", leave);
        advances.add(stop);
        try {
          await clock.advance((body as { ms: number }).ms, { signal: stop.signal });
        } catch (error) {
          if (error instanceof ClockStopped) throw new Refused(409, error.message);
          throw error instanceof RangeError ? new Refused(422, error.message) : error;
        } finally {
          advances.delete(stop);
          response.off("close", leave);
        }
        return clockNow();
      },
    },
    ...faultRoutes(),
    {
      method: "get",
      path: "/_lucy/catalogue",
      does: "Every fault there is, with its settings as JSON Schema, and every moment.",
      answers: { 200: { about: "The same as long as the server runs.", schema: catalogueSchema } },
      handle: () => describeCatalogue(faultKinds),
    },
    ...scenarioRoutes(),
    {
      method: "post",
      path: "/_lucy/reset",
      does: "Gives the next test a clean server: ends sessions, heals faults, forgets uploaded files, tokens and how often each key was there; stops a clock that is being advanced. Scenarios are those of the scenario file again: what was put over HTTP goes, what was replaced or removed comes back. Faults of the scenario file, options, dice and the time stay. So does the journal, which is only ever added to: read it from `after` on.",
      answers: {
        200: { about: "How many of each there were, and the journal's last line.", schema: schemas.reset },
      },
      isJournaled: true,
      handle: reset,
    },
    {
      method: "get",
      path: "/_lucy/metrics",
      does: "Figures for Prometheus.",
      answers: { 200: { about: "In its text format.", type: "text/plain" } },
      async handle({ response }) {
        // Loaded with the first look.
        metrics ??= import("./metrics.ts").then(({ createMetrics }) =>
          createMetrics(server, context.tally, parts.machineClock),
        );
        const { contentType, read } = await metrics;
        const text = await read();
        response.setHeader("content-type", contentType);
        response.end(text);
      },
    },
  ];
  return routes;

  function health() {
    const { user, system } = process.cpuUsage();
    const main = process.threadCpuUsage?.();
    return {
      status: "ok",
      uptimeMs: Math.round(parts.machineClock.now()),
      // Without the secret of its rooms.
      options: redact(server.options),
      limits: server.limits,
      open: server.open,
      process: {
        cpuMs: (user + system) / 1000,
        mainThreadCpuMs: main ? (main.user + main.system) / 1000 : null,
        rssBytes: process.memoryUsage.rss(),
      },
    };
  }

  function findSession(id: string) {
    const session = context.sessions.get(id);
    if (session) return session;
    throw new Refused(404, `No session ${shown(id)} runs here. GET /_lucy/sessions lists those that do.`);
  }

  function sessionWithLines(query: unknown): string {
    const { session } = query as z.infer<typeof ranHere>;
    if (journal.lines.some((line) => line.session === session)) return session;
    throw new Refused(
      404,
      `The journal has no line of a session ${session}${journal.forgottenCount > 0 ? `, or no longer: its first ${journal.forgottenCount} lines are forgotten` : ""}. GET /_lucy/sessions lists the sessions that run, and GET /_lucy/journal?kind=session-ended those that ran here.`,
    );
  }

  function readJournal(request: Call["request"], response: Call["response"]): void {
    const query = readJournalQuery(new URL(request.url ?? "/", "http://localhost").searchParams);
    if ("error" in query) throw new Refused(422, query.error);
    const { afterSeq, limit, ...lines } = query.filter;
    const wantsEvents = query.isLive || /\btext\/event-stream\b/.test(request.headers.accept ?? "");
    // Whoever asks for the head alone gets no end with it otherwise.
    const isLive = wantsEvents && request.method !== "HEAD";
    const resumed = request.headers["last-event-id"];
    if (isLive && limit !== undefined && afterSeq !== undefined) {
      throw new Refused(
        422,
        'A live stream takes "after" or "limit", not both: between the first lines and the new ones some would be left out.',
      );
    }
    if (isLive && resumed !== undefined && !/^\d{1,15}$/.test(String(resumed))) {
      throw new Refused(
        422,
        `Last-Event-ID is "${shown(String(resumed))}". It takes the id of the last event that came, a whole number.`,
      );
    }
    const after = isLive && resumed !== undefined ? Number(resumed) : (afterSeq ?? null);
    const about = { matches: createFilter(lines), after, limit: limit ?? null, isLive };
    if (feed.answer(response, about)) return;
    throw new Refused(
      503,
      `${readersMax} readers have the journal open, which is as many as may be. Close one, or ask again when one is done.`,
    );
  }

  async function reset() {
    for (const stop of advances) stop.abort("the server was reset");
    const sessions = server.sessions;
    for (const session of sessions) session.end("disconnect", null);
    await emptied();
    const counts = {
      sessions: sessions.length,
      faults: faults.healAll(),
      files: context.files.clear(),
      tokens: context.tokens.clear(),
    };
    faults.forgetKeys();
    scenarios.restore();
    journal.add({ kind: "reset", fields: counts });
    return { ...counts, after: journal.lines.at(-1)!.seq };
  }

  /**
   * Resolves once sockets and peers are gone. A client that does not answer a close in its time is dropped, and so is one whose close a
   * fault holds back: neither holds anybody up.
   */
  async function emptied(): Promise<void> {
    // Whoever closed it first has put a failure into the journal.
    await Promise.allSettled([...context.peers].map((close) => close()));
    await new Promise<void>((resolve) => {
      const done = () => {
        stop();
        deadline.cancel();
        resolve();
      };
      let deadline = parts.machineClock.after(emptyMsMax, () => {
        context.dropSockets();
        deadline = parts.machineClock.after(emptyMsMax, done);
        look();
      });
      // A turn later: the socket that a line tells of is still counted when it is written.
      const look = () => setImmediate(() => server.open.sockets === 0 && server.open.peers === 0 && done());
      const stop = journal.follow(look);
      look();
    });
  }

  function faultRoutes(): Route[] {
    const noFault = (id: string) =>
      new Refused(404, `There is no fault ${shown(id)}. GET /_lucy/faults lists those that were declared.`);
    return [
      {
        method: "get",
        path: "/_lucy/faults",
        does: "Faults that were declared for the server or a session, with how often each has fired.",
        answers: { 200: { about: "In the order they were declared.", schema: z.array(schemas.fault) } },
        handle: () => faults.list(),
      },
      {
        method: "post",
        path: "/_lucy/faults",
        does: "Declares a fault, or a list of them, all or none; a name alone is a fault, too. GET /_lucy/catalogue has what there is.",
        query: z.strictObject({
          session: z
            .string()
            .regex(/^[\w-]{1,64}$/, {
              error: "It takes a session's id: GET /_lucy/sessions lists those that run.",
            })
            .describe("The session they are for; without it all, those to come too.")
            .optional(),
        }),
        body: z.union([
          schemas.declaration,
          schemas.declarations.min(1),
          z.strictObject({ faults: schemas.declarations.min(1) }),
        ]),
        readsBody: true,
        answers: { 201: { about: "Their ids.", schema: z.array(z.looseObject({ id: z.string() })) } },
        handle({ query, body }) {
          const { session } = query as { session?: string };
          const given = declarationsOf(body);
          const example = '"missing-ack", or {"name": "drop", "channel": "control"}, or a list of such,';
          if (given === undefined) throw new Refused(422, `The body is missing. Send ${example} as JSON.`);
          if (Array.isArray(given) && given.length === 0) {
            throw new Refused(
              422,
              `The list of faults is empty, so there is nothing to declare. Send ${example} as JSON; DELETE /_lucy/faults heals what was declared.`,
            );
          }
          const added = told(() => faults.add(given, session === undefined ? {} : { session }));
          return added.map(({ id }) => ({ id }));
        },
      },
      {
        method: "delete",
        path: "/_lucy/faults",
        does: "Heals all faults that were declared.",
        answers: { 200: { about: "How many.", schema: z.object({ healed: z.number() }) } },
        handle: () => ({ healed: faults.healAll() }),
      },
      {
        method: "delete",
        path: "/_lucy/faults/{id}",
        does: "Heals one fault: it gives out what it holds, and spoils nothing any more.",
        params: { id: "As it was told when it was declared." },
        answers: { 204: { about: "It is healed." } },
        handle({ params }) {
          if (!faults.heal(params.id!)) throw noFault(params.id!);
        },
      },
    ];
  }

  function scenarioRoutes(): Route[] {
    const params = { name: "In lower case with hyphens; a key names it: mock:<name>." };
    return [
      {
        method: "get",
        path: "/_lucy/scenarios",
        does: "Scenarios by name.",
        answers: { 200: { about: "As they were given.", schema: schemas.anything } },
        handle: () => scenarios.list(),
      },
      {
        method: "put",
        path: "/_lucy/scenarios/{name}",
        does: "Adds a scenario, or replaces it for connections to come; until a reset.",
        params,
        body: z.union([
          z.strictObject({
            about: z.string().max(500).nullable().optional(),
            faults: z.union([schemas.declaration, schemas.declarations]),
          }),
          schemas.declarations,
          z.string().describe("A fault's name."),
        ]),
        readsBody: true,
        answers: { 204: { about: "It is there." } },
        handle({ params, body }) {
          if (body === undefined) {
            throw new Refused(
              422,
              'The body is missing. Send {"about": "…", "faults": ["missing-ack"]}, or faults alone, as JSON.',
            );
          }
          told(() => scenarios.put(params.name!, body));
        },
      },
      {
        method: "delete",
        path: "/_lucy/scenarios/{name}",
        does: "Removes a scenario, until a reset if it is of the scenario file; connections that have it keep it.",
        params,
        answers: { 204: { about: "It is gone." } },
        handle({ params }) {
          if (scenarios.remove(params.name!)) return;
          throw new Refused(
            404,
            `There is no scenario ${shown(params.name!)}. GET /_lucy/scenarios lists those there are.`,
          );
        },
      },
    ];
  }
}

/** As keys and files have it, a list may stand under its name. */
function declarationsOf(body: unknown): unknown {
  const isNamed =
    typeof body === "object" &&
    body !== null &&
    Object.hasOwn(body, "faults") &&
    Object.keys(body).length === 1;
  return isNamed ? (body as { faults: unknown }).faults : body;
}

/** What whoever checks a declaration refuses it with is a sentence for whoever sent it; anything else is a defect of ours. */
function told<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw error instanceof FaultError ? new Refused(422, error.message) : error;
  }
}

const ranHere = z.strictObject({
  session: z
    .string({ error: "The query has no session. Add ?session= and the id of one that ran here." })
    .regex(/^[\w-]{1,64}$/, {
      error: "It takes a session's id: GET /_lucy/sessions lists those that run.",
    })
    .describe("The session, also one that is over."),
});

const documentRow = {
  method: "get",
  path: "/_lucy/openapi.json",
  does: "This document.",
  answers: { 200: { about: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) } },
} as const;

function mount(
  routes: readonly Route[],
  { controlToken }: MockServer,
  { journal }: ServerContext,
  refuse: Refuse,
): express.Router {
  const router = express.Router();
  let guardedCount = 0;
  // A list of one is an object's matter; what is no object is the schema's to refuse, with a sentence.
  const readBody = express.json({ limit: bodyBytesMax, strict: false });
  for (const path of new Set(routes.map((row) => row.path))) {
    const rows = routes.filter((row) => row.path === path);
    const place = router.route(path.replace(/\{(\w+)\}/g, ":$1"));
    for (const row of rows) {
      place[row.method]((request: Request, response: Response) =>
        answer(row, request, response).catch((error: Error) => {
          if (error instanceof Refused) return refuse(request, response, error.status, error.message);
          journal.add({ kind: "defect", fields: { error: error.stack } });
          refuse(request, response, 500, `The mock server failed: ${error.message}`);
        }),
      );
    }
    const methods = rows.map(({ method }) => method.toUpperCase());
    const allowed = methods.includes("GET") ? [...methods, "HEAD"] : methods;
    place.all((request: Request, response: Response, _next: NextFunction) => {
      const takesQueryToken = rows.some((row) => row.takesQueryToken);
      const passage = guard(request, { token: controlToken, isProbe: false, takesQueryToken });
      if (typeof passage === "object") return turnAway(request, response, passage);
      response.set("allow", allowed.join(", "));
      const sentence = `${request.method} is nothing that ${path} takes. It takes ${list(methods)}: GET /_lucy/openapi.json has all of it.`;
      refuse(request, response, 405, sentence);
    });
  }
  return router;

  async function answer(row: Route, request: Request, response: Response): Promise<void> {
    const passage = guard(request, {
      token: controlToken,
      isProbe: row.isProbe ?? false,
      takesQueryToken: row.takesQueryToken ?? false,
    });
    if (typeof passage === "object") return turnAway(request, response, passage);
    response.set({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    const body = await bodyOf(row, request, response);
    const { token: _, ...given } = request.query;
    const query = row.readsQuery ? null : checked(row.query ?? z.strictObject({}), given, "parameter");
    const result = await row.handle({
      request,
      response,
      params: request.params as Record<string, string>,
      query: query as never,
      body: body as never,
      isProbe: passage === "probe",
    });
    if (row.method !== "get" && !row.isJournaled) {
      journal.add({ kind: "controlled", fields: { method: request.method, path: request.path } });
    }
    // It has answered itself.
    if (response.headersSent) return;
    if (result === undefined) response.status(204).end();
    else response.status(201 in row.answers ? 201 : 200).json(result);
  }

  /** As a refusal, but with a line for the first ones only, and then for the hundredth, the thousandth and so on. */
  function turnAway(request: Request, response: Response, { status, detail }: Refusal): void {
    if (status === 401) response.set("www-authenticate", "Bearer");
    guardedCount++;
    if (guardedCount <= guardLinesMax) return refuse(request, response, status, detail);
    if (/^10+$/.test(String(guardedCount))) {
      journal.add({ kind: "guard-refused", fields: { count: guardedCount, last: detail } });
    }
    response.status(status).json({ detail });
  }

  async function bodyOf(row: Route, request: Request, response: Response): Promise<unknown> {
    const hasBody =
      request.headers["transfer-encoding"] !== undefined ||
      Number(request.headers["content-length"] ?? 0) > 0;
    const type = request.get("content-type");
    if (hasBody && !request.is("application/json")) {
      throw new Refused(
        415,
        `The body is ${shown(type ?? "of no type")}; it takes JSON. Send content-type: application/json.`,
      );
    }
    // Whatever else stands in the way of a page of another site: a type that it may send without asking is refused, empty or not.
    if (row.method !== "get" && type !== undefined && !isJson(type)) {
      throw new Refused(
        415,
        `The content type is ${shown(type)}, and there is no body. Send neither, or JSON as content-type: application/json.`,
      );
    }
    if (!row.body) return undefined;
    if (hasBody) {
      await new Promise<void>((resolve, reject) =>
        readBody(request, response, (error?: unknown) => {
          if (error) reject(unreadable(error as BodyError));
          else resolve();
        }),
      );
    }
    return row.readsBody ? request.body : checked(row.body, request.body, "field");
  }
}

function isJson(type: string): boolean {
  return /^application\/json *(;|$)/i.test(type);
}

type BodyError = Error & { readonly type?: string; readonly status?: number };

function unreadable(error: BodyError): Refused {
  if (error.type === "entity.too.large") {
    return new Refused(
      413,
      `The body is too large: at most ${bodyBytesMax} bytes are read. Send less at once.`,
    );
  }
  if (error.type !== "entity.parse.failed")
    return new Refused(error.status ?? 400, `The body cannot be read: ${error.message}.`);
  // Without the excerpt of the body that the parser's message has.
  const position = / at position (\d+)/.exec(error.message)?.[1];
  const where = position ? ` from character ${position} on` : "";
  return new Refused(
    400,
    `The body is not JSON${where}. Quote names and texts, and leave no comma at the end.`,
  );
}

/** @throws Refused with the first thing that is wrong: where, what it was, what it takes */
function checked(schema: z.ZodType, given: unknown, noun: "parameter" | "field"): unknown {
  const { error, data } = schema.safeParse(given);
  if (!error) return data;
  const issue = error.issues[0]!;
  if (issue.code === "unrecognized_keys" && schema instanceof z.ZodObject) {
    const known = Object.keys(schema.shape);
    const has = known.length > 0 ? `It takes ${list(known)}.` : `It takes none.`;
    throw new Refused(422, `There is no ${noun} "${shown(issue.keys[0]!)}" here. ${has}`);
  }
  const path = issue.path.join(".");
  if (path === "") throw new Refused(422, issue.message);
  let value: unknown = given;
  for (const part of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  if (noun === "parameter" && Array.isArray(value)) {
    throw new Refused(422, `The parameter "${shown(path)}" is there ${value.length} times. Send it once.`);
  }
  if (value === undefined) {
    const missing = noun === "field" ? `The field "${path}" is missing. ` : "";
    throw new Refused(422, `${missing}${issue.message}`);
  }
  throw new Refused(422, `The ${noun} "${shown(path)}" is ${shown(JSON.stringify(value))}. ${issue.message}`);
}

function objectError(example: string): z.core.$ZodErrorMap {
  return (issue) =>
    issue.code === "invalid_type"
      ? `The body is ${issue.input === undefined ? "missing" : "something else than it takes"}. Send ${example} as JSON.`
      : undefined;
}

/** What was asked for, as an answer may quote it: without keys, and not at any length. */
function shown(text: string): string {
  return redactText(text).slice(0, 80);
}

function list(names: readonly string[]): string {
  return names.join(", ").replace(/, ([^,]+)$/, " or $1");
}

const count = z.number();
const declaration = z.union([
  z.string().describe("A fault's name."),
  z.looseObject({ name: z.string().describe("A fault's name.") }),
]);

/** What is answered, for the document and for the tests. */
const schemas = {
  refusal: z.object({ detail: z.string() }),
  anything: z.record(z.string(), z.unknown()),
  health: z.object({
    status: z.literal("ok"),
    uptimeMs: count.optional(),
    options: z.record(z.string(), z.unknown()).optional(),
    limits: z.object({ sessions: count }).optional(),
    open: z.record(z.string(), count).optional(),
    process: z.object({ cpuMs: count, mainThreadCpuMs: count.nullable(), rssBytes: count }).optional(),
  }),
  ready: z.object({ status: z.literal("ready") }),
  session: z.object({
    id: z.string(),
    model: z.string(),
    dialect: z.string().nullable(),
    phase: z.string(),
    seconds: count,
    viewerCount: count,
    state: z.object({
      revision: count,
      prompt: z.string().nullable(),
      enhance: z.boolean(),
      image: z
        .object({ hash: count, mime: z.string(), width: count, height: count, byteLength: count })
        .nullable(),
    }),
    media: z.record(z.string(), z.unknown()).nullable(),
  }),
  line: z.object({
    seq: count,
    atMs: count,
    session: z.string().nullable(),
    direction: z.enum(["to-server", "to-client", "inside"]),
    kind: z.string(),
    fields: z.record(z.string(), z.unknown()),
    measured: z.boolean(),
  }),
  clock: z.object({ mode: z.enum(["real", "manual"]), nowMs: count, date: z.string() }),
  reset: z.object({
    sessions: count,
    faults: count,
    files: count,
    tokens: count,
    after: count.describe("The journal's last line: ?after= this shows what comes now."),
  }),
  fault: z.object({
    id: z.string(),
    session: z.string().nullable(),
    declaration: z.unknown(),
    fired: count,
    healed: z.boolean(),
  }),
  /** For the document: all of it is checked where faults are, with the nearest match. */
  declaration,
  declarations: z.array(declaration).max(declaredMax),
};

/**
 * The HTTP side: the service's REST paths under their real names, with CORS as production has it, ours under `/_lucy/` without, and
 * the page at `/`. This file, api.ts, files.ts and playground.ts import express, no other does.
 */
import express, { type NextFunction, type Request, type Response } from "express";
import { API_KEY_HEADER, CLIENT_KEY_PREFIX, PATHS, parseClientTokenRequest } from "../../protocol/index.ts";
import { realClock } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import type { AddedFault } from "../faults/desk.ts";
import type { UpgradeItem } from "../faults/fault.ts";
import { faults as faultKinds } from "../faults/index.ts";
import { checkKey } from "../gate.ts";
import { redact, redactText } from "../journal.ts";
import { journalHash, normalJournal } from "../journal-hash.ts";
import { keptFrom, mayReach } from "../page-origin.ts";
import { realtimeUrl } from "../realtime-url.ts";
import type { MockServer } from "../server.ts";
import { type ControlParts, createApi } from "./api.ts";
import { files } from "./files.ts";
import { playground } from "./playground.ts";
import { requestFaults } from "./request-faults.ts";

const bodyBytesMax = 64 * 1024;

export function createApp(server: MockServer, context: ServerContext): express.Express {
  const { journal } = context;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");

  app.use((_request, response, next) => {
    response.once("finish", () => context.tally.answers.add(String(response.statusCode)));
    next();
  });
  app.use(createApi(server, context, controlParts(server, context), refuse));
  app.use("/v1", allowOrigins);
  app.use("/watch-stream", allowOrigins);
  app.use("/rtc", allowOrigins);
  const faults = requestFaults(context, refuse);
  app.use(faults.meet);

  app.post(
    PATHS.clientTokens,
    express.json({ limit: bodyBytesMax, type: () => true }),
    (request, response) => {
      const key = request.get(API_KEY_HEADER) ?? "";
      const checked = checkKey(context, key, request.get("origin"));
      // A client token cannot mint another, whatever it may do elsewhere (documented: 403).
      if (key.startsWith(CLIENT_KEY_PREFIX))
        return refuse(
          request,
          response,
          403,
          "A client token cannot mint tokens. Use the API key, on your server.",
        );
      // Where only tokens connect, any key may still mint one; no key at all may not.
      if (!checked.ok && (key === "" || context.options.keys !== "minted"))
        return refuse(request, response, 401, checked.error);
      const parsed = parseClientTokenRequest(request.body);
      if (!parsed.ok) return refuse(request, response, 422, parsed.detail);
      const { keyFaults, tokenLifeSeconds = parsed.request.expiresIn } = faults.of(request);
      const minted = context.tokens.mint({ ...parsed.request, expiresIn: tokenLifeSeconds }, keyFaults);
      journal.add({
        direction: "to-client",
        kind: "token-minted",
        fields: {
          expiresAt: minted.expiresAt,
          permissions: minted.permissions,
          constraints: minted.constraints,
        },
      });
      response.json(minted);
    },
  );
  app.use(files(context, refuse));
  app.post(PATHS.watchStream, async (request, response) => {
    const checked = checkKey(context, request.get(API_KEY_HEADER) ?? "", request.get("origin"));
    if (!checked.ok) return refuse(request, response, 401, checked.error);
    const name = String(request.params.room);
    const room = context.openRooms.get(name);
    if (!room) {
      return refuse(
        request,
        response,
        404,
        `There is no room ${shown(name)}: a session's room is there from livekit_room_info until its control socket closes.`,
      );
    }
    if (!mayReach(request.headers, context.sessions.get(name)?.origin ?? null)) {
      return refuse(request, response, 403, keptFrom(`Room ${shown(name)}`, request.headers));
    }
    response.json(await room.forViewer(realtimeUrl(context, request.headers)));
  });
  // Where a LiveKit client asks why its socket was refused.
  app.get(["/rtc/validate", "/rtc/v1/validate"], async (request, response) => {
    const rooms = await context.rooms();
    const query = new URL(request.url, "http://localhost").searchParams;
    const { path } = request;
    try {
      const { owner, plan } = await rooms.check({ path, query, authorization: request.get("authorization") });
      let isAnswered = false;
      /** It may come late, or twice. */
      const isFirst = () => {
        if (isAnswered || response.destroyed) return false;
        isAnswered = true;
        return true;
      };
      const item: UpgradeItem = {
        direction: "to-server",
        kind: "validate",
        path: path.replace("/validate", ""),
        refuse(status, detail) {
          if (!isFirst()) return;
          const fields = { method: request.method, path, status, detail };
          journal.add({ session: owner, direction: "to-client", kind: "http-refused", fields });
          response.status(status).type("text").send(detail);
        },
        reset() {
          if (!isFirst()) return;
          journal.add({ session: owner, direction: "to-client", kind: "reset", fields: { path } });
          response.socket?.resetAndDestroy();
        },
      };
      plan.pass("livekit", item, () => {
        if (isFirst()) response.type("text").send("success");
      });
    } catch (error) {
      const { status = 500, message } = error as Error & { status?: number };
      response.status(status).type("text").send(message);
    }
  });
  for (const path of [
    PATHS.submitJob,
    PATHS.job,
    PATHS.jobContent,
    PATHS.generate,
    PATHS.quota,
    PATHS.resolveModel,
    PATHS.verify,
  ]) {
    app.all(path, (request, response) => {
      refuse(
        request,
        response,
        501,
        `${shown(request.path)} is not imitated: this mock server has the realtime API only. Use the real service for it.`,
      );
    });
  }
  app.use(playground());
  app.use((request, response) => {
    refuse(
      request,
      response,
      404,
      `There is nothing at ${request.method} ${shown(request.path)}. The page is at /, the state of the server at /_lucy/health.`,
    );
  });
  app.use(
    (
      error: Error & { status?: number; type?: string },
      request: Request,
      response: Response,
      _next: NextFunction,
    ) => {
      const status = error.status ?? 500;
      const text =
        error.type === "entity.too.large"
          ? `The body is too large: at most ${bodyBytesMax} bytes are read.`
          : error.type === "entity.parse.failed"
            ? notJson(error)
            : status === 500
              ? `The mock server failed: ${error.message}`
              : error.message;
      refuse(request, response, status, text);
    },
  );
  return app;

  /** FastAPI's error shape, which SDKs print or take apart. */
  function refuse(request: Request, response: Response, status: number, detail: unknown): void {
    journal.add({
      direction: "to-client",
      kind: "http-refused",
      fields: { method: request.method, path: request.path, status, detail },
    });
    if (!response.headersSent) response.status(status).json({ detail });
  }
}

/** What the control API gets from the rest of the server. */
function controlParts({ clock }: MockServer, { machine, faults: desk }: ServerContext): ControlParts {
  return {
    clock: {
      mode: clock.mode,
      nowMs: () => clock.nowMs,
      date: () => clock.date,
      advance: (ms, about) => clock.advance(ms, about),
    },
    machineClock: machine,
    readersClock: realClock(),
    faults: {
      add: (declarations, options) => shownFaults(desk.add(declarations, options)),
      list: () => shownFaults(desk.list),
      heal(id) {
        const fault = desk.list.find((one) => one.id === id);
        fault?.heal();
        return fault !== undefined;
      },
      healAll() {
        const count = desk.list.filter(({ healed }) => !healed).length;
        desk.healAll();
        return count;
      },
      forgetKeys: desk.forgetKeys,
    },
    scenarios: {
      list: () =>
        Object.fromEntries(
          [...desk.scenarios].map(([name, { about, faults }]) => [
            name,
            { about, faults: faults.map(({ declaration }) => redact(declaration)) },
          ]),
        ),
      put: (name, scenario) => desk.putScenario(name, scenario),
      remove: (name) => desk.removeScenario(name),
      restore: () => desk.restoreScenarios(),
    },
    faultKinds,
    normalJournal,
    journalHash,
  };
}

/** As the journal would have them: a setting may be a secret. */
function shownFaults(faults: readonly AddedFault[]) {
  return faults.map(({ id, session, declaration, fired, healed }) => ({
    id,
    session,
    declaration: redact(declaration),
    fired,
    healed,
  }));
}

/** What was asked for, as an answer may quote it: whoever pasted a key or a token into an address does not get it into their logs, too. */
function shown(path: string): string {
  return redactText(path).slice(0, 80);
}

/** Without the excerpt of the body that the parser's message has: a key may be in it. The position stands at its end. */
function notJson({ message }: Error): string {
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1];
  return position ? `The body is not JSON from character ${position} on.` : "The body is not JSON.";
}

/** REST calls from a page carry `x-api-key` and are preflighted. */
function allowOrigins(request: Request, response: Response, next: NextFunction): void {
  response.set({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": "x-api-key, content-type, user-agent, authorization",
    "access-control-max-age": "600",
  });
  if (request.method === "OPTIONS") response.status(204).end();
  else next();
}

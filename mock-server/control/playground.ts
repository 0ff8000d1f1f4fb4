/** The page at `/`, its script, what it offers, and published SDKs for it. */
import { readFile } from "node:fs/promises";
import express, { type NextFunction, type Request, type Response } from "express";
import { bundle, sdkFiles } from "../../fixtures/browser/bundle.ts";
import { readImage } from "../../fixtures/images.ts";
import { commandsOf } from "../playground/commands.ts";
import { findSample, offer } from "../playground/offer.ts";
import { olderSdkSnippet } from "../playground/snippets.ts";

const folder = new URL("../playground/", import.meta.url);
const script = new URL("page.ts", folder);
const { install } = commandsOf(import.meta.url);

export function playground(): express.Router {
  const router = express.Router();

  router.get("/", protect, async (_request, response) => {
    try {
      // A page without its script would be a page that says nothing; it is needed a moment later anyway.
      await bundle(script);
    } catch (error) {
      return response
        .status(500)
        .type("text")
        .send(`${buildFailure("The page", error)}\n`);
    }
    response.type("html").send(await readFile(new URL("index.html", folder), "utf8"));
  });
  router.get("/_lucy/page.css", protect, async (_request, response) => {
    response.type("css").send(await readFile(new URL("page.css", folder), "utf8"));
  });
  router.get("/_lucy/page.js", protect, async (_request, response) => {
    await sendScript(response, "The page's script", bundle(script));
  });
  router.get("/_lucy/redirect.js", (request, response) => {
    // For an app on another origin, before its SDK: a block, so that the app's own names stay free.
    const scheme = request.protocol === "https" ? "wss" : "ws";
    response.set("cache-control", "no-store").type("js");
    response.send(`{\n${olderSdkSnippet(`${scheme}://${hostOf(request)}`)}\n}\n`);
  });
  router.get("/_lucy/playground", protect, (_request, response) => {
    response.json(offer);
  });
  router.get("/_lucy/samples/:name", protect, (request, response, next) => {
    const sample = findSample(String(request.params.name));
    if (!sample) return next();
    response
      .set("cache-control", "max-age=3600")
      .type(sample.mime)
      .send(Buffer.from(readImage(sample.name)));
  });
  router.get("/_lucy/sdk/:file", protect, async (request, response, next) => {
    const file = String(request.params.file);
    const make = sdkFiles.get(file);
    if (!make) return next();
    // A published version never changes.
    await sendScript(response, `SDK ${file.replace(/[.]js$/, "")}`, make(), "max-age=86400");
  });
  return router;
}

/** Nothing is fetched from, sent to or framed by another host, whatever a script in the page tries. */
function protect(request: Request, response: Response, next: NextFunction): void {
  const host = hostOf(request);
  // Older browsers do not count sockets as 'self'.
  const sockets = ` ws://${host} wss://${host}`;
  response.set({
    "cache-control": "no-store",
    "content-security-policy": [
      "default-src 'self'",
      `connect-src 'self'${sockets}`,
      "img-src 'self' blob: data:",
      "media-src 'self' blob: mediastream:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "permissions-policy": "camera=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  next();
}

/** The address this server was reached under. The header is the client's, so only a plain host gets any further. */
function hostOf(request: Request): string {
  const host = request.get("host") ?? "";
  return /^[\w.:[\]-]+$/.test(host) ? host : "127.0.0.1";
}

async function sendScript(
  response: Response,
  what: string,
  code: Promise<string>,
  caching = "no-store",
): Promise<void> {
  try {
    const text = await code;
    response.set("cache-control", caching).type("js").send(text);
  } catch (error) {
    response.status(500).json({ detail: buildFailure(what, error) });
  }
}

/** Names what is missing and what to type; says no paths of the machine. */
function buildFailure(what: string, error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException;
  if ((code ?? (cause as NodeJS.ErrnoException)?.code) === "ERR_MODULE_NOT_FOUND") {
    const name = /package '([^']+)'/.exec(message)?.[1] ?? "a package it needs";
    return `${what} could not be built: ${name} is not installed. Run ${install}, then reload.`;
  }
  const first = /error: (.*)/i.exec(message)?.[1] ?? message.split("\n")[0]!;
  return `${what} could not be built: ${first.slice(0, 200)}. Run ${install}, then reload.`;
}

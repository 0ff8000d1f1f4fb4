/** An answer over HTTP is spoiled on its way out: what was asked for is done, and the client cannot read of it. */
import type { ServerResponse } from "node:http";
import { z } from "zod";
import { defineFault } from "./fault.ts";

const ways = ["truncated", "not-json", "wrong-types", "empty", "html"] as const;

/** What a proxy says whose backend has gone; assumed. */
const page =
  "<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n";

export const malformedBody = defineFault({
  name: "malformed-body",
  about: "What a request is answered with cannot be read, though its status is as it should be.",
  places: [{ channel: "http", directions: ["to-server"] }],
  settings: z.strictObject({
    how: z
      .enum(ways)
      .default("truncated")
      .describe(
        "What comes in place of the JSON: its first half, a word, the same names with values of other types, nothing, or a page.",
      ),
  }),
  open: ({ how }, { note }) => ({
    take(item, next) {
      // Answered without a body.
      if (item.request.method === "DELETE" || item.request.method === "HEAD") {
        next(item);
        return false;
      }
      onEnd(item.response, (body) => {
        const sent = spoiled(body, how);
        if (!sent) return body;
        if (how === "html") item.response.setHeader("content-type", "text/html; charset=utf-8");
        item.response.setHeader("content-length", sent.length);
        note("body-spoiled", { on: item.kind, how, status: item.response.statusCode, length: sent.length });
        return sent;
      });
      next(item);
    },
  }),
});

/** Changes what is sent with the call that ends a response; here every body is. */
function onEnd(response: ServerResponse, change: (body: Buffer) => Buffer): void {
  const end = response.end.bind(response) as (body: Buffer) => ServerResponse;
  response.end = ((chunk?: unknown, encoding?: BufferEncoding) => {
    const isBody = typeof chunk === "string" || chunk instanceof Uint8Array;
    const body = isBody ? Buffer.from(chunk as string, encoding) : Buffer.alloc(0);
    return end(change(body));
  }) as typeof response.end;
}

/** `null`: it cannot be spoiled so, as it is no JSON. Another fault may have had it first. */
function spoiled(body: Buffer, how: (typeof ways)[number]): Buffer | null {
  if (how === "truncated") return body.subarray(0, Math.floor(body.length / 2));
  if (how === "empty") return Buffer.alloc(0);
  if (how === "not-json") return Buffer.from("ok");
  if (how === "html") return Buffer.from(page);
  try {
    return Buffer.from(JSON.stringify(ofOtherTypes(JSON.parse(body.toString("utf8")))));
  } catch {
    return null;
  }
}

/** The same names; a text for a number, a number for all else. */
function ofOtherTypes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return typeof value === "number" ? "many" : 0;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, ofOtherTypes(inside)]));
}

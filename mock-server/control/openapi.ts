/** The OpenAPI 3.1 document of the control API, made from the table that is mounted. Knows none of its rows. */
import { z } from "zod";
import type { Answer, Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const refusal = { $ref: "#/components/responses/Refusal" };

export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lucy mock server: control API",
      version: "1",
      description:
        "For tests and tools on this machine. No CORS: a page of another site is refused. Bodies are JSON, at most 1 MB. A server that listens on more than loopback asks for the token that it printed at start.",
    },
    servers: [{ url: "/" }],
    // Without on loopback.
    security: [{}, { token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        Refusal: {
          type: "object",
          properties: { detail: { type: "string", description: "What was wrong, and what to do." } },
          required: ["detail"],
        },
      },
      responses: {
        Refusal: {
          description: "A sentence that says what was wrong, and what to do.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } },
        },
      },
    },
  };
}

function operation({ method, path, does, params = {}, query, body, answers }: Route): Json {
  const parameters = [
    ...Object.entries(params).map(([name, description]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
    })),
    ...queryParameters(query),
  ];
  return {
    operationId: operationId(method, path),
    summary: does,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      default: refusal,
    },
  };
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (!query) return [];
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description = "", ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    description,
    schema,
  }));
}

function response({ about, type = "application/json", schema }: Answer): Json {
  const types = type.split(", ");
  const content = Object.fromEntries(
    types.map((name) => [name, { schema: schema ? schemaOf(schema) : { type: "string" } }]),
  );
  return { description: about, ...((schema || type !== "application/json") && { content }) };
}

/** What goes in, in the dialect of OpenAPI 3.1, which is JSON Schema's own. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

/** `getSession`-like names that code generators can use: `get_sessions_id`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace("/_lucy/", "")
    .replace(/[{}]/g, "")
    .split(/[^a-zA-Z0-9]+/);
  return [method, ...words].join("_");
}

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { createDecartClient } from "decart-sdk-0.1.20";
import { describe, expect, onTestFinished, test } from "vitest";
import { imageHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { errorBody, FILE_BYTES_MAX, type FileReference, fileReference } from "../../protocol/index.ts";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { type Clock, manualClock } from "../clock.ts";
import type { MockServerOptions } from "../options.ts";
import type { MockServer } from "../server.ts";
import { runApi } from "./_api-client.ts";

const run = (given: Partial<MockServerOptions> = {}, clock?: Clock) =>
  runServer({ mode: "none", ...given }, clock);

const key = { "x-api-key": "dct_hush" };

function form(name = "face-png", { type = "image/png", filename = "face.png", field = "file" } = {}) {
  const body = new FormData();
  body.append(field, new Blob([readImage(name)], { type }), filename);
  return body;
}

function withFields(fields: Record<string, string>, body = form()): FormData {
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
}

const post = (server: Pick<MockServer, "url">, body: BodyInit, headers: Record<string, string> = key) =>
  fetch(`${server.url}/v1/files`, { method: "POST", body, headers });

async function upload(server: Pick<MockServer, "url">, body = form(), headers = key): Promise<FileReference> {
  const response = await post(server, body, headers);
  expect(response.status).toBe(200);
  return fileReference.parse(await response.json());
}

const at = (
  server: Pick<MockServer, "url">,
  id: string,
  method = "GET",
  headers: Record<string, string> = key,
) => fetch(`${server.url}/v1/files/${id}`, { method, headers });

/** The sentence of a refusal in either of its shapes, after a look at the shape. */
async function sentenceOf(response: Response): Promise<string> {
  const { detail } = errorBody.parse(await response.json());
  expect(Array.isArray(detail)).toBe(response.status === 422);
  return typeof detail === "string" ? detail : detail[0]!.msg;
}

const kinds = (server: MockServer) => server.journal.lines.map(({ kind }) => kind);

describe("POST /v1/files", () => {
  test.each([
    ["face-png", "image/png"],
    ["face-jpeg", "image/jpeg"],
    ["face-webp", "image/webp"],
  ])("takes %s, and says what it is", async (name, type) => {
    const clock = manualClock(new Date("2026-01-01T00:00:00Z"));
    const server = await run({}, clock);
    const reference = await upload(server, form(name, { type, filename: "mein Gesicht, 猫.x" }));
    expect(reference).toEqual({
      id: expect.stringMatching(/^file_[0-9a-f]{32}$/),
      filename: "mein Gesicht, 猫.x",
      mime_type: type,
      size_bytes: readImage(name).length,
      created_at: "2026-01-01T00:00:00.000Z",
      expires_at: "2026-01-02T00:00:00.000Z",
    });
    expect(await (await at(server, reference.id)).json()).toEqual(reference);
    expect(server.journal.lines.at(-1)).toMatchObject({
      kind: "file-uploaded",
      direction: "to-server",
      fields: { id: reference.id, mime: type, sizeBytes: reference.size_bytes },
    });
    expect(JSON.stringify(server.journal.lines)).not.toMatch(/hush|Gesicht/);
  });

  test.each([
    ["60", "2026-01-01T00:01:00.000Z"],
    ["2592000", "2026-01-31T00:00:00.000Z"],
    ["persistent", null],
  ])("with ttl_seconds %s it expires at %s", async (ttl, expiresAt) => {
    const server = await run({}, manualClock(new Date("2026-01-01T00:00:00Z")));
    expect((await upload(server, withFields({ ttl_seconds: ttl }))).expires_at).toBe(expiresAt);
  });

  test("ids depend on the seed only", async () => {
    const ids = [];
    for (const seed of [5, 5, 6]) ids.push((await upload(await run({ seed }))).id);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test("the lifetime may come before the file, and fields nobody knows yet may come too", async () => {
    const server = await run();
    const body = new FormData();
    for (const name of ["ttl_seconds", "__proto__", "constructor", "c", "d", "e", "f", "g"])
      body.append(name, name === "ttl_seconds" ? "persistent" : "x");
    body.append("file", new Blob([readImage("face-png")]), "a.png");
    expect((await upload(server, body)).expires_at).toBeNull();
  });

  test("a content-type that is not the file's is told, and not believed", async () => {
    const server = await run();
    const reference = await upload(server, form("face-webp", { type: "image/jpeg" }));
    expect(reference.mime_type).toBe("image/webp");
    expect(server.journal.lines.at(-1)!.fields.warning).toBe(
      "The file was sent as image/jpeg, but its bytes are image/webp; it is kept as what it is.",
    );
  });

  test("the largest file is taken, one byte more is not", async () => {
    const server = await run();
    const png = new Uint8Array(FILE_BYTES_MAX + 1);
    png.set(readImage("face-png").subarray(0, 8));
    const body = (bytes: Uint8Array<ArrayBuffer>) => {
      const form = new FormData();
      form.append("file", new Blob([bytes]), "large.png");
      return form;
    };
    expect((await upload(server, body(png.subarray(0, FILE_BYTES_MAX)))).size_bytes).toBe(FILE_BYTES_MAX);
    const refused = await post(server, body(png));
    expect(refused.status).toBe(413);
    expect(await sentenceOf(refused)).toContain("The file is too large: at most 7864320 bytes are taken");
  });

  test.each<[string, () => BodyInit, number, string]>([
    [
      "JSON",
      () => "{}",
      422,
      'The body is text/plain;charset=UTF-8; it takes multipart/form-data with the file in the field "file".',
    ],
    [
      "a form that is URL-encoded",
      () => new URLSearchParams({ file: "x" }),
      422,
      "The body is application/x-www-form-urlencoded",
    ],
    [
      "a form without a file",
      () => withFields({ ttl_seconds: "60" }, new FormData()),
      422,
      'There is no file in the form. Send it as the part named "file", with a filename.',
    ],
    [
      "a file that is a text field",
      () => withFields({ file: "x" }, new FormData()),
      422,
      "There is no file in the form.",
    ],
    [
      "a file in another field",
      () => form("face-png", { field: "image" }),
      422,
      'There is a file in the field "image"; it belongs in "file".',
    ],
    [
      "two files",
      () => {
        const body = form();
        body.append("file", new Blob(["x"]), "b.png");
        return body;
      },
      400,
      "The form has more than one file.",
    ],
    ["a file that is empty", () => form("empty"), 422, "The file has no bytes."],
    ["a GIF", () => form("gif"), 422, "The file looks like a GIF; JPEG, PNG and WebP are taken."],
    ["a text", () => form("text"), 422, "The file looks like text;"],
    [
      "a lifetime of 59 s",
      () => withFields({ ttl_seconds: "59" }),
      422,
      'ttl_seconds is "59"; it takes a whole number of seconds from 60 to 2592000, or "persistent".',
    ],
    [
      "a lifetime that is no number",
      () => withFields({ ttl_seconds: "soon" }),
      422,
      'ttl_seconds is "soon";',
    ],
    [
      "two lifetimes",
      () => {
        const body = withFields({ ttl_seconds: "60" });
        body.append("ttl_seconds", "60");
        return body;
      },
      422,
      "ttl_seconds is there more than once;",
    ],
    [
      "a field beyond 1 kB",
      () => withFields({ ttl_seconds: "6".repeat(1025) }),
      400,
      'The field "ttl_seconds" has more than 1024 bytes. Shorten it.',
    ],
    [
      "a field's name beyond 100 characters",
      () => withFields({ ["x".repeat(101)]: "x" }),
      400,
      "The name of a field has more than 100 characters.",
    ],
    [
      "a field's name with brackets",
      () => withFields({ "ttl_seconds[1000000]": "60" }),
      400,
      'The field "ttl_seconds[1000000]" has a bracket in its name.',
    ],
    [
      "a file's name of 256 characters",
      () => form("face-png", { filename: "x".repeat(256) }),
      422,
      "The file's name has 256 characters; at most 255 are taken.",
    ],
    [
      "1000 parts",
      () => withFields(Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`f${i}`, "x"]))),
      400,
      "The form has too many parts: at most one file and 8 fields are read.",
    ],
  ])("refuses %s", async (_what, body, status, sentence) => {
    const server = await run();
    const response = await post(server, body());
    expect(response.status).toBe(status);
    expect(await sentenceOf(response)).toContain(sentence);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(kinds(server)).toEqual(["server-started", "http-refused"]);
    expect(JSON.stringify(server.journal.lines)).not.toContain("hush");
  });

  test("when it is full it says so, and drops nothing", async () => {
    const server = await runApi({ fileLimits: { files: 2, bytes: 268_435_456 } });
    const small = () => form("face-small");
    const { id } = await upload(server, small());
    await upload(server, small());
    const refused = await post(server, small());
    expect(refused.status).toBe(507);
    expect(await sentenceOf(refused)).toContain("2 files or 268435456 bytes is the most.");
    expect((await at(server, id)).status).toBe(200);
  });
});

/** What multipart bodies look like that no library makes. */
describe("hostile forms", () => {
  const boundary = "----hostile";
  const type = `multipart/form-data; boundary=${boundary}`;
  const bytes = Buffer.from(readImage("face-small"));
  const part = (headers: string, content: Buffer | string = bytes) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\n${headers}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from("\r\n"),
    ]);
  const end = Buffer.from(`--${boundary}--\r\n`);
  const named = (filename: string) => `content-disposition: form-data; name="file"; filename="${filename}"`;

  test.each<[string, string, Buffer, number, string]>([
    [
      "no boundary",
      "multipart/form-data",
      Buffer.concat([part(named("a.png")), end]),
      400,
      "The form cannot be read (Multipart: Boundary not found).",
    ],
    [
      "another boundary",
      "multipart/form-data; boundary=other",
      Buffer.concat([part(named("a.png")), end]),
      400,
      "The form cannot be read (Unexpected end of form).",
    ],
    [
      "a form that is cut off in the file",
      type,
      part(named("a.png")).subarray(0, 200),
      400,
      "The form cannot be read (Unexpected end of form).",
    ],
    [
      "a form that is cut off in a header",
      type,
      part(named("a.png")).subarray(0, 40),
      400,
      "The form cannot be read (Unexpected end of form).",
    ],
    ["no end", type, part(named("a.png")), 400, "The form cannot be read (Unexpected end of form)."],
    ["an empty body", type, Buffer.alloc(0), 400, "The form cannot be read"],
    ["an end at once", type, end, 422, "There is no file in the form."],
    [
      "a part without headers",
      type,
      Buffer.concat([part("x: y"), end]),
      422,
      "There is no file in the form.",
    ],
    [
      "1000 parts without names",
      type,
      Buffer.concat([...Array(1000).fill(part("x: y")), end]),
      400,
      "The form has too many parts",
    ],
    [
      "a file without a field's name",
      type,
      Buffer.concat([part('content-disposition: form-data; filename="a.png"'), end]),
      400,
      "A part of the form has no name.",
    ],
    [
      "a file without a name",
      type,
      Buffer.concat([part('content-disposition: form-data; name="file"; filename=""'), end]),
      422,
      "There is no file in the form.",
    ],
    [
      "a name of 1 MB",
      type,
      Buffer.concat([part(named("x".repeat(1024 ** 2))), end]),
      400,
      "The form cannot be read (Malformed part header).",
    ],
    [
      "a header with a NUL",
      type,
      Buffer.concat([part(named("a\0b.png")), end]),
      400,
      "The form cannot be read (Malformed part header).",
    ],
    [
      "another kind of multipart",
      `multipart/mixed; boundary=${boundary}`,
      Buffer.concat([part(named("a.png")), end]),
      422,
      "The body is multipart/mixed; boundary=----hostile;",
    ],
  ])("%s", async (_what, contentType, body, status, sentence) => {
    const server = await run();
    const response = await post(server, new Uint8Array(body), { ...key, "content-type": contentType });
    expect(response.status).toBe(status);
    expect(await sentenceOf(response)).toContain(sentence);
    await upload(server);
  });

  test.each([
    ["a%0D%0Ab%22.png", 'a\r\nb".png'],
    ["..\\..\\etc/passwd.png", "passwd.png"],
    ["\"; filename*=UTF-8''%1b%5b2J%07%e2%80%ae.png; x=\"", "\u001b[2J\u0007\u202e.png"],
  ])("a file's name %j is passed on as %j, and reaches no journal", async (sent, filename) => {
    const server = await run();
    const response = await post(server, new Uint8Array(Buffer.concat([part(named(sent)), end])), {
      ...key,
      "content-type": type,
    });
    expect(fileReference.parse(await response.json()).filename).toBe(filename);
    expect(JSON.stringify(server.journal.lines)).not.toContain(".png");
  });

  test("an upload that breaks off leaves nothing behind, and room for the next", async () => {
    const server = await run();
    for (let i = 0; i < 40; i++) {
      const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1");
      const head = `POST /v1/files HTTP/1.1\r\nhost: x\r\nx-api-key: dct_hush\r\ncontent-type: ${type}\r\ncontent-length: 100000\r\n\r\n`;
      const count = kinds(server).length;
      socket.write(Buffer.concat([Buffer.from(head), part(named("a.png")).subarray(0, 500)]), () =>
        socket.end(),
      );
      await until(server, () => kinds(server).length > count);
      socket.destroy();
    }
    expect(new Set(kinds(server).slice(1))).toEqual(new Set(["http-refused"]));
    await upload(server);
  });

  function beginUpload(server: MockServer): ClientRequest {
    const request = httpRequest(`${server.url}/v1/files`, {
      method: "POST",
      headers: { ...key, "content-type": type, expect: "100-continue" },
    });
    request.on("error", () => {});
    request.flushHeaders();
    onTestFinished(() => void request.destroy());
    return request;
  }

  test("close() does not wait for an upload that is still coming", async () => {
    const server = await run();
    const request = beginUpload(server);
    await new Promise((resolve) => request.once("continue", resolve));
    const failed = new Promise((resolve) => request.once("error", resolve));
    await server.close();
    await failed;
  });

  test("no more than 16 are read at once", async () => {
    const server = await run();
    const begun = Array.from({ length: 16 }, () => beginUpload(server));
    // The server says "continue" when it has taken the head.
    await Promise.all(begun.map((request) => new Promise((resolve) => request.once("continue", resolve))));
    const refused = await post(server, form());
    expect(refused.status).toBe(503);
    expect(await sentenceOf(refused)).toContain("16 files are being uploaded");
    const answered = new Promise((resolve) => begun[0]!.once("response", resolve));
    begun[0]!.end(Buffer.concat([part(named("a.png")), end]));
    expect(await answered).toMatchObject({ statusCode: 200 });
    await upload(server);
  });

  test("one that is not complete after 30 s is told so, and makes room", async () => {
    const clock = manualClock();
    const server = await run({}, clock);
    const begun = Array.from({ length: 16 }, () => beginUpload(server));
    await Promise.all(begun.map((request) => new Promise((resolve) => request.once("continue", resolve))));
    clock.advance(29_999);
    expect((await post(server, form())).status).toBe(503);
    const ends = begun.map(
      (request) => new Promise<IncomingMessage>((resolve) => request.once("response", resolve)),
    );
    // What comes of a form makes no difference.
    begun[0]!.write(part(named("a.png")).subarray(0, 200));
    clock.advance(1);
    for (const response of await Promise.all(ends)) {
      expect(response.statusCode).toBe(408);
      expect(await text(response)).toContain("The upload is not complete after 30 s");
    }
    expect(kinds(server).filter((kind) => kind === "http-refused")).toHaveLength(17);
    await upload(server);
    // Nor is one that is complete told later.
    clock.advance(30_000);
    expect(kinds(server).filter((kind) => kind === "http-refused")).toHaveLength(17);
  });
});

describe("GET and DELETE /v1/files/{id}", () => {
  test("what is deleted is gone, the second time too", async () => {
    const server = await run();
    const { id, size_bytes } = await upload(server);
    const deleted = await at(server, id, "DELETE");
    expect([deleted.status, await deleted.text()]).toEqual([204, ""]);
    expect(server.journal.lines.at(-1)).toMatchObject({
      kind: "file-deleted",
      fields: { id, mime: "image/png", sizeBytes: size_bytes },
    });
    for (const method of ["GET", "DELETE"]) {
      const again = await at(server, id, method);
      expect(again.status).toBe(404);
      expect(await sentenceOf(again)).toBe(
        `There is no file ${id}: it was not uploaded here, was deleted, or has expired. Upload it with POST /v1/files.`,
      );
    }
  });

  test("what has expired is gone", async () => {
    const clock = manualClock();
    const server = await run({}, clock);
    const { id } = await upload(server, withFields({ ttl_seconds: "60" }));
    clock.advance(59_999);
    expect((await at(server, id)).status).toBe(200);
    clock.advance(1);
    expect((await at(server, id)).status).toBe(404);
    expect((await at(server, id, "DELETE")).status).toBe(404);
  });

  test.each([
    ["file_nobody", 404],
    ["__proto__", 404],
    ["%00", 404],
    ["x".repeat(5000), 404],
    ["%E0%A4%A", 400],
  ])("there is no file %s", async (id, status) => {
    const server = await run();
    const response = await at(server, id);
    expect(response.status).toBe(status);
    expect((await sentenceOf(response)).length).toBeLessThan(250);
  });
});

describe("who may", () => {
  const requests: [method: string, path: string][] = [
    ["POST", "/v1/files"],
    ["GET", "/v1/files/file_1"],
    ["DELETE", "/v1/files/file_1"],
  ];

  test.each(requests)("%s %s: 401 without a key, or with a wrong one", async (method, path) => {
    const server = await run();
    for (const headers of [{}, { "x-api-key": "" }, { "x-api-key": "ek_nobody" }]) {
      const body = method === "POST" ? { body: form() } : {};
      const response = await fetch(`${server.url}${path}`, { method, headers, ...body });
      expect(response.status).toBe(401);
      expect(await sentenceOf(response)).toMatch(/^Invalid API key: /);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  test("a large upload without a key gets its answer, too", async () => {
    const server = await run();
    const body = new FormData();
    body.append("file", new Blob([new Uint8Array(2 * FILE_BYTES_MAX)]), "a.png");
    expect((await post(server, body, {})).status).toBe(401);
  });

  test("a client token may, until it expires", async () => {
    const clock = manualClock();
    const server = await run({ keys: "minted" }, clock);
    const minted = await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers: key });
    const { apiKey } = (await minted.json()) as { apiKey: string };
    const token = { "x-api-key": apiKey };
    const { id } = await upload(server, form(), token);
    expect((await post(server, form(), key)).status).toBe(401);
    clock.advance(60_000);
    expect((await at(server, id, "GET", token)).status).toBe(401);
    expect(JSON.stringify(server.journal.lines)).not.toContain(apiKey);
  });

  test("with --keys off nobody needs one", async () => {
    const server = await run({ keys: "off" });
    const { id } = fileReference.parse(await (await post(server, form(), {})).json());
    expect((await at(server, id, "DELETE", {})).status).toBe(204);
  });

  test.each(requests)("%s %s is preflighted", async (method, path) => {
    const server = await run();
    const response = await fetch(`${server.url}${path}`, {
      method: "OPTIONS",
      headers: { origin: "https://example.com", "access-control-request-method": method },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toContain(method);
    expect(response.headers.get("access-control-allow-headers")).toContain("x-api-key");
  });
});

describe("set_image with image_ref", () => {
  const openClient = async (server: MockServer) => closeLater(await openSocket(server.realtimeUrl));

  test.each([
    ["face-png", "image/png"],
    ["face-jpeg", "image/jpeg"],
    ["board-webp", "image/webp"],
  ])("%s by reference is the same image as in the message", async (name, mime) => {
    const server = await run();
    const { id } = await upload(server, form(name, { type: mime }));
    const client = await openClient(server);
    client.send({ type: "set_image", image_ref: id, prompt: "P", enhance_prompt: true });
    expect(await client.take("set_image_ack")).toEqual({ type: "set_image_ack", success: true, error: null });
    const { state } = server.sessions[0]!;
    expect(state).toMatchObject({
      revision: 1,
      prompt: "P",
      image: { hash: imageHash(readImage(name)), mime, byteLength: readImage(name).length },
    });
    client.send({ type: "set_image", image_data: Buffer.from(readImage(name)).toString("base64") });
    await client.take("set_image_ack");
    expect(server.sessions[0]!.state.image).toEqual(state.image);
    const hashes = server.journal.lines
      .filter(({ kind }) => kind === "state")
      .map(({ fields }) => fields.imageHash);
    expect(hashes).toEqual([imageHash(readImage(name)), imageHash(readImage(name))]);
  });

  test("one file serves any number of sessions and messages", async () => {
    const server = await run();
    const { id } = await upload(server);
    for (const client of [await openClient(server), await openClient(server)]) {
      for (const prompt of ["a", "b"]) {
        client.send({ type: "set_image", image_ref: id, prompt });
        expect((await client.take("set_image_ack")).success).toBe(true);
      }
    }
    expect(server.sessions.map(({ state }) => state.revision)).toEqual([2, 2]);
  });

  test("a file that is unknown, deleted or expired is refused with a sentence and changes nothing", async () => {
    const clock = manualClock();
    const server = await run({}, clock);
    const deleted = await upload(server);
    const expired = await upload(server, withFields({ ttl_seconds: "60" }));
    await at(server, deleted.id, "DELETE");
    clock.advance(60_000);
    const client = await openClient(server);
    for (const id of ["file_nobody", deleted.id, expired.id]) {
      client.send({ type: "set_image", image_ref: id, prompt: "P" });
      expect(await client.take("set_image_ack")).toMatchObject({
        success: false,
        error: `There is no file ${id}: it was not uploaded here, was deleted, or has expired. Upload it with POST /v1/files.`,
      });
    }
    expect(server.sessions[0]!.state).toMatchObject({ revision: 0, prompt: null, image: null });
  });

  test("a page of another site can neither see, delete nor set what a page has uploaded", async () => {
    const server = await run();
    const app = { origin: "https://app.example.test" };
    const other = { origin: "https://other.example.test" };
    const { id } = await upload(server, form(), { ...key, ...app });
    const sentence = `File ${id} is not for a page of ${other.origin}: pages of localhost may have it, and those of the origin that it is from. Open yours there.`;
    for (const method of ["GET", "DELETE"]) {
      const refused = await at(server, id, method, { ...key, ...other });
      expect(refused.status).toBe(403);
      expect(await sentenceOf(refused)).toBe(sentence);
    }
    const client = closeLater(await openSocket(server.realtimeUrl, other));
    client.send({ type: "set_image", image_ref: id });
    expect(await client.take("set_image_ack")).toMatchObject({ success: false, error: sentence });
    const own = closeLater(await openSocket(server.realtimeUrl, app));
    own.send({ type: "set_image", image_ref: id });
    expect((await own.take("set_image_ack")).success).toBe(true);
    expect((await at(server, id, "DELETE", { ...key, ...app })).status).toBe(204);
  });

  test("an image in force stays when its file is deleted", async () => {
    const server = await run();
    const { id } = await upload(server);
    const client = await openClient(server);
    client.send({ type: "set_image", image_ref: id });
    await client.take("set_image_ack");
    await at(server, id, "DELETE");
    client.send({ type: "prompt", prompt: "after" });
    await client.take("prompt_ack");
    expect(server.sessions[0]!.state).toMatchObject({
      revision: 2,
      image: { hash: imageHash(readImage("face-png")) },
    });
  });

  test.each([
    ["cut-off-png", "The image starts as image/png, but its 6431 bytes cannot be decoded"],
    ["bomb", "The image claims 60000×60000 pixels"],
  ])("%s is a file, but no image to set", async (name, sentence) => {
    const server = await run();
    const { id } = await upload(server, form(name));
    const client = await openClient(server);
    client.send({ type: "set_image", image_ref: id });
    expect(await client.take("set_image_ack")).toMatchObject({
      success: false,
      error: expect.stringContaining(sentence),
    });
  });

  test("a small image is warned of, whichever way it comes", async () => {
    const server = await run();
    const { id } = await upload(server, form("face-small"));
    const client = await openClient(server);
    client.send({ type: "set_image", image_ref: id });
    expect((await client.take("set_image_ack")).success).toBe(true);
    expect(kinds(server)).toContain("image-warning");
  });
});

test("the published SDK 0.1.20 uploads, looks up and deletes", async () => {
  const clock = manualClock(new Date("2026-01-01T00:00:00Z"));
  const server = await run({}, clock);
  const { files } = createDecartClient({ apiKey: "dct_local", baseUrl: server.url, telemetry: false });
  const blob = new Blob([readImage("face-webp")], { type: "image/webp" });

  const reference = await files.upload(blob);
  expect(fileReference.parse(reference)).toMatchObject({
    filename: "blob",
    mime_type: "image/webp",
    size_bytes: blob.size,
    expires_at: "2026-01-02T00:00:00.000Z",
  });
  expect(await files.get(reference.id)).toEqual(reference);

  const file = new File([readImage("face-png")], "face.png", { type: "image/png" });
  expect((await files.upload(file, { ttlSeconds: 60 })).expires_at).toBe("2026-01-01T00:01:00.000Z");
  expect(await files.upload(file, { ttlSeconds: "persistent" })).toMatchObject({
    filename: "face.png",
    expires_at: null,
  });

  expect(await files.delete(reference.id)).toBeUndefined();
  await expect(files.get(reference.id)).rejects.toMatchObject({
    code: "FILES_GET_ERROR",
    message: expect.stringContaining("Failed to get file: 404 - "),
  });
  await expect(files.delete(reference.id)).rejects.toMatchObject({ code: "FILES_DELETE_ERROR" });
  await expect(files.upload(new Blob(["GIF89a"], { type: "image/gif" }))).rejects.toMatchObject({
    code: "FILES_UPLOAD_ERROR",
    message: expect.stringContaining("looks like a GIF"),
  });
});

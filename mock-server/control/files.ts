/**
 * The files API over HTTP: upload, look up, delete. The one file that imports multer, which reads multipart bodies into memory within
 * the limits that stand here; what a file may be is the store's to say.
 */
import express, { type Request, type Response } from "express";
import multer from "multer";
import {
  API_KEY_HEADER,
  FILE_BYTES_MAX,
  FILE_FIELD,
  type FileReference,
  PATHS,
  parseFileUpload,
  type ValidationDetail,
} from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { noSuchFile } from "../file-store.ts";
import { checkKey } from "../gate.ts";
import { keptFrom, mayReach } from "../page-origin.ts";

/** Answers in FastAPI's error shape, and writes the journal. */
export type Refuse = (request: Request, response: Response, status: number, detail: unknown) => void;

/** Bodies read at the same time: each may take as much memory as the largest file. */
const uploadsMax = 16;
/** From an upload's head to its last byte. The largest file takes as long at 2.8 Mbit/s, and nobody is far from a mock server. */
const uploadMsMax = 30_000;
/** Of one body. One field is known, `ttl_seconds`; the rest is room for what later versions send. */
const limits = {
  files: 1,
  fields: 8,
  parts: 9,
  fileSize: FILE_BYTES_MAX,
  fieldSize: 1024,
  fieldNameSize: 100,
  fieldNestingDepth: 0,
};

const readForm = multer({ storage: multer.memoryStorage(), limits, defParamCharset: "utf8" }).single(
  FILE_FIELD,
);

export function files(context: ServerContext, refuse: Refuse): express.Router {
  const { journal, clock, files: store } = context;
  const router = express.Router();
  let uploadCount = 0;

  router.all([PATHS.files, PATHS.file], (request, response, next) => {
    // A client token may do all of this, too. Assumed.
    const checked = checkKey(context, request.get(API_KEY_HEADER) ?? "", request.get("origin"));
    if (checked.ok) next();
    else refuse(request, response, 401, checked.error);
  });

  router.post(PATHS.files, (request, response) => {
    if (!request.is("multipart/form-data")) {
      const type = request.get("content-type")?.slice(0, 80) ?? "nothing";
      const sentence = `The body is ${type}; it takes multipart/form-data with the file in the field "${FILE_FIELD}".`;
      return refuse(request, response, 422, fileProblem("missing", sentence));
    }
    if (uploadCount >= uploadsMax) {
      const sentence = `${uploadsMax} files are being uploaded, which is as many as may be. Try again when one is done, in ${uploadMsMax / 1000} s at the latest.`;
      return refuse(request, response, 503, sentence);
    }
    uploadCount++;
    const deadline = clock.after(uploadMsMax, () => {
      // What still comes of the body is not waited for.
      response.set("connection", "close");
      const sentence = `The upload is not complete after ${uploadMsMax / 1000} s, which is as long as one may take. Send it again, all of it at once.`;
      refuse(request, response, 408, sentence);
    });
    response.once("close", () => {
      deadline.cancel();
      uploadCount--;
    });
    readForm(request, response, (error) => {
      deadline.cancel();
      // Too late: it was told so.
      if (response.headersSent) return;
      if (!error) return takeFile(request, response);
      const { status, detail } = formProblem(error as FormError);
      refuse(request, response, status, detail);
    });
  });

  router.all(PATHS.file, (request, response, next) => {
    const { id } = request.params;
    const file = store.find(id);
    if (!file || mayReach(request.headers, file.origin)) return next();
    refuse(request, response, 403, keptFrom(`File ${id}`, request.headers));
  });

  router.get(PATHS.file, (request, response) => {
    const file = store.find(request.params.id);
    if (file) response.json(file.reference);
    else refuse(request, response, 404, noSuchFile(request.params.id));
  });

  router.delete(PATHS.file, (request, response) => {
    const file = store.delete(request.params.id);
    if (!file) return refuse(request, response, 404, noSuchFile(request.params.id));
    journal.add({ direction: "to-server", kind: "file-deleted", fields: summary(file.reference) });
    response.status(204).end();
  });

  function takeFile(request: Request, response: Response): void {
    const { file, body } = request;
    if (!file) return refuse(request, response, 422, noFile);
    const parsed = parseFileUpload(body);
    if (!parsed.ok) return refuse(request, response, 422, parsed.detail);
    const { buffer: bytes, originalname: filename, mimetype: claimedMime } = file;
    const { lifetimeSeconds } = parsed;
    const origin = request.get("origin") ?? null;
    const added = store.add({ bytes, filename, claimedMime, lifetimeSeconds, origin });
    if (!added.ok) {
      const isFull = added.why === "full";
      const detail = isFull ? added.error : fileProblem("value_error", added.error);
      return refuse(request, response, isFull ? 507 : 422, detail);
    }
    const { reference, warning } = added;
    const fields = { ...summary(reference), ...(warning && { warning }) };
    journal.add({ direction: "to-server", kind: "file-uploaded", fields });
    response.json(reference);
  }

  return router;
}

/** Not the file's name: it may be anything, and says more about a person than about the file. */
function summary({ id, mime_type: mime, size_bytes: sizeBytes }: FileReference) {
  return { id, mime, sizeBytes };
}

function fileProblem(type: string, msg: string): ValidationDetail[] {
  return [{ loc: ["body", FILE_FIELD], msg, type }];
}

const noFile = fileProblem(
  "missing",
  `There is no file in the form. Send it as the part named "${FILE_FIELD}", with a filename.`,
);

/** Of multer with a code, of the parser beneath it without. */
type FormError = Error & { readonly code?: string; readonly field?: string };

function formProblem({ code, field, message }: FormError): {
  status: number;
  detail: string | ValidationDetail[];
} {
  const name = JSON.stringify((field ?? "").slice(0, 40));
  switch (code) {
    case "LIMIT_FILE_SIZE":
      return {
        status: 413,
        detail: `The file is too large: at most ${FILE_BYTES_MAX} bytes are taken, as many as image_data holds. Scale it down or compress it more.`,
      };
    case "LIMIT_UNEXPECTED_FILE": {
      const sentence = `There is a file in the field ${name}; it belongs in "${FILE_FIELD}".`;
      return { status: 422, detail: fileProblem("missing", sentence) };
    }
    case "LIMIT_FILE_COUNT":
      return { status: 400, detail: "The form has more than one file. Send each in a request of its own." };
    case "LIMIT_PART_COUNT":
    case "LIMIT_FIELD_COUNT":
      return {
        status: 400,
        detail: `The form has too many parts: at most one file and ${limits.fields} fields are read.`,
      };
    case "LIMIT_FIELD_KEY":
      return { status: 400, detail: `The name of a field has more than ${limits.fieldNameSize} characters.` };
    case "LIMIT_FIELD_VALUE":
      // A part without a filename is a text.
      if (field === FILE_FIELD) return { status: 422, detail: noFile };
      return {
        status: 400,
        detail: `The field ${name} has more than ${limits.fieldSize} bytes. Shorten it.`,
      };
    case "LIMIT_FIELD_NESTING":
      return { status: 400, detail: `The field ${name} has a bracket in its name. Send a plain name.` };
    case "MISSING_FIELD_NAME":
      return { status: 400, detail: "A part of the form has no name. Give it one." };
    default:
      return {
        status: 400,
        detail:
          `The form cannot be read (${message.slice(0, 80)}). It was cut off, or its boundary is missing or another: ` +
          "let FormData make both the body and its content-type.",
      };
  }
}

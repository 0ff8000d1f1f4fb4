import { expect, test } from "vitest";
import { errorBody, FILE_BYTES_MAX, fileReference, parseFileUpload } from "./index.ts";

test.each<[string, unknown, number | "persistent"]>([
  ["JS 0.1.1, no lifetime", {}, 86_400],
  ["no text parts at all", undefined, 86_400],
  ["the shortest", { ttl_seconds: "60" }, 60],
  ["the longest", { ttl_seconds: "2592000" }, 2_592_000],
  ["for ever", { ttl_seconds: "persistent" }, "persistent"],
  ["a part from the future", { purpose: "reference" }, 86_400],
])("%s is taken", (_who, fields, lifetimeSeconds) => {
  expect(parseFileUpload(fields)).toEqual({ ok: true, lifetimeSeconds });
});

test.each<[unknown, string]>([
  ["59", '"59"'],
  ["2592001", '"2592001"'],
  ["", '""'],
  [" 60", '" 60"'],
  ["60.5", '"60.5"'],
  ["1e3", '"1e3"'],
  ["-60", '"-60"'],
  ["Persistent", '"Persistent"'],
  ["9".repeat(1000), `"${"9".repeat(40)}"`],
  [["60", "60"], "there more than once"],
])("a lifetime of %j is refused", (ttl, found) => {
  const result = parseFileUpload({ ttl_seconds: ttl });
  expect(result).toEqual({
    ok: false,
    detail: [
      {
        loc: ["body", "ttl_seconds"],
        msg: `ttl_seconds is ${found}; it takes a whole number of seconds from 60 to 2592000, or "persistent".`,
        type: "value_error",
      },
    ],
  });
  if (!result.ok) expect(errorBody.safeParse({ detail: result.detail }).success).toBe(true);
});

test("fields that are none are refused, too", () => {
  expect(parseFileUpload("ttl_seconds=60")).toMatchObject({ ok: false, detail: [{ loc: ["body"] }] });
});

const reference = {
  id: "file_1",
  filename: "face.png",
  mime_type: "image/png",
  size_bytes: 12,
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-01-02T00:00:00+00:00",
};

test.each([
  [{}, true],
  [{ filename: null, expires_at: null }, true],
  [{ purpose: "reference" }, true],
  [{ id: "img_1" }, false],
  [{ size_bytes: -1 }, false],
  [{ created_at: 1734264600 }, false],
  [{ expires_at: undefined }, false],
])("the answer with %j is one: %s", (change, valid) => {
  expect(fileReference.safeParse({ ...reference, ...change }).success).toBe(valid);
});

test("the largest file is what the largest base64 holds", () => {
  expect(Buffer.alloc(FILE_BYTES_MAX).toString("base64")).toHaveLength(10 * 1024 * 1024);
});

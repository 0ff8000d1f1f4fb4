import { expect, test } from "vitest";
import { images, readImage } from "../fixtures/images.ts";
import { FILE_BYTES_MAX, fileReference } from "../protocol/index.ts";
import { manualClock } from "./clock.ts";
import { createDice } from "./dice.ts";
import { createFileStore, type Upload } from "./file-store.ts";

const face = Buffer.from(readImage("face-small"));

/** A PNG by its first bytes, so long. */
const png = (length: number) => Buffer.concat([face.subarray(0, 8), Buffer.alloc(length - 8)]);

function openStore(seed = 1) {
  const clock = manualClock(new Date("2026-01-01T00:00:00Z"));
  const store = createFileStore(clock, createDice(seed));
  const add = (upload: Partial<Upload> = {}) =>
    store.add({
      bytes: face,
      filename: "face.png",
      claimedMime: "image/png",
      lifetimeSeconds: 60,
      origin: null,
      ...upload,
    });
  const mustAdd = (upload?: Partial<Upload>) => {
    const added = add(upload);
    if (!added.ok) throw new Error(added.error);
    return added.reference;
  };
  return { clock, store, add, mustAdd };
}

test("what was added is found, in the service's shape, with its bytes", () => {
  const { store, mustAdd } = openStore();
  const reference = mustAdd();
  expect(fileReference.parse(reference)).toEqual({
    id: expect.stringMatching(/^file_[0-9a-f]{32}$/),
    filename: "face.png",
    mime_type: "image/png",
    size_bytes: face.length,
    created_at: "2026-01-01T00:00:00.000Z",
    expires_at: "2026-01-01T00:01:00.000Z",
  });
  expect(store.find(reference.id)).toMatchObject({ reference, bytes: face });
  expect(store.find(`${reference.id}0`)).toBeUndefined();
  expect(store.find("file_")).toBeUndefined();
});

test("ids depend on the seed only, and no two are alike", () => {
  const ids = (seed: number) => {
    const { mustAdd } = openStore(seed);
    return Array.from({ length: 100 }, () => mustAdd().id);
  };
  expect(ids(1)).toEqual(ids(1));
  expect(new Set([...ids(1), ...ids(2)]).size).toBe(200);
});

test("a file is gone from the millisecond on that it expires, and leaves no timer", () => {
  const { clock, store, mustAdd } = openStore();
  const { id } = mustAdd({ lifetimeSeconds: 60 });
  const kept = mustAdd({ lifetimeSeconds: "persistent" });
  expect(kept.expires_at).toBeNull();
  expect(clock.pendingCount).toBe(0);
  clock.advance(59_999);
  expect(store.find(id)).toBeDefined();
  clock.advance(1);
  expect(store.find(id)).toBeUndefined();
  expect(store.delete(id)).toBeUndefined();
  clock.advance(100 * 365 * 24 * 3600 * 1000);
  expect(store.find(kept.id)).toBeDefined();
});

test("what is deleted is gone, once", () => {
  const { clock, store, mustAdd } = openStore();
  const reference = mustAdd();
  expect(store.delete(reference.id)?.reference).toBe(reference);
  expect(store.delete(reference.id)).toBeUndefined();
  const { id } = mustAdd();
  clock.advance(60_000);
  expect(store.delete(id)).toBeUndefined();
});

test("it holds so many files and drops none of them; expired ones make room, and so does deleting", () => {
  const { clock, store, add, mustAdd } = openStore();
  const oldest = mustAdd({ lifetimeSeconds: 3600 });
  for (let i = 0; i < 998; i++) mustAdd({ lifetimeSeconds: "persistent" });
  const last = mustAdd({ lifetimeSeconds: 60 });
  const full = {
    ok: false,
    why: "full",
    error:
      `There is no room for ${face.length} bytes more: 1000 files with ${1000 * face.length} bytes are held, and 1000 files or ` +
      "268435456 bytes is the most. Delete some, or upload with a shorter ttl_seconds.",
  };
  expect(add()).toEqual(full);
  expect(store.find(oldest.id)).toBeDefined();
  clock.advance(60_000);
  const next = mustAdd({ lifetimeSeconds: 3600 });
  expect(store.find(last.id)).toBeUndefined();
  expect(add()).toEqual(full);
  store.delete(next.id);
  expect(add()).toMatchObject({ ok: true });
});

test("it holds so many bytes, to the last one", () => {
  const { clock, store, add, mustAdd } = openStore();
  const room = 256 * 1024 ** 2;
  const fileCount = Math.floor(room / FILE_BYTES_MAX);
  const large = png(FILE_BYTES_MAX);
  const first = mustAdd({ bytes: large });
  for (let i = 1; i < fileCount; i++) mustAdd({ bytes: large, lifetimeSeconds: "persistent" });
  const rest = room - fileCount * FILE_BYTES_MAX;
  expect(add({ bytes: png(rest + 1) })).toMatchObject({ ok: false, why: "full" });
  const { id } = mustAdd({ bytes: png(rest), lifetimeSeconds: "persistent" });
  expect(add({ bytes: png(9) })).toMatchObject({ ok: false, why: "full" });
  store.delete(id);
  mustAdd({ bytes: png(rest), lifetimeSeconds: "persistent" });
  // A look-up that finds an expired file gives its bytes back.
  clock.advance(60_000);
  expect(store.find(first.id)).toBeUndefined();
  mustAdd({ bytes: large });
  expect(add({ bytes: png(9) })).toMatchObject({ ok: false, why: "full" });
});

test.each(images.filter(({ file }) => file !== "empty.png"))(
  "$name is told by its bytes",
  ({ name, mime }) => {
    const added = openStore().add({ bytes: Buffer.from(readImage(name)), claimedMime: mime });
    if (name === "text" || name === "gif") expect(added).toMatchObject({ ok: false, why: "unfit" });
    else expect(added).toMatchObject({ ok: true, warning: null, reference: { mime_type: mime } });
  },
);

test.each<[string, Partial<Upload>, string, string]>([
  ["no bytes", { bytes: Buffer.alloc(0) }, "unfit", "The file has no bytes. Send a JPEG, PNG or WebP file."],
  [
    "a GIF that claims to be a PNG",
    { bytes: Buffer.from(readImage("gif")) },
    "unfit",
    "The file looks like a GIF; JPEG, PNG and WebP are taken. Convert it to one of them.",
  ],
  [
    "a name of 256 characters",
    { filename: "x".repeat(256) },
    "unfit",
    "The file's name has 256 characters; at most 255 are taken. Shorten it.",
  ],
])("refuses %s", (_what, upload, why, error) => {
  expect(openStore().add(upload)).toEqual({ ok: false, why, error });
});

test.each<[string, Partial<Upload>]>([
  ["a name of 255 characters", { filename: "x".repeat(255) }],
  ["no name", { filename: null }],
])("takes %s", (_what, upload) => {
  expect(openStore().add(upload)).toMatchObject({ ok: true });
});

test.each([
  ["image/png", null],
  ["application/octet-stream", null],
  ["text/plain", null],
  ["image/jpeg", "The file was sent as image/jpeg, but its bytes are image/png; it is kept as what it is."],
  [`image/${"x".repeat(200)}`, expect.stringMatching(/^The file was sent as image\/x{74}, but/)],
])("a PNG that is sent as %s is taken as a PNG, with the warning %o", (claimedMime, warning) => {
  expect(openStore().add({ claimedMime })).toMatchObject({
    ok: true,
    warning,
    reference: { mime_type: "image/png" },
  });
});

/** The thread that reads pictures, on clips whose strips say what is in them. */
import { expect, onTestFinished, test } from "vitest";
import { readClip } from "../../../fixtures/index.ts";
import { codecs } from "../../generator.ts";
import { type Outcome, type PictureReader, startPictureReaders } from "./picture-readers.ts";

async function start() {
  const readers = await startPictureReaders();
  onTestFinished(() => readers.close());
  return readers;
}

const read = (reader: PictureReader, data: Uint8Array, key: boolean) =>
  new Promise<Outcome>((resolve) => reader.read(new Uint8Array(data), key, resolve));
const inputOf = (outcome: Outcome) =>
  typeof outcome === "object" && outcome ? (outcome.input?.frameId ?? null) : outcome;

test("reads the strips of each codec and size, side by side", async () => {
  const readers = await start();
  const names = codecs.flatMap((codec) => [`${codec}-180p15`, `${codec}-720p30`] as const);
  const reading = names.map(async (name) => {
    const reader = readers.open(name.startsWith("vp8") ? "vp8" : "h264");
    const pictures = readClip(name).frames.slice(0, 6);
    return (await Promise.all(pictures.map(({ data, key }) => read(reader, data, key)))).map(inputOf);
  });
  expect(await Promise.all(reading)).toEqual(names.map(() => [0, 1, 2, 3, 4, 5]));
});

test("says where no picture comes of the bytes", async () => {
  const reader = (await start()).open("vp8");
  expect(await read(reader, Uint8Array.of(1, 2, 3), false)).toBeNull();
});

test("passes over pictures where it is behind, and reads again from a key picture on", async () => {
  const reader = (await start()).open("vp8");
  const { frames } = readClip("vp8-180p15");
  const flood = [...frames, ...frames, ...frames.slice(0, 3)];
  const outcomes = await Promise.all(flood.map(({ data, key }) => read(reader, data, key)));
  expect(outcomes.map(inputOf)).toEqual([
    ...frames.keys(),
    ...frames.keys(),
    ...["unread", "unread", "unread"],
  ]);
  const later: Outcome[] = [];
  for (const { data, key } of [frames[3]!, frames[0]!, frames[1]!]) later.push(await read(reader, data, key));
  expect(later.map(inputOf)).toEqual(["unread", 0, 1]);
});

test("says nothing after it was closed", async () => {
  const readers = await start();
  const { data, key } = readClip("vp8-180p15").frames[0]!;
  const closed = readers.open("vp8");
  const told: Outcome[] = [];
  closed.read(new Uint8Array(data), key, (outcome) => told.push(outcome));
  closed.close();
  expect(inputOf(await read(readers.open("vp8"), data, key))).toBe(0);
  expect(told).toEqual([]);
});

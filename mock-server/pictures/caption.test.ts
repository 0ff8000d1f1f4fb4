import { expect, test } from "vitest";
import { bars, createFrame, type Frame, matchGolden } from "../../fixtures/index.ts";
import { caption } from "../transforms/caption.ts";
import type { Look, Mask } from "../transforms/look.ts";
import { rasterise } from "./caption.ts";

const scripts = [
  "A friend with a red hat, please: “naïve” façade, 100 %",
  "Друг в красной шляпе, и жёлтый шарф",
  "Ένας φίλος με κόκκινο καπέλο",
  "戴着红帽子的朋友、赤い帽子の友達、빨간 모자를 쓴 친구",
  "صديق يرتدي قبعة حمراء (رقم 12) ولا وشاح",
  "חבר עם כובע אדום (מספר 12) ו-SDK חדש",
  "लाल टोपी वाला दोस्त",
  "เพื่อนใส่หมวกแดง น้ำที่นี่",
  "Emoji become boxes 😀 👍🏽, symbols stay ☀ ❤️ →",
];

test("captions of many scripts look as they did when they were last looked at", async () => {
  const height = 56;
  const sheet = createFrame(640, height * scripts.length);
  for (const [index, prompt] of scripts.entries()) {
    const strip = bars(index * 10, 640, height);
    caption.apply(strip, lookWith(await rasterise(prompt)));
    lay(strip, sheet, index * height);
  }
  matchGolden("transforms/caption-scripts", sheet);
});

test("a long prompt takes three lines and an ellipsis", async () => {
  const prompt =
    "Change the jacket of the person in the middle to bright red leather with silver buttons. ".repeat(9);
  const frame = bars(40, 640, 180);
  caption.apply(frame, lookWith(await rasterise(prompt)));
  matchGolden("transforms/caption-long", frame);
});

test.each([
  ["one letter", "a", 1, 16],
  ["75 narrow letters", "i".repeat(75), 1, 600],
  ["76 narrow letters", "i".repeat(76), 2, 600],
  ["words that fit exactly", `${"a".repeat(37)} ${"b".repeat(37)}`, 1, 600],
  ["a word that does not fit any more", `${"a".repeat(37)} ${"b".repeat(38)}`, 2, 304],
  ["37 wide letters", "漢".repeat(37), 1, 592],
  ["38 wide letters", "漢".repeat(38), 2, 592],
  ["a wide word after a narrow one", `a ${"漢".repeat(37)}`, 2, 592],
  ["more than three lines", "word ".repeat(100), 3, 600],
  ["a word of 10,000 letters", "i".repeat(10_000), 3, 600],
  ["10,000 wide letters", "漢".repeat(10_000), 3, 600],
])("wraps %s", async (_, prompt, lineCount, width) => {
  const mask = (await rasterise(prompt))!;
  expect({ lineCount: (mask.height - 16) / 19 + 1, width: mask.width }).toEqual({ lineCount, width });
});

test.each([
  ["new lines and tabs", "a\r\nb\t\tc\u2028d", "a b c d"],
  ["spaces at both ends", "  a b \n", "a b"],
  ["control characters", "a\u0000b\u0007\u009fc", "abc"],
  ["invisible characters", "a\u200bb\u200ec\ufe0f\u2066d", "abcd"],
  ["a letter and its accent apart", "e\u0301", "é"],
  ["Korean letters apart", "\u1112\u1161\u11ab", "한"],
  ["an emoji", "a😀b", "a�b"],
  ["an emoji with a skin tone", "👍🏽", "�"],
  ["half a surrogate pair", "a\ud800b", "a�b"],
  ["brackets from right to left", "(א)", "(א)"],
])("writes %s like something plain", async (_, prompt, plain) => {
  expect(await rasterise(prompt)).toEqual(await rasterise(plain));
});

test.each([
  ["no characters", ""],
  ["spaces", " \n\t "],
  ["control characters", "\u0000\u001b"],
  ["invisible characters", "\u200b\u2060\ufeff"],
  ["what comes after 512 characters", `${" ".repeat(512)}abc`],
])("has nothing to write for %s", async (_, prompt) => {
  expect(await rasterise(prompt)).toBeNull();
});

test("Hebrew runs from right to left, with numbers and Latin words the other way and brackets turned round", async () => {
  const columns = await letters("(אב) 12 ab");
  const expected = await Promise.all(["a", "b", " ", "1", "2", " ", "(", "ב", "א", ")"].map(letter));
  expect(columns).toEqual(expected);
});

test.each([
  ["Latin", "x\u0302y", "xy", 0],
  ["Hebrew", "ב\u05b8א", "בא", 1],
  ["Arabic", "ب\u064eا", "با", 1],
  ["Thai", "ก\u0e31ข", "กข", 0],
])("a %s mark lies over the letter that it was written after", async (_, marked, plain, place) => {
  const [withMark, without] = await Promise.all([letters(marked), letters(plain)]);
  expect(withMark.length).toBe(2);
  expect(withMark.map((columns, index) => columns === without[index])).toEqual([place !== 0, place !== 1]);
});

function lookWith(mask: Mask | null): Look {
  const nothing = { revision: 1, prompt: "", promptHash: 1, imageHash: 0, image: null, mirrored: false };
  return { ...nothing, caption: mask };
}

function lay(from: Frame, to: Frame, row: number): void {
  to.y.set(from.y, row * to.width);
  to.u.set(from.u, (row / 2) * (to.width / 2));
  to.v.set(from.v, (row / 2) * (to.width / 2));
}

/** The eight columns of each narrow letter of a line, left to right, as text. */
async function letters(prompt: string): Promise<string[]> {
  const { width, height, data } = (await rasterise(prompt))!;
  return Array.from({ length: width / 8 }, (_, index) =>
    Array.from({ length: height }, (_, row) =>
      [...data.subarray(row * width + index * 8, row * width + index * 8 + 8)]
        .map((dot) => (dot ? "#" : "."))
        .join(""),
    ).join("\n"),
  );
}

/** A letter alone; a second one keeps the mask from being widened and centred. */
async function letter(character: string): Promise<string> {
  if (character === " ") return (await letters("a b"))[1]!;
  return /[א-ת]/.test(character)
    ? (await letters(`${character}א`))[1]!
    : (await letters(`${character}a`))[0]!;
}

/** Histories written by hand: legal ones that the judge must let pass, and illegal ones with the promise that each breaks. */
import { describe, expect, test } from "vitest";
import { type Happening, judgeHistory } from "./judge-history.ts";

/**
 * `>a:12` asks for prompt 1 and image 2, `.` leaves a part as it is and `0` takes it away; `<a` acks it, `!a` refuses it. `12@3` is a picture of
 * revision 3 that shows prompt 1 with image 2; without a revision it has the one of the picture before, `*4` makes four of it.
 */
function read(text: string): Happening[] {
  let revision = 0;
  let count = 0;
  return text.split(" ").flatMap((word): Happening[] => {
    const asks = /^>(\w+):([.\d])([.\d])$/.exec(word);
    if (asks) {
      const [, id, prompt, image] = asks;
      return [
        {
          is: "asked",
          id: id!,
          ...(prompt !== "." && { prompt: Number(prompt) }),
          ...(image !== "." && { image: Number(image) }),
        },
      ];
    }
    const acks = /^([<!])(\w+)$/.exec(word);
    if (acks) return [{ is: "acked", id: acks[2]!, ok: acks[1] === "<" }];
    const [, prompt, image, at, times] = /^(\d)(\d)(?:@(\d+))?(?:\*(\d+))?$/.exec(word)!;
    revision = at === undefined ? revision : Number(at);
    return Array.from({ length: Number(times ?? 1) }, () => ({
      is: "shown" as const,
      prompt: Number(prompt),
      image: Number(image),
      revision,
      count: count++ & 0xfff,
    }));
  });
}

describe("legal", () => {
  test.each([
    ["nothing at all", "00"],
    ["no picture", ">a:12 <a"],
    ["passthrough for long", "00*9"],
    ["a set of both", "00 >a:12 <a 12@1"],
    ["in force before its ack", "00 >a:12 12@1 <a 12"],
    ["pictures that were under way after the ack", "00 >a:12 <a 00*9 12@1"],
    ["a prompt, then an image", "00 >a:1. <a 10@1 >b:.2 <b 12@2"],
    ["an image, then a prompt", "00 >a:.2 <a 02@1 >b:1. <b 12@2"],
    ["an image is taken away", ">a:12 <a 12@1 >b:.0 <b 10@2"],
    ["all is taken away", ">a:12 <a 12@1 >b:00 <b 00@2"],
    ["three in flight, one after the other", ">a:1. >b:2. >c:3. 10@1 20@2 30@3 <a <b <c 30"],
    ["three in flight, pictures of the last only", ">a:1. >b:2. >c:3. <a <b <c 30@3"],
    ["the same set twice", ">a:12 <a 12@1 >b:12 <b 12@2"],
    ["there and back again", ">a:1. <a 10@1 >b:2. <b 20@2 >c:1. <c 10@3"],
    ["a refused set", "00 >a:12 !a 00*9 00*9"],
    ["a refused set between two", ">a:11 <a 11@1 >b:22 !b 11 >c:33 <c 33@2"],
    ["an ack that never comes, and it shows", ">a:12 12@1 12*20"],
    ["an ack that never comes, and it never shows", ">a:12 00*30"],
    ["an ack that never comes, and the next builds on it", ">a:1. >b:.2 <b 12@2"],
    ["an ack that never comes, and the next does not build on it", ">a:1. >b:.2 <b 02@1"],
    ["refused, and the same is then taken", ">a:12 !a 00 >b:12 <b 12@1"],
    ["a second ack is one too many, and says nothing", ">a:1. <a <a 10@1"],
    ["pictures that were left out", ">a:1. <a 10@1 >b:2. <b >c:3. <c 30@3"],
    ["a revision counter that begins anew", "10@4095", ">a:1. <a"],
    ["an ack of what nobody asked", "00 <z 00"],
  ])("%s", (_name, text, first = "") => {
    expect(judgeHistory(read(`${first} ${text}`.trim()))).toEqual([]);
  });
});

const mixes = "no picture mixes one state's prompt with another's image";
const back = "no picture goes back to an older state";
const refused = "a change that was refused changes nothing";
const late = "a change takes effect soon after its ack";
const early = "nothing shows before it was asked for";
const unknown = "no picture shows what nobody asked for";
const oneLook = "pictures of one revision show one state";
const order = "pictures come in the order in which they were made";

describe("illegal", () => {
  test.each([
    ["the prompt before its image", ">a:11 <a 11@1 >b:22 <b 21@2 22@3", [mixes]],
    ["the image before its prompt", ">a:11 <a 11@1 >b:22 <b 12@2 22@3", [mixes]],
    ["the first set torn, prompt first", "00 >a:12 <a 10@1 12", [mixes, oneLook]],
    ["the first set torn, image first", "00 >a:12 <a 02@1 12@2", [mixes]],
    ["torn before its ack", "00 >a:12 02@1 <a 12@2", [mixes]],
    ["torn in one revision", ">a:11 <a 11@1 >b:22 <b 21@2 22@2", [mixes, oneLook]],
    ["a mixture of the first and the third", ">a:11 <a 11@1 >b:22 <b 22@2 >c:33 <c 13@3 33@4", [mixes]],
    ["cleared in two steps", ">a:12 <a 12@1 >b:00 <b 02@2 00@3", [mixes]],
    ["back for a picture", ">a:1. <a 10@1 >b:2. <b 20@2 10@1 20@2", [back]],
    ["back, with a new revision", ">a:1. <a 10@1 >b:2. <b 20@2 10@3", [back]],
    ["back to nothing", ">a:12 <a 12@1 00", [back, oneLook]],
    ["back by revision only", ">a:12 <a 12@3 12@2", [back]],
    ["a refused prompt shows", "00 >a:1. !a 10@1", [refused]],
    ["a refused set shows for one picture", ">a:11 <a 11@1 >b:22 !b 22@2 11@1", [refused, back]],
    ["a refused set shows before it is refused", ">a:22 22@1 !a 00@2", [refused]],
    ["half of a refused set shows", ">a:11 <a 11@1 >b:22 !b 21@2", [refused]],
    ["acked and never shown", "00 >a:12 <a 00*12", [late]],
    ["acked and shown much too late", "00 >a:12 <a 00*11 12@1", [late]],
    ["the second is acked and never shown", ">a:1. <a 10@1 >b:2. <b 10*12", [late]],
    ["shown before it was asked for", "00 10@1 >a:1. <a 10", [early]],
    ["the image of a set that comes later", ">a:1. <a 10@1 12@2 >b:.2 <b", [early]],
    ["somebody else's prompt", "00 70@1", [unknown]],
    ["somebody else's image", ">a:12 <a 12@1 18@2", [unknown]],
    ["one revision, two looks", ">a:1. >b:2. <a <b 10@1 20@1", [oneLook]],
    ["never applied, and the next shows it without the first", ">a:1. <a >b:.2 <b 02@2", [mixes]],
  ])("%s", (_name, text, rules) => {
    const findings = judgeHistory(read(text));
    expect(findings.map(({ rule }) => rule).toSorted()).toEqual([...rules].toSorted());
  });

  test("pictures in another order than they were made in", () => {
    const [one, two] = read("00*2");
    expect(judgeHistory([two!, one!]).map(({ rule }) => rule)).toEqual([order]);
  });

  test("counters that wrap go on", () => {
    const shown = [4094, 4095, 0, 1].map((count) => ({ ...read("00")[0]!, count }) as Happening);
    expect(judgeHistory(shown)).toEqual([]);
  });

  test("each kind is told once, with the smallest window that shows it", () => {
    const findings = judgeHistory(read("00*9 >a:11 <a 11@1*30 >b:22 <b 11*3 21@2 21 21@3 22@4"));
    expect(findings).toEqual([
      {
        rule: mixes,
        expected: "prompt 1 with image 1, or prompt 2 with image 2",
        got: "prompt 2 with image 1",
        window: [
          "asked b: prompt 2, image 2",
          "acked b: yes",
          "shown revision 1: prompt 1 with image 1 (3 pictures)",
          "shown revision 2: prompt 2 with image 1",
        ],
      },
    ]);
  });

  test("how late is late is said by the rules", () => {
    const history = read("00 >a:12 <a 00*4 12@1");
    expect(judgeHistory(history, { lateMax: 3 }).map(({ rule }) => rule)).toEqual([late]);
    expect(judgeHistory(history, { lateMax: 4 })).toEqual([]);
  });
});

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Cell,
  createFrame,
  type Frame,
  stripsFit,
  writeInputStrip,
  writeOutputStrip,
} from "../../../fixtures/index.ts";
import { findPython } from "./index.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../fixtures/strips.golden.json", import.meta.url), "utf8"),
);
const python = await findPython();

/** Says, for each line of JSON that it reads, what the Python of the driver makes of it. */
const script = `
import base64, json, sys
import strips
for line in sys.stdin:
    ask = json.loads(line)
    if "text" in ask: got = strips.crc16(ask["text"].encode())
    elif "frameId" in ask: got = strips.pack_input(ask["frameId"], ask["timestampMs"], ask["flags"]).hex()
    elif "hex" in ask:
        row = bytes.fromhex(ask["hex"])
        got = [strips.unpack_input(row), strips.unpack_output(row)]
    elif "draw" in ask:
        luma = bytearray(ask["stride"] * 64)
        strips.write_input(luma, ask["stride"], ask["draw"], bytes.fromhex(ask["row"]))
        got = base64.b64encode(luma).decode()
    elif "y" in ask:
        luma = memoryview(base64.b64decode(ask["y"]))
        got = strips.read(luma, ask["width"], ask["width"], ask["height"])
    else: got = [strips.edges_of(ask["width"]), strips.lines_of(ask["width"]), strips.lines_of(ask["width"], strips.TALL)]
    print(json.dumps(got))
`;

function ask(questions: readonly object[]): unknown[] {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
  // -B: no folder of compiled files beside the sources.
  return execFileSync(python!, ["-B", "-c", script], { cwd: import.meta.dirname, input, encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const [strip] = golden.input.slice(3);
const [made] = golden.output.slice(3);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

function picture(width: number, height: number, cell: Cell): Frame {
  const frame = createFrame(width, height);
  writeInputStrip(frame, strip, cell);
  writeOutputStrip(frame, made, cell);
  return frame;
}

/** Every second pixel of every second line. */
function half({ width, height, y }: Frame) {
  const small = { width: width / 2, height: height / 2, y: new Uint8Array((width * height) / 4) };
  for (let at = 0; at < small.y.length; at++) {
    small.y[at] = y[2 * Math.floor(at / small.width) * width + 2 * (at % small.width)]!;
  }
  return small;
}

const inputOf = ({ frameId, timestampMs, flags }: typeof strip) => ({ frameId, timestampMs, flags });
const outputOf = ({ revision, promptHash, imageHash, outputCount }: typeof made) => ({
  revision,
  promptHash,
  imageHash,
  outputCount,
});

const pictures = [
  ...[320, 426, 480, 640, 854, 960, 1088, 1280, 1920].flatMap((width) =>
    (["normal", "tall"] as const).map((cell) => ({ name: `${width}, ${cell}`, ...picture(width, 96, cell) })),
  ),
  ...(["normal", "tall"] as const).map((cell) => ({
    name: `854 made half, ${cell}`,
    ...half(picture(854, 96, cell)),
  })),
];
const unreadable = [
  { name: "none", width: 640, height: 96, y: new Uint8Array(640 * 96) },
  { name: "too narrow", width: 64, height: 96, y: new Uint8Array(64 * 96) },
  { name: "too low", ...picture(640, 96, "normal"), height: 4 },
];
const drawn = [
  { draw: 320, stride: 320 },
  { draw: 426, stride: 448 },
  { draw: 1280, stride: 1280 },
];

describe.skipIf(!python)("strips.py", () => {
  const questions: Record<string, object[]> = {
    crc: [golden.crc16],
    packed: golden.input,
    unpacked: [...golden.input, ...golden.output, ...golden.refused].map(({ hex }) => ({ hex })),
    geometry: golden.geometry,
    pictures: [...pictures, ...unreadable].map(({ width, height, y }) => ({ width, height, y: base64(y) })),
    drawn: drawn.map((about) => ({ ...about, row: strip.hex })),
  };
  const answers: Record<string, unknown[]> = {};

  beforeAll(() => {
    const all = ask(Object.values(questions).flat());
    for (const [name, asked] of Object.entries(questions)) answers[name] = all.splice(0, asked.length);
  });

  test("has the CRC", () => expect(answers.crc).toEqual([golden.crc16.value]));

  test("packs the golden input strips", () =>
    expect(answers.packed).toEqual(golden.input.map(({ hex }: { hex: string }) => hex)));

  test("unpacks the golden strips, and refuses what no reader may accept", () =>
    expect(answers.unpacked).toEqual([
      ...golden.input.map((one: typeof strip) => [inputOf(one), null]),
      ...golden.output.map((one: typeof made) => [null, outputOf(one)]),
      ...golden.refused.map(() => [null, null]),
    ]));

  test("has the geometry", () =>
    expect(answers.geometry).toEqual(
      golden.geometry.map(({ edges, lines }: { edges: number[]; lines: Record<Cell, number> }) => [
        edges,
        lines.normal,
        lines.tall,
      ]),
    ));

  test.each(pictures.map(({ name }, index) => [name, index] as const))(
    "reads both strips of a picture: %s",
    (_name, index) => expect(answers.pictures![index]).toEqual([inputOf(strip), outputOf(made)]),
  );

  test.each(unreadable.map(({ name }, index) => [name, index] as const))(
    "reads no strips: %s",
    (_name, index) => expect(answers.pictures![pictures.length + index]).toEqual([null, null]),
  );

  test.each(drawn.map((about, index) => [about, index] as const))(
    "draws what ours draws: %j",
    ({ draw, stride }, index) => {
      expect(stripsFit(draw, 64)).toBe(true);
      const frame = createFrame(draw, 64);
      frame.y.fill(0);
      writeInputStrip(frame, strip);
      const expected = Buffer.alloc(stride * 64);
      for (let line = 0; line < 64; line++)
        expected.set(frame.y.subarray(line * draw, (line + 1) * draw), line * stride);
      expect(answers.drawn![index]).toBe(expected.toString("base64"));
    },
  );
});

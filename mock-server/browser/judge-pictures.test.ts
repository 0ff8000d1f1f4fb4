import { describe, expect, it } from "vitest";
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import type { JournalLine } from "../journal.ts";
import { judgePictures, judgeRelayed, statesOf } from "./judge-pictures.ts";

const journal: JournalLine[] = [
  line("s", "state", { revision: 1, promptHash: 11, imageHash: 0 }),
  line("other", "state", { revision: 1, promptHash: 77, imageHash: 88 }),
  line("s", "shown", { revision: 1, promptHash: 99, imageHash: 99 }),
  line("s", "state", { revision: 2, promptHash: 11, imageHash: 22 }),
];

/** `[input frame, revision, prompt hash, image hash, output count]`; `null` for a strip that could not be read. */
type Row = [number | null, [number, number, number, number] | null];

const passthrough: Row = [5, [0, 0, 0, 0]];

const histories: Record<string, { rows: Row[]; findings: RegExp[] }> = {
  "nothing seen": { rows: [], findings: [] },
  "state after state": {
    rows: [passthrough, [6, [1, 11, 0, 1]], [9, [2, 11, 22, 4]]],
    findings: [],
  },
  "a picture seen twice": { rows: [passthrough, passthrough], findings: [] },
  "counters that wrap": {
    rows: [
      [5, [0, 0, 0, 4095]],
      [6, [0, 0, 0, 0]],
    ],
    findings: [],
  },
  "revisions left out": { rows: [passthrough, [6, [2, 11, 22, 1]]], findings: [] },
  "a new image under the old prompt": {
    rows: [passthrough, [6, [1, 11, 22, 1]], [7, [2, 11, 22, 2]]],
    findings: [
      /^Picture 1 .* revision 1 with prompt 11 and image 22; the journal says prompt 11 and image 0\.$/,
    ],
  },
  "another session's state": { rows: [[5, [1, 77, 88, 0]]], findings: [/prompt 77 and image 88/] },
  "a revision nobody made": {
    rows: [[5, [3, 11, 22, 0]]],
    findings: [/revision 3, which the journal does not know/],
  },
  "an older revision again": {
    rows: [passthrough, [6, [2, 11, 22, 1]], [7, [1, 11, 0, 2]]],
    findings: [/^Picture 2 .* goes back from revision 2 to 1\.$/],
  },
  "an older output again": {
    rows: [
      [5, [0, 0, 0, 7]],
      [6, [0, 0, 0, 6]],
    ],
    findings: [/goes back from output 7 to 6/],
  },
  "an older input again": {
    rows: [
      [5, [0, 0, 0, 0]],
      [4, [0, 0, 0, 1]],
    ],
    findings: [/goes back from input frame 5 to 4/],
  },
  "one count for two pictures": {
    rows: [
      [5, [0, 0, 0, 0]],
      [6, [0, 0, 0, 0]],
    ],
    findings: [/has the output count 0 of another picture/],
  },
  "no output strip": { rows: [[5, null]], findings: [/^Picture 0 \(640×360\) has no output strip/] },
  "no input strip": { rows: [[null, [0, 0, 0, 0]]], findings: [/has no input strip/] },
  "no strip at all": {
    rows: [passthrough, [null, null]],
    findings: [/^Picture 1 .* no input and no output strip/],
  },
  "going back across an unreadable picture": {
    rows: [
      [5, [0, 0, 0, 7]],
      [null, null],
      [6, [0, 0, 0, 6]],
    ],
    findings: [/^Picture 1 /, /^Picture 2 .* goes back from output 7 to 6/],
  },
};

describe("judgePictures", () => {
  it.each(Object.entries(histories))("%s", (_name, { rows, findings }) => {
    const found = judgePictures(rows.map(picture), journal, "s");
    expect(found).toEqual(findings.map((finding) => expect.stringMatching(finding)));
  });

  it("compares revisions beyond 4095 by what a strip can carry", () => {
    const lines = [line("s", "state", { revision: 4098, promptHash: 1, imageHash: 2 })];
    expect(judgePictures([picture([5, [2, 1, 2, 0]])], lines, "s")).toEqual([]);
  });
});

describe("statesOf", () => {
  it("begins with the state of a new session and takes that session's lines only", () => {
    expect(statesOf(journal, "s").map(({ revision, imageHash }) => [revision, imageHash])).toEqual([
      [0, 0],
      [1, 0],
      [2, 22],
    ]);
  });
});

describe("judgeRelayed", () => {
  it.each<[string, Row[], RegExp[]]>([
    [
      "the sender's strips in order",
      [
        [1, null],
        [1, null],
        [3, null],
      ],
      [],
    ],
    ["an output strip", [[1, [0, 0, 0, 0]]], [/relay mode writes none/]],
    ["no strip", [[null, null]], [/no input strip/]],
    [
      "going back",
      [
        [3, null],
        [2, null],
      ],
      [/goes back from input frame 3 to 2/],
    ],
  ])("%s", (_name, rows, findings) => {
    expect(judgeRelayed(rows.map(picture))).toEqual(
      findings.map((finding) => expect.stringMatching(finding)),
    );
  });
});

function picture([frameId, output]: Row): SeenPicture {
  const [revision, promptHash, imageHash, outputCount] = output ?? [];
  return {
    atMs: 0,
    width: 640,
    height: 360,
    input: frameId === null ? null : { frameId, timestampMs: 0, flags: 0 },
    output: output && {
      revision: revision!,
      promptHash: promptHash!,
      imageHash: imageHash!,
      outputCount: outputCount!,
    },
  };
}

function line(session: string, kind: string, fields: Record<string, unknown>): JournalLine {
  return { seq: 1, atMs: 0, session, direction: "inside", kind, fields, measured: false };
}

/**
 * Judges what a page saw of one session against what the server's journal says was in force. Pure: reads finished lists and
 * returns findings as sentences, none when all is well.
 */

import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { counterDistance, type InputStrip, type OutputStrip } from "../../fixtures/strips.ts";
import type { JournalLine } from "../journal.ts";

/** What the strip of a picture must say while this state is in force. */
type Shown = Pick<OutputStrip, "revision" | "promptHash" | "imageHash">;

/** The states of a session, as strips show them: that of a new one, then those the journal recorded. */
export function statesOf(lines: readonly JournalLine[], session: string): Shown[] {
  const recorded = lines
    .filter((line) => line.session === session && line.kind === "state")
    .map(({ fields }) => fields as Shown);
  return [{ revision: 0, promptHash: 0, imageHash: 0 }, ...recorded];
}

/**
 * Every picture carries both strips; says what one state says, whole; and nothing ever goes back: not the revision, not the
 * server's count, not the sender's. Equal counts are one picture, seen twice.
 */
export function judgePictures(
  pictures: readonly SeenPicture[],
  lines: readonly JournalLine[],
  session: string,
): string[] {
  const states = new Map(statesOf(lines, session).map((state) => [state.revision & 0xfff, state]));
  const findings: string[] = [];
  let before: { input: InputStrip; output: OutputStrip } | null = null;
  for (const [index, { input, output, width, height }] of pictures.entries()) {
    const picture = `Picture ${index} (${width}×${height})`;
    if (!input || !output) {
      const missing = [input ? [] : "input", output ? [] : "output"].flat().join(" and no ");
      findings.push(`${picture} has no ${missing} strip that can be read.`);
      continue;
    }
    const state = states.get(output.revision);
    if (!state) {
      findings.push(`${picture} shows revision ${output.revision}, which the journal does not know.`);
    } else if (state.promptHash !== output.promptHash || state.imageHash !== output.imageHash) {
      findings.push(
        `${picture} shows revision ${output.revision} with prompt ${output.promptHash} and image ${output.imageHash}; ` +
          `the journal says prompt ${state.promptHash} and image ${state.imageHash}.`,
      );
    }
    if (before) {
      const steps = counterDistance(before.output.outputCount, output.outputCount);
      if (counterDistance(before.output.revision, output.revision) < 0) {
        findings.push(`${picture} goes back from revision ${before.output.revision} to ${output.revision}.`);
      }
      if (steps < 0) {
        findings.push(
          `${picture} goes back from output ${before.output.outputCount} to ${output.outputCount}.`,
        );
      }
      if (input.frameId < before.input.frameId) {
        findings.push(`${picture} goes back from input frame ${before.input.frameId} to ${input.frameId}.`);
      }
      if (
        steps === 0 &&
        (input.frameId !== before.input.frameId || output.revision !== before.output.revision)
      ) {
        findings.push(`${picture} has the output count ${output.outputCount} of another picture.`);
      }
    }
    before = { input, output };
  }
  return findings;
}

/** Findings for pictures that no codec touched: the sender's strip is there, in order; the server's is not. */
export function judgeRelayed(pictures: readonly SeenPicture[]): string[] {
  const findings: string[] = [];
  let last = -1;
  for (const [index, { input, output }] of pictures.entries()) {
    if (output) findings.push(`Picture ${index} has an output strip; relay mode writes none.`);
    if (!input) findings.push(`Picture ${index} has no input strip that can be read.`);
    else if (input.frameId < last)
      findings.push(`Picture ${index} goes back from input frame ${last} to ${input.frameId}.`);
    last = input?.frameId ?? last;
  }
  return findings;
}

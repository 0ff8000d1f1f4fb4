/** Results of several subjects side by side, as a Markdown table: an area a row, a subject a column. */
import { prose } from "./markdown.ts";
import type { RunResult, Verdict } from "./result.ts";
import { areasOf, tallyOf } from "./tally.ts";

/** Without a line end. Areas in the order in which they first come in any of the results. */
export function resultsTable(results: readonly RunResult[]): string {
  const areas = [...new Set(results.flatMap(({ verdicts }) => [...areasOf(verdicts).keys()]))];
  const row = (name: string, cells: readonly string[]) => `| ${[name, ...cells].join(" | ")} |`;
  return [
    row("area", results.map(headOf)),
    row(
      "---",
      results.map(() => "---"),
    ),
    ...areas.map((area) =>
      row(
        prose(area),
        results.map(({ verdicts }) => cellOf(verdicts.filter((verdict) => verdict.area === area))),
      ),
    ),
    row(
      "**all**",
      results.map(({ verdicts }) => cellOf(verdicts)),
    ),
  ].join("\n");
}

function headOf({ subject, target }: RunResult): string {
  return prose(target === "mock" ? subject : `${subject} against ${target}`);
}

/** `4/6, 1 known, **1 new**`: passed of judged, and what became of the others. Empty where nothing was asked. */
function cellOf(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const { passed, judged, known, failed, unsupported, inconclusive } = tallyOf(verdicts);
  return [
    ...(judged > 0 ? [`${passed}/${judged}`] : []),
    ...(known > 0 ? [`${known} known`] : []),
    ...(failed > 0 ? [`**${failed} new**`] : []),
    ...(inconclusive > 0 ? [`${inconclusive} inconclusive`] : []),
    ...(judged === 0 && unsupported > 0 ? ["unsupported"] : []),
  ].join(", ");
}

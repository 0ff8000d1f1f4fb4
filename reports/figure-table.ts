/** Figures as a table: for a terminal, and as Markdown for a pull request or a README. */
import { type Figure, median } from "./figure.ts";

const head = ["figure", "median", "unit", "min … max", "runs", "aim"];

export function figureText(figures: readonly Figure[]): string {
  const rows = [head, ...figures.map(cells)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => [...row[column]!].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column]!, column === 1))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function figureMarkdown(figures: readonly Figure[]): string {
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    line(head),
    line(["---", "--:", "---", "---", "--:", "---"]),
    ...figures.map((figure) => line(cells(figure))),
  ].join("\n");
}

function cells({ name, unit, values, aim = "" }: Figure): string[] {
  const spread = values.length > 1 ? `${round(Math.min(...values))} … ${round(Math.max(...values))}` : "";
  return [name, round(median(values)), unit, spread, String(values.length), aim];
}

/** Three figures that mean something. */
function round(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(3, digits));
}

function pad(cell: string, width: number, right: boolean): string {
  const space = " ".repeat(width - [...cell].length);
  return right ? space + cell : cell + space;
}

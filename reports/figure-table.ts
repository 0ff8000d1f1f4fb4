/**
 * Figures as a table: for a terminal, and as Markdown for a pull request or a README. A row for each name, a column for each that
 * was measured; ratios and whether an aim is met are worked out here, from the values.
 */
import { type Figure, median, meetsAim, ratioOf } from "./figure.ts";

export function figureText(figures: readonly Figure[]): string {
  const rows = figureCells(figures);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => [...row[column]!].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat(widths[column]! - [...cell].length))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function figureMarkdown(figures: readonly Figure[]): string {
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const [head, ...rows] = figureCells(figures);
  return [line(head!), line(head!.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A row a name, the first row says what is in the columns. */
export function figureCells(figures: readonly Figure[]): string[][] {
  const columns = [...new Set(figures.map(columnOf))];
  const names = [...new Set(figures.map(({ name }) => name))];
  // Where one run is shown, nobody asks how many there were, but of how many samples a percentile is.
  const isOfSamples = figures.some(({ sampleCount }) => sampleCount !== undefined);
  const rows = names.map((name) => {
    const row = figures.filter((figure) => figure.name === name);
    const { unit, values, sampleCount } = row[0]!;
    const shown = columns.map((column) => {
      const figure = row.find((one) => columnOf(one) === column);
      return figure ? measured(figure) : "";
    });
    return [name, ...shown, unit, String(isOfSamples ? (sampleCount ?? "") : values.length), aimed(row)];
  });
  return [["figure", ...columns, "unit", isOfSamples ? "n" : "runs", "aim"], ...rows];
}

const columnOf = ({ of = "median" }: Figure) => of;

/** `7.12 (6.50 … 8.00)`, or `0.39 × · 19.5 (18.9 … 20.3)` with a ratio. */
function measured(figure: Figure): string {
  const { values } = figure;
  const ratio = ratioOf(figure);
  const told = ratio === null ? "" : `${ratio.toFixed(2)} × · `;
  // Where pictures or sessions were counted, 6 is not 6.00.
  const show = values.every(Number.isInteger) ? (value: number) => String(value) : round;
  const spread = values.length > 1 ? ` (${show(Math.min(...values))} … ${show(Math.max(...values))})` : "";
  return told + show(median(values)) + spread;
}

/** `≤ 1000: met`, or `≤ 0.6 ×: met, missed` for two that are side by side. One row has one aim. */
function aimed(row: readonly Figure[]): string {
  const judged = row.filter(({ aim }) => aim);
  const first = judged[0];
  if (!first?.aim) return "";
  const limit = "atMost" in first.aim ? `≤ ${first.aim.atMost}` : `≥ ${first.aim.atLeast}`;
  const verdicts = judged.map((figure) => (meetsAim(figure) ? "met" : "missed"));
  return `${limit}${first.beside ? " ×" : ""}: ${verdicts.join(", ")}`;
}

/** Three figures that mean something. */
function round(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(3, digits));
}

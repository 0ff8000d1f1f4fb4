/**
 * What a command printed, as a picture: SVG from text with ANSI colours, light or dark as its reader likes it. Knows neither the command nor a
 * terminal: whoever has the text brings it.
 */

const fontSize = 14;
/** Of most monospaced fonts, as a share of their size. Each run of text is stretched to it, whatever the font. */
const columnWidth = fontSize * 0.6;
const lineHeight = 20;
const padding = 16;

/** Contrast above 4.5 on either ground, dim text included. */
const themes = {
  light: {
    ground: "#f6f8fa",
    plain: "#1f2328",
    dim: "#59636e",
    red: "#b8202b",
    green: "#116329",
    yellow: "#7d4e00",
    blue: "#0550ae",
    magenta: "#6e40c9",
    cyan: "#0a5f70",
  },
  dark: {
    ground: "#151b23",
    plain: "#f0f6fc",
    dim: "#9198a1",
    red: "#ff7b72",
    green: "#56d364",
    yellow: "#e3b341",
    blue: "#79c0ff",
    magenta: "#d2a8ff",
    cyan: "#76e3ea",
  },
} as const;

type Colour = Exclude<keyof typeof themes.light, "ground">;
type Ink = { readonly colour: Colour; readonly bold: boolean };

/** How SGR begins is a control character, which a pattern may not spell. */
const colourCode = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`);

const plain: Ink = { colour: "plain", bold: false };
const colours: Readonly<Record<number, Colour>> = {
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  39: "plain",
};

/** @throws RangeError for an escape sequence that is none of colours, bold and dim */
export function terminalPicture(command: string, output: string): string {
  const lines = [
    [
      { text: "$ ", ink: { colour: "dim", bold: false } as Ink },
      { text: command, ink: { ...plain, bold: true } },
    ],
  ];
  let ink = plain;
  for (const line of output.trimEnd().split("\n")) {
    const runs: { text: string; ink: Ink }[] = [];
    for (const [index, part] of line.split(colourCode).entries()) {
      if (index % 2 === 1) ink = inkAfter(ink, part);
      else if (part !== "") runs.push({ text: plainText(part), ink });
    }
    lines.push(runs);
  }
  const columns = Math.max(...lines.map((runs) => runs.reduce((sum, { text }) => sum + widthOf(text), 0)));
  const width = Math.ceil(columns * columnWidth) + 2 * padding;
  const height = lines.length * lineHeight + 2 * padding;
  const rows = lines.flatMap((runs, row) => {
    let column = 0;
    return runs.flatMap(({ text, ink }) => {
      const x = padding + column * columnWidth;
      column += widthOf(text);
      return text.trim() === "" ? [] : [textAt(x, padding + row * lineHeight + fontSize, text, ink)];
    });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">${escapeMarkup(command)}</title>
<style>
text { font: ${fontSize}px ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.bold { font-weight: 700; }
${rulesOf("light")}
@media (prefers-color-scheme: dark) {
${rulesOf("dark")}
}
</style>
<rect class="ground" width="${width}" height="${height}" rx="8"/>
${rows.join("\n")}
</svg>
`;
}

function rulesOf(theme: keyof typeof themes): string {
  return Object.entries(themes[theme])
    .map(([name, colour]) => `.${name} { fill: ${colour}; }`)
    .join("\n");
}

function textAt(x: number, y: number, text: string, { colour, bold }: Ink): string {
  const lead = text.length - text.trimStart().length;
  const shown = text.trim();
  const at = Math.round((x + lead * columnWidth) * 100) / 100;
  const length = Math.round(widthOf(shown) * columnWidth * 100) / 100;
  return `<text class="${colour}${bold ? " bold" : ""}" x="${at}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escapeMarkup(shown)}</text>`;
}

/** `1;31` and its like. */
function inkAfter(before: Ink, parameters: string): Ink {
  let { colour, bold } = before;
  for (const text of parameters.split(";")) {
    const parameter = Number(text);
    if (parameter === 0) ({ colour, bold } = plain);
    else if (parameter === 1) bold = true;
    else if (parameter === 2) colour = "dim";
    else if (parameter === 22) {
      bold = false;
      if (colour === "dim") colour = "plain";
    } else if (colours[parameter]) colour = colours[parameter];
    else {
      throw new RangeError(
        `The output has the colour code ${text}; a picture takes 0, 1, 2, 22, 39 and 31 to 36. Add it to scripts/terminal-picture.ts.`,
      );
    }
  }
  return { colour, bold };
}

function plainText(text: string): string {
  const control = /\p{Cc}/u.exec(text);
  if (!control) return text;
  const code = control[0].charCodeAt(0).toString(16).padStart(4, "0");
  throw new RangeError(
    `The output has the control character U+${code}, which moves a cursor or worse. Take it from a command that prints line by line.`,
  );
}

/** Columns: one a character. */
function widthOf(text: string): number {
  return [...text].length;
}

function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

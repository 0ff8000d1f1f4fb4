/**
 * Joins Arabic letters the way handwriting does, by replacing each with the presentation form that its neighbours ask for; Unifont
 * has these forms but no rules for them. https://www.unicode.org/versions/latest/core-spec/chapter-9/#G7480
 */

/** Isolated, final, and for letters that join on both sides initial and medial form, by letter, or by the pair lam-alef. */
const formsByLetter = new Map<string, string[]>();
// In both blocks the forms of a letter stand in this order, and compatibility decomposition says which letter it is.
for (const [first, last, lengthMax] of [
  [0xfe80, 0xfefc, 2],
  [0xfb50, 0xfbff, 1],
] as const) {
  for (let codePoint = first; codePoint <= last; codePoint++) {
    const form = String.fromCharCode(codePoint);
    const letter = form.normalize("NFKC");
    if (letter === form || letter.length > lengthMax) continue;
    formsByLetter.set(letter, [...(formsByLetter.get(letter) ?? []), form]);
  }
}

const TATWEEL = "\u0640";
const ZERO_WIDTH_JOINER = "\u200d";

/** `text`, in reading order, with its Arabic letters in the forms in which they join. Other letters stay. */
export function joinArabic(text: string): string {
  const units = text.match(/\u0644[\u0622\u0623\u0625\u0627]|./gsu) ?? [];
  return units
    .map((unit, index) => {
      const forms = formsByLetter.get(unit);
      if (!forms) return unit;
      const before = forms.length > 1 && joinsOnwards(neighbour(units, index, -1));
      const after = forms.length > 2 && joinsBackwards(neighbour(units, index, 1));
      return forms[(before ? 1 : 0) + (after ? 2 : 0)] ?? unit;
    })
    .join("");
}

/** The next unit in a direction that is not a mark; marks do not keep letters apart. */
function neighbour(units: readonly string[], index: number, direction: 1 | -1): string {
  let at = index + direction;
  while (/^\p{Mn}$/u.test(units[at] ?? "")) at += direction;
  return units[at] ?? "";
}

function joinsOnwards(unit: string): boolean {
  return unit === TATWEEL || unit === ZERO_WIDTH_JOINER || (formsByLetter.get(unit)?.length ?? 0) > 2;
}

function joinsBackwards(unit: string): boolean {
  return unit === TATWEEL || unit === ZERO_WIDTH_JOINER || (formsByLetter.get(unit)?.length ?? 0) > 1;
}

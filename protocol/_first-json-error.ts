// Says where a text stops being JSON, in words that are the same in every engine; JSON.parse's own words are not, and its
// excerpt may hold parts of an image.

/** Where a text stops being JSON: the index of the first wrong character, and what belongs there. */
export interface JsonError {
  at: number;
  expected: string;
}

type Place = "value" | "first value or ]" | "first key or }" | "key" | "colon" | "after value";

const WORDS: Record<Place, string> = {
  value: "a value",
  "first value or ]": 'a value or "]"',
  "first key or }": 'a quoted key or "}"',
  key: "a quoted key",
  colon: 'a ":"',
  "after value": "",
};

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Where `source` stops being JSON, or null when it is JSON (RFC 8259). Iterative, so that nesting cannot exhaust the stack. */
export function firstJsonError(source: string): JsonError | null {
  const open: ("{" | "[")[] = [];
  let place: Place = "value";
  let at = 0;
  for (;;) {
    at = matchAt(SPACE, source, at) ?? at;
    const char = source[at];
    if (place === "after value") {
      const inside = open.at(-1);
      if (inside === undefined) return char === undefined ? null : { at, expected: "nothing more" };
      const closer = inside === "{" ? "}" : "]";
      if (char === closer) open.pop();
      else if (char === ",") place = inside === "{" ? "key" : "value";
      else return { at, expected: `"," or "${closer}"` };
      at++;
    } else if (place === "colon") {
      if (char !== ":") return { at, expected: WORDS.colon };
      place = "value";
      at++;
    } else if (place === "key" || place === "first key or }") {
      if (char === '"') {
        const end = stringEnd(source, at);
        if (typeof end !== "number") return end;
        at = end;
        place = "colon";
      } else if (char === "}" && place === "first key or }") {
        open.pop();
        place = "after value";
        at++;
      } else return { at, expected: WORDS[place] };
    } else if (char === "{" || char === "[") {
      open.push(char);
      place = char === "{" ? "first key or }" : "first value or ]";
      at++;
    } else if (char === "]" && place === "first value or ]") {
      open.pop();
      place = "after value";
      at++;
    } else {
      const end = char === '"' ? stringEnd(source, at) : matchAt(SCALAR, source, at);
      if (end === null) return { at, expected: WORDS[place] };
      if (typeof end !== "number") return end;
      at = end;
      place = "after value";
    }
  }
}

/** The index after the string that opens at `at`. Walks by hand: a pattern would run out of stack on an image's megabytes. */
function stringEnd(source: string, at: number): number | JsonError {
  let index = at + 1;
  for (;;) {
    const code = source.charCodeAt(index);
    if (Number.isNaN(code)) return { at: index, expected: 'a closing quote (")' };
    if (code < 0x20)
      return { at: index, expected: 'an escape such as "\\n" in place of the control character' };
    if (code === 0x22) return index + 1;
    if (code !== 0x5c) index++;
    else {
      const end = matchAt(ESCAPE, source, index);
      if (end === null) return { at: index, expected: 'an escape that JSON knows, such as \\" or \\u0041' };
      index = end;
    }
  }
}

function matchAt(pattern: RegExp, source: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex : null;
}

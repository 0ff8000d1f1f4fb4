/**
 * Keys and tokens struck out of what is kept. What comes here was redacted before, by the journal; a client's own log and words were not, and
 * files of a run are passed on.
 */

/**
 * Keys as the journal knows them. Nobody's key is `dct_local`. English words end in `ek_`, as in `week_1`, so there a letter before is another
 * word, unless it ends an escape: texts were JSON before they came here. Minted tokens are told by their length, whatever stands before.
 */
const keys =
  /dct_(?!local(?![\w-]))[\w-]+|(?:(?<![A-Za-z])|(?<=\\[bfnrtv])|(?<=\\u[\da-f]{4}))ek_[\w-]+|ek_[\da-f]{16,}/g;
/** What begins like an access token (JWT): all of a word in one go, and then a look at it, as one without a dot is none. */
const tokens = /eyJ[\w.-]+/g;
/** No quote and no backslash: a value may stand in JSON, which has to stay some. */
const parameters =
  /([?&](?:api_key|access_token|token)=)(?!dct_local(?![\w-])|mock(?::|%3a)|[a-z]*_?\[redacted\])[^&\s"'`\\]+/gi;

/** A copy without keys, of a text or of all texts in a plain value, names of fields included; `struck` is called for each. */
export function strikeKeys<T>(value: T, struck: () => void = () => {}): T {
  return strike(value) as T;

  function strike(value: unknown): unknown {
    if (typeof value === "string") return strikeText(value);
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(strike);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [strikeText(name), strike(item)]));
  }

  function strikeText(text: string): string {
    const strikeOne = (kept: string) => {
      struck();
      return `${kept}[redacted]`;
    };
    return text
      .replace(keys, (key) => strikeOne(key.slice(0, key.indexOf("_") + 1)))
      .replace(tokens, (word) => (/\.[\w-]{8}/.test(word) ? strikeOne("eyJ") : word))
      .replace(parameters, (_all, name: string) => strikeOne(name));
  }
}

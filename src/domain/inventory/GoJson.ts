/**
 * JSON as Go's encoder writes it: `<`, `>`, `&` and the two line separators of Unicode are escaped, keys of maps are
 * sorted. Peers compare such documents by their bytes.
 */
const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029"
}

const special = /[<>&\u2028\u2029]/

const everySpecial = /[<>&\u2028\u2029]/g

const escape = (json: string): string =>
  special.test(json) ? json.replace(everySpecial, (character) => escapes[character] ?? character) : json

/** Printable ASCII without anything to escape: nearly every text, and several times as fast to write. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/

/** A string, with its quotes. What is no valid UTF-16 becomes U+FFFD, as in Go. */
export const string = (text: string): string =>
  plain.test(text) ? `"${text}"` : escape(JSON.stringify(text.toWellFormed()))

/** An object of strings, keys sorted. */
export const stringMap = (map: Readonly<Record<string, string>>): string => {
  let text = "{"
  for (const key of Object.keys(map).sort()) {
    text += `${text.length === 1 ? "" : ","}${string(key)}:${string(map[key] ?? "")}`
  }
  return `${text}}`
}

export const strings = (values: ReadonlyArray<string>): string => `[${values.map(string).join(",")}]`

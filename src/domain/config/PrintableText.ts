/** Text from elsewhere, made fit for a log, a terminal and a table. */

/**
 * One line, without control characters and without those that nobody sees: what steers a terminal, turns the direction
 * of writing, hides in a name, or is half a character.
 */
export const oneLine = (text: string): string =>
  isPlain(text) ? text : text.replaceAll(/\s+/g, " ").replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "")

/** Most texts are; the replacing costs ten times as much as the look. */
const isPlain = (text: string): boolean => !/[^ -~]| {2}/.test(text)

/** At most so many characters of it. */
export const shortened = (text: string, lengthMax: number): string => {
  const line = oneLine(text.length > 4 * lengthMax ? text.slice(0, 4 * lengthMax) : text)
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1).toWellFormed().replace(/\uFFFD$/, "")}…`
}

/** As JSON writes it, and what steers a terminal or turns the direction of writing as an escape too: it stays the same JSON. */
export const json = (value: unknown): string =>
  (JSON.stringify(value) ?? "null").replaceAll(
    /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu,
    (odd) =>
      Array.from({ length: odd.length }, (_, at) => `\\u${odd.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")
  )

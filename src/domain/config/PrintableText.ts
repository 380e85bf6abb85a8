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

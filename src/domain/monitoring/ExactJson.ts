/**
 * JSON that is read, changed and written again without a digit lost: whole numbers beyond 2^53 and those that no double
 * holds are text with a mark while they are values, and numbers again in what is written.
 *
 * A text without such numbers, as nearly all are, costs one search more than `JSON.parse`.
 */

const longNumber = /\d{16}/
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const marked = /"\\u0000number:(-?\d+)"/g

const isLost = (token: string): boolean => /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))

/** As `JSON.parse`, which it throws like. */
export const parse = (text: string): unknown => {
  // Nothing that is sent on holds a NUL; in a text with one a mark could not be told from what was there.
  if (!longNumber.test(text) || text.includes("\\u0000")) return JSON.parse(text)
  return JSON.parse(
    text.replaceAll(stringOrNumber, (token) => isLost(token) ? `"\\u0000number:${token}"` : token)
  )
}

/** As `JSON.stringify` of what `parse` gave, or a part of it. */
export const stringify = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.includes("\\u0000number:") ? text.replaceAll(marked, "$1") : text
}

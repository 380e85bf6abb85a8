/**
 * About how many bytes the rows of a message are in a statement.
 *
 * The payload's size says little about it: what all records of a message share, such as a resource's attributes, is
 * repeated in each row, so that a few hundred kilobytes can stand for gigabytes.
 */

/** More in one message is refused, for all rows of a message are in one statement. */
export const weightMax = 64 * 2 ** 20

const fixedBytes = 8

/** Of a document beside what the payload says: names and numbers. It is not made only to be weighed. */
const documentBytes = 1_024

const weightOfValue = (value: unknown): number => {
  if (typeof value === "string") return value.length
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? documentBytes : fixedBytes
  let weight = 0
  for (const one of value) weight += weightOfValue(one)
  return weight
}

/** Of one row. */
export const ofRow = (row: object): number => {
  let weight = 0
  for (const value of Object.values(row)) weight += weightOfValue(value)
  return weight
}

export const problem = `expected rows of together at most ${weightMax} bytes`

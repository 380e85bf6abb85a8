/** The severity id of OCSF, 0 where nothing is known, from whatever a publisher gives. */
import * as SeverityTable from "./SeverityTable.ts"

const ofWord = (word: unknown): number | undefined =>
  typeof word === "string" ? SeverityTable.ofWord(word)?.ocsf : undefined

const ofLevel = (level: unknown): number | undefined => {
  const number = SeverityTable.numberOf(level)
  return number === undefined ? undefined : SeverityTable.ofLevel(number)?.ocsf
}

/** By a level (syslog's 0 to 7, pino's and log4j's), else by a word; the rule engine's own words weigh more than both. */
export const first = (level: unknown, ...words: ReadonlyArray<unknown>): number => {
  for (const word of words) if (typeof word === "string" && SeverityTable.isEngineWord(word)) return ofWord(word) ?? 0
  const known = ofLevel(level) ?? ofWord(level)
  if (known !== undefined) return known
  for (const word of words) {
    const read = ofWord(word) ?? ofLevel(word)
    if (read !== undefined) return read
  }
  return 0
}

/** By OpenTelemetry's number. */
export const ofNumber = (number: unknown): number | undefined => {
  const read = SeverityTable.numberOf(number)
  return read === undefined ? undefined : SeverityTable.ofNumber(read)?.ocsf
}

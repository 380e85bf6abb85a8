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
  const engine = words.find((word) => typeof word === "string" && SeverityTable.isEngineWord(word))
  const values = [
    ofWord(engine),
    ofLevel(level),
    ofWord(level),
    ...words.flatMap((word) => [ofWord(word), ofLevel(word)])
  ]
  return values.find((value) => value !== undefined) ?? 0
}

/** By OpenTelemetry's number. */
export const ofNumber = (number: unknown): number | undefined => {
  const read = SeverityTable.numberOf(number)
  return read === undefined ? undefined : SeverityTable.ofNumber(read)?.ocsf
}

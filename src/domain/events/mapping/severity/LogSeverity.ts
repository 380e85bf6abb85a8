/** The severity of a log record: OpenTelemetry's name and number, from whatever its publisher gives. */
import * as SeverityTable from "./SeverityTable.ts"

export interface LogSeverity {
  readonly text: string
  /** None for a word that nobody knows. */
  readonly number: number | null
}

const informational: LogSeverity = { text: "INFO", number: 11 }

const named = (value: unknown): LogSeverity | undefined => {
  if (typeof value !== "string" || SeverityTable.isSilent(value)) return undefined
  const known = SeverityTable.ofWord(value)
  return known === undefined ? { text: value.trim(), number: null } : { text: known.name, number: known.number }
}

const levelOrWord = (value: unknown): LogSeverity | undefined => {
  const level = SeverityTable.numberOf(value)
  if (level === undefined) return named(value)
  const known = SeverityTable.ofLevel(level)
  return known === undefined ? { text: String(value).trim(), number: null } : { text: known.name, number: known.number }
}

const ofNumber = (value: unknown): { readonly name: string; readonly number: number } | undefined => {
  const read = SeverityTable.numberOf(value)
  const known = read === undefined
    ? typeof value === "string" ? SeverityTable.ofWord(value) : undefined
    : SeverityTable.ofNumber(Math.min(24, read))
  return known
}

/** Whether a value says anything as a word or a level; objects, arrays, true and false do not. */
export const isWordOrLevel = (value: unknown): boolean => typeof value === "string" || typeof value === "number"

/** Whether a value is a number of OpenTelemetry's, or says that there is none. */
export const isNumber = (value: unknown): boolean =>
  ofNumber(value) !== undefined || SeverityTable.numberOf(value) === 0 ||
  (typeof value === "string" && SeverityTable.isSilent(value))

/** Whether a word or level says something that this table knows. */
const isKnown = (one: LogSeverity | undefined): one is LogSeverity => one !== undefined && one.number !== null

/** The later ones are looked at only where those before say nothing that is known. */
const firstKnown = (text: LogSeverity | undefined, severity: unknown, level: unknown): LogSeverity | undefined => {
  if (isKnown(text)) return text
  const second = levelOrWord(severity)
  if (isKnown(second)) return second
  const third = levelOrWord(level)
  return isKnown(third) ? third : text ?? second ?? third
}

/**
 * The first of text, severity and level that says something known, else the first that says anything; with a number of
 * OpenTelemetry's given beside it, both are kept. INFO when nothing is said.
 */
export const first = (text: unknown, severity: unknown, level: unknown, number: unknown): LogSeverity => {
  const word = firstKnown(levelOrWord(text), severity, level)
  const given = ofNumber(number)
  if (given === undefined) return word ?? informational
  return word === undefined ? { text: given.name, number: given.number } : { text: word.text, number: given.number }
}

const findings: Readonly<Record<string, number>> = {
  emergency: 23,
  fatal: 23,
  alert: 22,
  critical: 21
}

/** Of a finding of a web application firewall: its own word in lower case, and a finer number. */
export const ofFinding = (text: unknown, severity: unknown, level: unknown, number: unknown): LogSeverity => {
  const word = [text, severity].find((one): one is string => typeof one === "string" && !SeverityTable.isSilent(one))
  const lower = word?.trim().toLowerCase() ?? ""
  if (Object.hasOwn(findings, lower)) return { text: lower, number: findings[lower] ?? null }
  const read = first(text, severity, level, number)
  return { text: lower === "" ? read.text.toLowerCase() : lower, number: read.number }
}

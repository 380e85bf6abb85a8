/** Severities of log records: from the many words and levels of publishers to OpenTelemetry's name and number. */

export interface LogSeverity {
  readonly text: string
  readonly number: number
}

const fatal = { text: "FATAL", number: 23 }
const error = { text: "ERROR", number: 19 }
const warn = { text: "WARN", number: 15 }
const info = { text: "INFO", number: 11 }
const debug = { text: "DEBUG", number: 7 }

const byWord: ReadonlyMap<string, LogSeverity> = new Map([
  ["fatal", fatal],
  ["critical", fatal],
  ["emergency", fatal],
  ["alert", fatal],
  ["very high", fatal],
  ["very_high", fatal],
  ["high", error],
  ["error", error],
  ["medium", warn],
  ["warn", warn],
  ["warning", warn],
  ["debug", debug],
  ["trace", debug]
])

/** Every other word counts as INFO. */
export const fromText = (text: string): LogSeverity => byWord.get(text.trim().toLowerCase()) ?? info

/** Syslog counts downwards: 0 is an emergency. */
export const fromLevel = (level: number): LogSeverity => {
  const whole = Math.trunc(level)
  if (whole <= 2) return fatal
  return whole === 3 ? error : whole === 4 ? warn : whole === 7 ? debug : info
}

/** OpenTelemetry counts upwards, and its number is kept. */
export const fromNumber = (number: number): LogSeverity => {
  const floor = [[21, "FATAL"], [17, "ERROR"], [13, "WARN"], [9, "INFO"], [5, "DEBUG"]] as const
  return { text: floor.find(([from]) => number >= from)?.[1] ?? "INFO", number }
}

const digits = /^\s*-?\d+(?:\.\d+)?\s*$/

const levelOrText = (value: unknown): LogSeverity | undefined => {
  if (typeof value === "number") return fromLevel(value)
  if (typeof value !== "string" || value.trim() === "") return undefined
  return digits.test(value) ? fromLevel(Number(value)) : fromText(value)
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" ? value : typeof value === "string" && digits.test(value) ? Number(value) : undefined

const textOf = (value: unknown): LogSeverity | undefined =>
  typeof value === "string" && value.trim() !== "" ? fromText(value) : undefined

/** The first of text, severity, level and number that says something; INFO when none does. */
export const first = (text: unknown, severity: unknown, level: unknown, number: unknown): LogSeverity => {
  const named = textOf(text) ?? levelOrText(severity) ?? levelOrText(level)
  if (named !== undefined) return named
  const read = numberOf(number)
  return read !== undefined && read > 0 ? fromNumber(Math.min(24, Math.trunc(read))) : info
}

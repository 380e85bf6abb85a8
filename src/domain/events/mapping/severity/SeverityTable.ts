/**
 * The one table of severities: what the words and levels of all publishers mean to OpenTelemetry and to OCSF.
 *
 * OpenTelemetry counts upwards from 1 in six names of four steps each; OCSF from 1 (informational) to 6 (fatal). Words are
 * those of syslog and RFC 5424, OpenTelemetry, log4j, `java.util.logging`, pino and bunyan, Windows, and the rule engine
 * (`Very High` to `Low`).
 */
import * as Remembered from "../../stream/Remembered.ts"

export type SeverityName = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL"

export interface Severity {
  readonly name: SeverityName
  /** OpenTelemetry's, 1 to 24. */
  readonly number: number
  /** OCSF's, 1 to 6. */
  readonly ocsf: number
}

const severity = (name: SeverityName, number: number, ocsf: number): Severity => ({ name, number, ocsf })

const trace = severity("TRACE", 3, 1)
const debug = severity("DEBUG", 7, 1)
const info = severity("INFO", 11, 1)
const notice = severity("INFO", 11, 2)
const low = notice
const warn = severity("WARN", 15, 3)
const error = severity("ERROR", 19, 4)
const critical = severity("FATAL", 23, 5)
const fatal = severity("FATAL", 23, 6)

const words: ReadonlyArray<readonly [Severity, ReadonlyArray<string>]> = [
  [fatal, ["fatal", "emergency", "emerg", "panic", "dpanic"]],
  [critical, ["critical", "crit", "alert", "very high"]],
  [error, ["error", "err", "severe", "high", "failure"]],
  [warn, ["warning", "warn", "medium", "audit failure", "failure audit"]],
  [notice, ["notice"]],
  [low, ["low"]],
  [info, ["information", "informational", "info", "config", "log", "audit success", "success audit", "success"]],
  [debug, ["debug", "debug1", "debug5", "verbose", "fine"]],
  [trace, ["trace", "finer", "finest", "all", "silly"]]
]

const names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const
const ocsfOf: Readonly<Record<SeverityName, number>> = { TRACE: 1, DEBUG: 1, INFO: 1, WARN: 3, ERROR: 4, FATAL: 6 }

/** By OpenTelemetry's number, 1 to 24. */
export const ofNumber = (number: number): Severity | undefined => {
  const whole = Math.trunc(number)
  const name = whole < 1 ? undefined : names[Math.floor((whole - 1) / 4)]
  return name === undefined ? undefined : { name, number: whole, ocsf: ocsfOf[name] }
}

const byWord: ReadonlyMap<string, Severity> = new Map([
  ...words.flatMap(([one, known]) => known.map((word) => [word, one] as const)),
  // INFO2 and the like are steps of their own; the bare names are in the list above.
  ...names.flatMap((name, at) =>
    [2, 3, 4].map((step) => [`${name.toLowerCase()}${step}`, severity(name, at * 4 + step, ocsfOf[name])] as const)
  )
])

/** Words that say that nothing is known; Google's `DEFAULT` is none that was assigned. */
const silent: ReadonlySet<string> = new Set([
  "",
  "default",
  "unknown",
  "unspecified",
  "none",
  "null",
  "undefined",
  "off"
])

const normal = Remembered.make((word) =>
  word.trim().toLowerCase().replace(/^severity[_ ]number[_ ]/, "").replace(/[_\-\s]+/g, " ")
)

/** Go's `slog` writes levels between its own by their distance: `INFO+2`, and `DEBUG-4` for what is below all others. */
const stepped = /^(debug|info|warn|error)([+-])\d+$/

const ofSteppedWord = (word: string): Severity | undefined => {
  const [, base = "", sign] = stepped.exec(word.trim().toLowerCase()) ?? []
  return sign === "-" && base === "debug" ? trace : byWord.get(base)
}

/** A word that stands for no severity at all. */
export const isSilent = (word: string): boolean => silent.has(normal(word))

/** None for a word that nobody knows. */
export const ofWord = Remembered.make((word): Severity | undefined => {
  const known = normal(word)
  return ofSteppedWord(word) ?? byWord.get(known) ?? byWord.get(known.replaceAll(" ", ""))
})

/** Syslog's levels, RFC 5424 and GELF: 0 is an emergency. */
const syslog = [fatal, critical, critical, error, warn, notice, info, debug] as const

/** Levels of log4j 2, of log4j 1 and logback: upwards in importance from the second list on. */
const log4j2 = new Map([[100, fatal], [200, error], [300, warn], [400, info], [500, debug], [600, trace]])
const log4j1 = [[50_000, fatal], [40_000, error], [30_000, warn], [20_000, info], [10_000, debug], [
  5_000,
  trace
]] as const
/** Pino and bunyan; a level of one's own counts as the one below it. */
const pino = [[60, fatal], [50, error], [40, warn], [30, info], [20, debug], [10, trace]] as const

/** By a publisher's level; none where nobody counts so. */
export const ofLevel = (level: number): Severity | undefined => {
  const whole = Math.trunc(level)
  if (whole < 0) return undefined
  const bySyslog = syslog[whole]
  if (bySyslog !== undefined) return bySyslog
  if (whole < 10) return undefined
  if (whole < 100) return pino.find(([from]) => whole >= from)?.[1]
  return log4j2.get(whole) ?? log4j1.find(([from]) => whole >= from)?.[1]
}

const digits = /^\s*(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|0x[\da-f]+)\s*$/i

/** A number, also as text: decimal, with an exponent, or hex. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === "number"
    ? value
    // Most texts are words, which begin with a letter.
    : typeof value === "string" && value.charCodeAt(0) < 0x3a && digits.test(value)
    ? Number(value)
    : undefined

/** Words that the rule engine made of what the message itself says, and so weigh more than the syslog level. */
const engineWords: ReadonlySet<string> = new Set(["very high", "high", "medium", "low"])

export const isEngineWord = (word: string): boolean => engineWords.has(normal(word))

/**
 * What a Nagios plugin prints: a line for people, performance data behind `|`, and longer text below.
 *
 * Source: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Performance data". A piece of
 * performance data that cannot be read is left out; it never makes the check fail.
 */
import { Option } from "effect"

export interface PerformanceDatum {
  readonly label: string
  readonly value: number
  /** `s`, `ms`, `%`, `B`, `KB`, `c` (a counter) …; empty for a plain number. */
  readonly unit: string
  /** Thresholds as ranges, as the plugin writes them. */
  readonly warn?: string
  readonly crit?: string
  readonly min?: number
  readonly max?: number
}

export interface PluginOutput {
  /** The first line. */
  readonly text: string
  /** The lines below it. */
  readonly longText: string
  readonly performance: ReadonlyArray<PerformanceDatum>
}

export type PluginState = "OK" | "WARNING" | "CRITICAL" | "UNKNOWN"

const states: ReadonlyArray<PluginState> = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]

/** None for an exit code that no plugin has. */
export const stateOf = (exitCode: number): Option.Option<PluginState> => Option.fromUndefinedOr(states[exitCode])

/** More than any plugin prints. */
const performanceMax = 200

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && number.test(text) ? Number(text) : undefined

/** Of a label in quotes, in which a quote is written twice, or one without blanks and quotes. */
const piece = /(?:'((?:[^']|'')+)'|([^\s='']+))=(\S*)/g
const valueAndUnit = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([^\d.;]*)$/

const datumOf = ([, quoted, plain = "", rest = ""]: RegExpExecArray): ReadonlyArray<PerformanceDatum> => {
  const [measured = "", warn = "", crit = "", min, max] = rest.split(";")
  const [, value, unit = ""] = valueAndUnit.exec(measured) ?? []
  if (value === undefined) return []
  const [low, high] = [numberOf(min), numberOf(max)]
  return [{
    label: quoted?.replaceAll("''", "'") ?? plain,
    value: Number(value),
    unit,
    ...(warn === "" ? {} : { warn }),
    ...(crit === "" ? {} : { crit }),
    ...(low === undefined ? {} : { min: low }),
    ...(high === undefined ? {} : { max: high })
  }]
}

const performanceOf = (text: string): ReadonlyArray<PerformanceDatum> =>
  [...text.matchAll(piece)].slice(0, performanceMax).flatMap(datumOf)

/** The text in front of the first `|`, and what is behind it. */
const split = (text: string): readonly [front: string, behind: string] => {
  const at = text.indexOf("|")
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
}

export const parse = (output: string): PluginOutput => {
  const [first = "", ...below] = output.replaceAll("\r\n", "\n").split("\n")
  const [text, performance] = split(first)
  const [longText, morePerformance] = split(below.join("\n"))
  return {
    text: text.trim(),
    longText: longText.trim(),
    performance: performanceOf(`${performance}\n${morePerformance}`)
  }
}

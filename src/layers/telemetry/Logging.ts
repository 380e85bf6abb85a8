/**
 * How a program logs: for people on a terminal, JSON lines for everything that reads them off it.
 *
 * Logs share stdout with nothing: a command whose stdout carries data sends them to stderr, and a command that draws on
 * the terminal sends them elsewhere altogether (`layerTo`).
 */
import { Layer, Logger, type MutableRef, References } from "effect"
import type { LogLevel } from "effect"
import * as LogTurn from "./LogTurn.ts"

export type LogFormat = "pretty" | "json"
export type LogStream = "stdout" | "stderr"

export interface LoggingOptions {
  /** Default: pretty when the stream is a terminal. */
  readonly format?: LogFormat
  /** Default stdout. */
  readonly stream?: LogStream
  /** Default: whatever the surroundings say, which is `Info` without `--log-level`. */
  readonly level?: LogLevel.LogLevel
  /** In place of `level`, where it changes while the program runs. */
  readonly turned?: MutableRef.MutableRef<LogLevel.LogLevel>
}

const isTerminal = (stream: LogStream): boolean =>
  (stream === "stdout" ? process.stdout.isTTY : process.stderr.isTTY) === true

const levelLayer = (level: LogLevel.LogLevel | undefined): Layer.Layer<never> =>
  level === undefined ? Layer.empty : Layer.succeed(References.MinimumLogLevel, level)

const jsonLines = (stream: LogStream) =>
  Logger.map(Logger.formatJson, (line) => {
    process[stream].write(`${line}\n`)
  })

/** Replaces the default logger. */
export const layer = (options: LoggingOptions = {}): Layer.Layer<never> => {
  const stream = options.stream ?? "stdout"
  const format = options.format ?? (isTerminal(stream) ? "pretty" : "json")
  const logger = format === "json" ? jsonLines(stream) : Logger.consolePrettyTty({ colors: isTerminal(stream) })
  return Layer.mergeAll(
    Logger.layer([options.turned === undefined ? logger : LogTurn.filtered(options.turned, logger)]),
    Layer.succeed(Logger.LogToStderr, stream === "stderr"),
    levelLayer(options.turned === undefined ? options.level : "All")
  )
}

/** One log entry as plain text for a line of a screen. */
export interface LogEntry {
  readonly level: LogLevel.LogLevel
  readonly text: string
  readonly atMillis: number
}

/** JSON lines to `write`, and every entry of at least `Warn` to `show`. For programs that draw on the terminal. */
export const layerTo = (sinks: {
  readonly write: (jsonLine: string) => void
  readonly show: (entry: LogEntry) => void
}): Layer.Layer<never> =>
  Logger.layer([
    Logger.map(Logger.formatJson, sinks.write),
    Logger.make(({ date, logLevel, message }) => {
      if (!shown.has(logLevel)) return
      const parts = Array.isArray(message) ? message : [message]
      sinks.show({ level: logLevel, text: parts.map((part) => oneLine(part)).join(" "), atMillis: date.getTime() })
    })
  ])

const shown: ReadonlySet<LogLevel.LogLevel> = new Set(["Warn", "Error", "Fatal"])

const oneLine = (part: unknown): string =>
  (typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part) ?? String(part))
    .replaceAll(/\s+/g, " ")

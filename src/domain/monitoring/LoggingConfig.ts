/**
 * The `logging` object of the configuration files, and what it comes to.
 *
 * Levels are zerolog's, as the existing files have them; `debug` outweighs `level`. `time_format` and `otel` are read
 * so that they are no unknown keys: JSON logs have ISO times, and export is set by the `OTEL_*` variables.
 */
import { type LogLevel, Option, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"

const levels: ReadonlyMap<string, LogLevel.LogLevel> = new Map([
  ["trace", "Trace"],
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["warning", "Warn"],
  ["error", "Error"],
  ["fatal", "Fatal"],
  ["panic", "Fatal"],
  ["disabled", "None"]
])

/** None for a word that is no level. */
export const parseLevel = (text: string): Option.Option<LogLevel.LogLevel> =>
  Option.fromNullishOr(levels.get(text.trim().toLowerCase()))

const Level = Schema.String.check(
  Schema.makeFilter((text) =>
    text === "" || Option.isSome(parseLevel(text)) || `one of ${[...levels.keys()].join(", ")}`
  )
)

const TlsFiles = Schema.Struct({
  cert_file: Schema.optionalKey(Schema.String),
  key_file: Schema.optionalKey(Schema.String),
  ca_file: Schema.optionalKey(Schema.String)
})

/** As written in the file. */
export const LoggingBlock = Schema.Struct({
  level: Schema.optionalKey(Level),
  debug: Schema.optionalKey(Schema.Boolean),
  /** Anything but `stderr` means stdout, as in the existing services. */
  output: Schema.optionalKey(Schema.String),
  time_format: Schema.optionalKey(Schema.String),
  otel: Schema.optionalKey(Schema.Struct({
    enabled: Schema.optionalKey(Schema.Boolean),
    endpoint: Schema.optionalKey(Schema.String),
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    service_name: Schema.optionalKey(Schema.String),
    batch_timeout: Schema.optionalKey(GoDuration),
    insecure: Schema.optionalKey(Schema.Boolean),
    tls: Schema.optionalKey(TlsFiles)
  }))
})
export type LoggingBlock = typeof LoggingBlock.Type

export interface LoggingConfig {
  /** None: the file does not say. */
  readonly level: Option.Option<LogLevel.LogLevel>
  readonly output: Option.Option<"stdout" | "stderr">
}

export const fromBlock = (block: LoggingBlock | undefined): LoggingConfig => ({
  level: block?.debug === true ? Option.some("Debug") : parseLevel(block?.level ?? ""),
  output: (block?.output ?? "") === "" ? Option.none() : Option.some(block?.output === "stderr" ? "stderr" : "stdout")
})

/** What an operator should know although the object is valid, with the key it is about. */
export const notices = ({ output = "" }: LoggingBlock = {}) =>
  ["", "stderr", "stdout"].includes(output) ? [] : [{
    key: "logging.output",
    notice: `${JSON.stringify(output)} is neither stdout nor stderr: the log goes to stdout`
  }]

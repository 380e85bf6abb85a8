/**
 * The level of the log while a program runs, for those whose configuration may turn it.
 *
 * Whoever started the program with `--log-level` or `LOG_LEVEL` wants that level whatever a file says.
 */
import { Context, Effect, Logger, LogLevel, MutableRef, Option } from "effect"

/** Sets the level that the configuration says now; none is the one without any. */
export const LogTurn = Context.Reference<(level: Option.Option<LogLevel.LogLevel>) => Effect.Effect<void>>(
  "serviceradar/layers/telemetry/LogTurn",
  { defaultValue: () => () => Effect.void }
)

const levelDefault: LogLevel.LogLevel = "Info"

export interface Turnable {
  readonly level: MutableRef.MutableRef<LogLevel.LogLevel>
  readonly turn: (level: Option.Option<LogLevel.LogLevel>) => Effect.Effect<void>
}

export const make = (level: Option.Option<LogLevel.LogLevel>): Turnable => {
  const now = MutableRef.make(Option.getOrElse(level, () => levelDefault))
  return {
    level: now,
    turn: (next) => Effect.sync(() => MutableRef.set(now, Option.getOrElse(next, () => levelDefault)))
  }
}

/** Lets through what is at least as severe as the level that counts then. */
export const filtered = (
  level: MutableRef.MutableRef<LogLevel.LogLevel>,
  logger: Logger.Logger<unknown, unknown>
): Logger.Logger<unknown, unknown> =>
  Logger.make((entry) =>
    LogLevel.isGreaterThanOrEqualTo(entry.logLevel, MutableRef.get(level)) ? logger.log(entry) : undefined
  )

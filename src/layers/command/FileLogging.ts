/**
 * Logs as the `logging` object of a program's configuration file says.
 *
 * `--log-level` weighs most, then the variable `LOG_LEVEL`, then the file: whoever looks for a fault turns it up without
 * touching the file.
 */
import { Config, Effect, Option, Schema } from "effect"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as LoggingConfig from "../../domain/monitoring/LoggingConfig.ts"
import * as Logging from "../telemetry/Logging.ts"
import * as LogTurn from "../telemetry/LogTurn.ts"

export class InvalidLogLevel extends Schema.TaggedError<InvalidLogLevel>()("InvalidLogLevel", {
  value: Schema.String
}) {
  override get message(): string {
    return `LOG_LEVEL is ${JSON.stringify(this.value)}, expected a level such as "debug", "info" or "warn"`
  }
}

const fromEnvironment = Effect.gen(function*() {
  const given = Option.filter(yield* Config.option(Config.String("LOG_LEVEL")), (text) => text !== "")
  if (Option.isNone(given)) return Option.none()
  const level = LoggingConfig.parseLevel(given.value)
  return Option.isSome(level) ? level : yield* new InvalidLogLevel({ value: given.value })
})

/** Runs with the logs that file, environment and command line ask for; the file's level can be turned by `LogTurn`. */
export const withLogging =
  (block: LoggingConfig.LoggingBlock | undefined) => <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const notices = LoggingConfig.notices(block).map(({ key, notice }) => `${key}: ${notice}`)
      const effect = Effect.andThen(Effect.forEach(notices, (notice) => Effect.logWarning(notice)), program)
      const file = LoggingConfig.fromBlock(block)
      const flag = yield* GlobalFlag.LogLevel
      const environment = yield* fromEnvironment
      const asked = Option.orElse(flag, () => environment)
      const stream = Option.isSome(file.output) ? { stream: file.output.value } : {}
      if (Option.isSome(asked)) {
        return yield* Effect.provide(effect, Logging.layer({ ...stream, level: asked.value }))
      }
      const { level, turn } = LogTurn.make(file.level)
      return yield* Effect.provide(effect, Logging.layer({ ...stream, turned: level })).pipe(
        Effect.provideService(LogTurn.LogTurn, turn)
      )
    })

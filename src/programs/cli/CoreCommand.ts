/**
 * `serviceradar core`: takes reports from pollers and keeps them.
 */
import { Config, Effect, Option, Redacted, Schema } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as ConfigDocument from "../../domain/config/ConfigDocument.ts"
import { DatabaseUrl } from "../../domain/config/DatabaseUrl.ts"
import * as CoreConfig from "../../domain/core/CoreConfig.ts"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import * as ConfigSource from "../../layers/command/ConfigSource.ts"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlagOptional } from "../../layers/command/HttpFlag.ts"
import * as Reporting from "../../layers/command/Reporting.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as CoreProgram from "../core/CoreProgram.ts"

const config = Flag.String("config").pipe(
  Flag.optional,
  Flag.withDescription("Core's configuration file; without one everything is at its default")
)

const noFile: ConfigDocument.Decoded<CoreConfig.CoreConfigFile> = {
  value: {},
  warnings: [],
  repeated: [],
  leftOut: []
}

/** The value is not shown: it may carry a password. */
class InvalidDatabaseUrl extends Schema.TaggedError<InvalidDatabaseUrl>()("InvalidDatabaseUrl", {}) {
  override get message(): string {
    return "DATABASE_URL is no address such as \"postgresql://user@host:5432/database\""
  }
}

const isDatabaseUrl = Schema.is(DatabaseUrl)

const databaseUrl = Config.option(Config.Redacted("DATABASE_URL")).pipe(
  Effect.filterOrFail(
    Option.match({ onNone: () => true, onSome: (url) => isDatabaseUrl(Redacted.value(url)) }),
    () => new InvalidDatabaseUrl()
  )
)

/** Set in the units and containers of the existing core. */
const ignoredVariables = Effect.filter(
  Object.keys(CoreConfig.ignoredVariables),
  (name) => Effect.map(Config.option(Config.String(name)), Option.exists((value) => !["", "false"].includes(value)))
).pipe(Effect.map((names) => names.map((name) => `${name} is set and ignored: ${CoreConfig.ignoredVariables[name]}`)))

const run = Effect.fnUntraced(
  function*(file: CoreConfig.CoreConfig, http: Option.Option<CoreConfig.CoreConfig["http"]>) {
    const url = yield* databaseUrl
    const secret = Option.filter(
      yield* Config.option(Config.Redacted("JWT_SECRET")),
      (one) => Redacted.value(one) !== ""
    )
    const { auth } = file
    const core = {
      ...file,
      auth: { ...auth, tokens: { ...auth.tokens, secret: Option.orElse(auth.tokens.secret, () => secret) } },
      databaseUrl: Option.orElse(url, () => file.databaseUrl),
      http: Option.getOrElse(http, () => file.http)
    }
    if (!(yield* EventWriterEnvironment.wantsWriter)) {
      const { nats } = EventWriterSettings.resolve([yield* EventWriterEnvironment.readNats])
      if (Option.isNone(nats.url)) return yield* CoreProgram.run(core)
      const withSettings = yield* Effect.promise(() => import("./CoreWithSettings.ts"))
      return yield* withSettings.run(core, nats)
    }
    const { options, warnings } = yield* EventWriterEnvironment.read
    yield* Effect.forEach(warnings, (warning) => Effect.logWarning(warning))
    // Loaded only where it is wanted, with its driver for NATS.
    const withWriter = yield* Effect.promise(() => import("./CoreWithEventWriter.ts"))
    return yield* withWriter.run(core, EventWriterSettings.resolve([options]))
  }
)

export const command = Command.make(
  "core",
  { config, http: httpFlagOptional },
  ({ config: path, http }) =>
    Effect.gen(function*() {
      yield* ConfigSource.check
      const { value, warnings } = Option.isNone(path)
        ? noFile
        : yield* ConfigFile.load(CoreConfig.CoreConfigFile, path.value)
      const file = Option.getOrElse(path, () => "")
      const ignored = [
        ...warnings.map((one) => ConfigFile.formatWarning(file, one, CoreConfig.ignoredKeys)),
        ...yield* ignoredVariables
      ]
      return yield* Effect.forEach(ignored, (line) => Effect.logWarning(line)).pipe(
        Effect.andThen(run(CoreConfig.fromFile(value), http)),
        Reporting.withReporting("core"),
        FileLogging.withLogging(value.logging)
      )
    }).pipe(Effect.provide(SupervisionTree.layer))
).pipe(
  Command.withDescription("Take reports and keep them in PostgreSQL"),
  Command.withExamples([
    { command: "serviceradar core", description: "Run core with a PostgreSQL of its own under .serviceradar/" },
    { command: "serviceradar core --config core.json", description: "Run core as configured" }
  ])
)

/**
 * `serviceradar event-writer`: messages of the seven streams from JetStream into PostgreSQL.
 *
 * The environment weighs more than the file, key by key, as containers are configured by it.
 */
import { Config, Effect, Option, Schema } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as EventWriterConfig from "../../domain/events/settings/EventWriterConfig.ts"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlag } from "../../layers/command/HttpFlag.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as CompareCommand from "./CompareCommand.ts"
import * as EventWriterProgram from "./EventWriterProgram.ts"

const config = Flag.String("config").pipe(
  Flag.optional,
  Flag.withDescription("The configuration file, as the Go writer has it; without one the environment says all")
)

/** Everything is well-formed, and still the writer could not do anything. */
class EventWriterIncomplete extends Schema.TaggedError<EventWriterIncomplete>()("EventWriterIncomplete", {
  missing: Schema.String
}) {
  override get message(): string {
    return this.missing
  }
}

const own: EventWriterSettings.EventWriterOptions = { grpc: { host: "127.0.0.1", port: 50_041 } }

const complete = (settings: EventWriterSettings.EventWriterSettings) => {
  if (Option.isNone(settings.database.url)) {
    return new EventWriterIncomplete({
      missing: "No database: set DATABASE_URL, or CNPG_HOST, CNPG_DATABASE and CNPG_USERNAME, or cnpg in the file"
    })
  }
  return settings.streams.length === 0
    ? new EventWriterIncomplete({ missing: "No stream is enabled: see EVENT_WRITER_STREAM_<NAME>_ENABLED" })
    : Effect.succeed(settings)
}

const summary = (settings: EventWriterSettings.EventWriterSettings): string => {
  const streams = settings.streams.map(({ stream }) => stream).join(", ")
  const listed = settings.subjects.length === 0 ? "" : `, of the listed subjects ${settings.subjects.join(", ")}`
  const schema = Option.getOrElse(settings.schema, () => "the schema that has the tables")
  return `event-writer ${settings.consumer} writes ${streams}${listed} into ${schema} (EVENT_WRITER_TABLES=${settings.tables})`
}

const noTenant =
  "EVENT_WRITER_TENANT is not set: messages that name no tenant, in the subject's prefix or the header " +
  "X-Tenant-Id, are refused and kept as dead letters"

const load = (path: Option.Option<string>) =>
  Option.match(path, {
    onNone: () => Effect.void,
    onSome: (file) =>
      Effect.map(ConfigFile.load(EventWriterConfig.EventWriterConfigFile, file), (loaded) => ({ ...loaded, file }))
  })

export const command = Command.make(
  "event-writer",
  { config, http: httpFlag("127.0.0.1:8094"), ...CompareCommand.compareFlags },
  ({ config: given, http, ...comparison }) =>
    Effect.gen(function*() {
      if (comparison.compare) return yield* CompareCommand.runCompare(comparison)
      const named = yield* Config.option(Config.String("CONFIG_PATH"))
      const loaded = yield* load(Option.orElse(given, () => Option.filter(named, (path) => path !== "")))
      return yield* Effect.gen(function*() {
        const warnings = loaded === undefined ? [] : [
          ...loaded.warnings.map((warning) => ConfigFile.formatWarning(loaded.file, warning)),
          ...EventWriterConfig.warnings(loaded.value).map((warning) => `${loaded.file}: ${warning}`)
        ]
        yield* Effect.forEach(warnings, (warning) => Effect.logWarning(warning))
        const { options, warnings: unknown } = yield* EventWriterEnvironment.read
        yield* Effect.forEach(unknown, (warning) => Effect.logWarning(warning))
        const file = loaded === undefined ? {} : EventWriterConfig.toOptions(loaded.value)
        const settings = yield* complete(EventWriterSettings.resolve([options, file, own]))
        yield* Effect.logInfo(summary(settings))
        if (Option.isNone(settings.tenantDefault)) yield* Effect.logWarning(noTenant)
        return yield* EventWriterProgram.run(settings, http)
      }).pipe(FileLogging.withLogging(loaded?.value.logging))
    }).pipe(Effect.provide(SupervisionTree.layer))
).pipe(
  Command.withDescription(
    "Write events, logs, metrics, traces, flows and sweeps from JetStream into PostgreSQL.\n\n" +
      "Environment variables (EVENT_WRITER_NATS_URL, DATABASE_URL, EVENT_WRITER_BATCH_SIZE, " +
      "EVENT_WRITER_STREAM_LOGS_BATCH_SIZE, …: docs/event-writer.md has all) weigh more than the file."
  ),
  Command.withExamples([
    {
      command: "DATABASE_URL=postgresql://… NATS_URL=nats://… serviceradar event-writer",
      description: "Without a file"
    },
    {
      command: "serviceradar event-writer --config /etc/serviceradar/consumers/db-event-writer.json",
      description: "As the Go writer is configured"
    },
    {
      command: "serviceradar event-writer --compare --left public --right platform --since 2h",
      description: "Do two writers beside each other make the same rows?"
    }
  ])
)

/**
 * Where the dead letters are: the same NATS, credentials and stream that the event writer is configured with, by flags,
 * environment and file in this order; without any, those of the running `serviceradar up` of this directory.
 *
 * A command asks once: a server that cannot be reached is an error at once, not something to wait for.
 */
import { Config, Effect, Layer, Option, Redacted, References, Schema, Stream } from "effect"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as path from "node:path"
import * as EventWriterConfig from "../../domain/events/settings/EventWriterConfig.ts"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import * as NatsSettings from "../../domain/events/settings/NatsSettings.ts"
import * as JetStreamDeadLetters from "../../layers/events/dead-letters/JetStreamDeadLetters.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as NatsAddress from "../../layers/nats/connection/NatsAddress.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../layers/nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as NatsHome from "../../layers/nats/server/NatsHome.ts"
import * as RunState from "../../layers/process/RunState.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"

export class NatsNotReached extends Schema.TaggedError<NatsNotReached>()("NatsNotReached", {
  servers: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `NATS at ${this.servers}: ${this.detail}. Another address: --server, EVENT_WRITER_NATS_URL or --config`
  }
}

export const flags = {
  // It may hold a password, which the message about a wrong one must not repeat.
  server: Flag.Redacted("server").pipe(
    Flag.filterMap(
      (url) => Option.map(NatsSettings.parseUrl(Redacted.value(url)), (parsed) => Redacted.make(parsed)),
      () => NatsSettings.urlExpectation
    ),
    Flag.optional,
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "The NATS server; without it EVENT_WRITER_NATS_URL or NATS_URL, the configuration file, the running up, and last " +
        Redacted.value(NatsSettings.urlDefault)
    )
  ),
  config: Flag.String("config").pipe(
    Flag.optional,
    Flag.withMetavar("FILE"),
    Flag.withDescription("The event writer's configuration file, for address and credentials")
  ),
  dir: Flag.String("dir").pipe(
    Flag.withDefault(RunState.directoryDefault),
    Flag.withDescription("Where the running up keeps its data")
  )
}

export interface Flags {
  readonly server: Option.Option<Redacted.Redacted>
  readonly config: Option.Option<string>
  readonly dir: string
}

const settingsOf = Effect.fnUntraced(function*({ config, server }: Flags) {
  const named = Option.filter(yield* Config.option(Config.String("CONFIG_PATH")), (file) => file !== "")
  const file = yield* Option.match(Option.orElse(config, () => named), {
    onNone: () => Effect.succeed({}),
    onSome: (path) =>
      Effect.map(
        ConfigFile.load(EventWriterConfig.EventWriterConfigFile, path),
        ({ value }) => EventWriterConfig.toOptions(value)
      )
  })
  const { options } = yield* EventWriterEnvironment.read
  const flag = Option.match(server, { onNone: () => ({}), onSome: (natsUrl) => ({ natsUrl }) })
  return EventWriterSettings.resolve([flag, options, file])
})

/** The server of the running `up`, if it runs and has one of its own, and with what certificate it lets us in. */
const running = Effect.fnUntraced(function*(directory: string) {
  const state = yield* RunState.read(directory)
  if (Option.isNone(state)) return { url: Option.none(), tls: Option.none() }
  const home = path.join(directory, "nats")
  return { url: yield* NatsHome.address(home), tls: yield* NatsHome.certificates(home) }
})

const describe = (url: Redacted.Redacted): string => {
  const address = NatsAddress.parse(url)
  return address._tag === "Success" ? address.success.servers.join(", ") : "an address that is none"
}

/** The life of the connection, quiet unless somebody wants to know. */
const keep = Effect.gen(function*() {
  const connection = yield* NatsConnection
  const wanted = yield* GlobalFlag.LogLevel
  return yield* Effect.provideService(
    connection.keep,
    References.MinimumLogLevel,
    Option.getOrElse(wanted, () => "Fatal" as const)
  )
})

/** Returns when connected, and fails for the first reason why it is not. */
const connected = Effect.fnUntraced(function*(url: Redacted.Redacted) {
  const connection = yield* NatsConnection
  const settled = yield* connection.changes.pipe(
    Stream.filter((status) => status._tag !== "Connecting"),
    Stream.runHead
  )
  if (Option.isSome(settled) && settled.value._tag === "Away") {
    return yield* new NatsNotReached({ servers: describe(url), detail: settled.value.detail })
  }
})

/** Runs a command with the dead letters that the flags lead to; it ends with the life of its connection. */
export const provide = (flags: Flags) => <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const settings = yield* settingsOf(flags)
    const found = Option.isSome(settings.nats.url)
      ? { url: settings.nats.url, tls: Option.none() }
      : yield* running(flags.dir)
    const url = Option.getOrElse(found.url, () => NatsSettings.urlDefault)
    const own = Option.match(found.tls, { onNone: () => ({}), onSome: (tls) => ({ tls }) })
    const layer = JetStreamDeadLetters.layer({ stream: settings.deadLetterStream }).pipe(
      Layer.provideMerge(NatsConnection.layer({
        name: "serviceradar-dlq",
        domain: Option.getOrUndefined(settings.domain),
        credentials: { ...NatsCredentials.ofSettings(settings.nats), ...own }
      })),
      Layer.provide(NatsEndpoint.layer(Option.some(url))),
      Layer.provide(SecurityLayer.layer)
    )
    return yield* Effect.raceFirst(Effect.andThen(connected(url), command), keep).pipe(Effect.provide(layer))
  })

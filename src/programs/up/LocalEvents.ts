/**
 * Events in `serviceradar up`: a NATS, the writer that stores what comes through it, and what the programs tell of
 * themselves.
 *
 *   Up
 *   ├─ …
 *   ├─ NATS         transient: a server of our own; only without NATS_URL
 *   ├─ EventWriter  one_for_one, see EventWriterProgram; ends in order where no server can be had
 *   ├─ Settings     permanent: lets core show and change the settings that are kept in NATS
 *   └─ Telemetry    one_for_one, see SelfReporting
 *
 * All are additions: none of them keeps core, agent or poller waiting, at the start or later.
 */
import { Config, Duration, Effect, Layer, Option, Result, Schema } from "effect"
import * as path from "node:path"
import type { CoreConfig } from "../../domain/core/CoreConfig.ts"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import * as SecurityConfig from "../../domain/security/SecurityConfig.ts"
import { packageVersion } from "../../layers/command/PackageVersion.ts"
import * as JetStreamEventPublisher from "../../layers/events/jetstream/JetStreamEventPublisher.ts"
import * as EventWriterEnvironment from "../../layers/events/settings/EventWriterEnvironment.ts"
import * as NatsAddress from "../../layers/nats/connection/NatsAddress.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as SelfReporting from "../../layers/telemetry/SelfReporting.ts"
import * as JetStreamSettings from "../../layers/v1/JetStreamSettings.ts"
import { StreamStatuses } from "../../services/events/StreamStatus.ts"
import * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LogPublication from "../../services/telemetry/LogPublication.ts"
import * as EventWriterProgram from "../event-writer/EventWriterProgram.ts"
import * as LocalNats from "./LocalNats.ts"

export interface LocalEvents {
  readonly settings: EventWriterSettings.EventWriterSettings
  /** None with a NATS of somebody else. */
  readonly nats: Option.Option<LocalNats.LocalNatsOptions>
}

export interface EventsOptions {
  readonly directory: string
  /** PATH, to find a nats-server. */
  readonly searchPath: string | undefined
  readonly notice: (text: string) => Effect.Effect<void>
  /** With mTLS: of our NATS, and of its clients. */
  readonly certificates: { readonly nats: CertificateFiles; readonly core: CertificateFiles } | undefined
}

type CertificateFiles = SecurityConfig.CertificateFiles

/** Nothing here has tenants; what names none belongs to this one. */
const tenantDefault = "default"

/** Metrics come every half minute from a program that mostly idles. */
const retention = { otel_metrics: Duration.days(7) }

/** Short, so that whoever watches sees the summaries too. */
const summariesInterval = Duration.seconds(10)

/** What the environment asks for; none when EVENT_WRITER_ENABLED says no. */
export const plan = Effect.fn("LocalEvents.plan")(function*(options: EventsOptions) {
  const { isEnabled, options: asked, warnings } = yield* EventWriterEnvironment.read
  yield* Effect.forEach(warnings, (warning) => Effect.logWarning(warning))
  if (isEnabled === false) return Option.none<LocalEvents>()
  const hasServer = asked.natsUrl !== undefined
  const named = yield* Config.option(Config.String("NATS_SERVER_BIN"))
  const { certificates } = options
  const own = hasServer || certificates === undefined ? {} : {
    natsSecurity: {
      _tag: "Mtls" as const,
      ...certificates.core,
      serverName: Option.none(),
      peers: SecurityConfig.anyPeer
    }
  }
  return Option.some<LocalEvents>({
    // On a server of somebody else streams are made on request only: EVENT_WRITER_CREATE_STREAMS.
    settings: EventWriterSettings.resolve([own, asked, { tenantDefault, retention, createStreams: !hasServer }]),
    nats: hasServer ? Option.none() : Option.some({
      home: path.join(options.directory, "nats"),
      search: { named: Option.getOrUndefined(named), searchPath: options.searchPath },
      certificates: certificates?.nats,
      notice: options.notice
    })
  })
})

/** The writer gave up, which ends it for the supervisor above like any other failure: it is started again. */
export class EventWriterGaveUp extends Schema.TaggedError<EventWriterGaveUp>()("EventWriterGaveUp", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

const writer = ({ settings }: LocalEvents) =>
  ChildSpec.make("supervisor", {
    id: "EventWriter",
    restart: "transient",
    backoff: LocalNats.backoff,
    run: Effect.gen(function*() {
      const isAvailable = yield* LocalNats.NatsAvailability.use(({ decided }) => decided)
      if (!isAvailable) return
      return yield* Supervisor.run(EventWriterProgram.tree(settings, { summariesInterval })).pipe(
        Effect.mapError((error) => new EventWriterGaveUp({ detail: error.message }))
      )
    }).pipe(Effect.provideService(LogPublication.isPublished, false))
  })

const reporting: SelfReporting.SelfReportingOptions = {
  program: "up",
  version: packageVersion(),
  logLevel: "Info"
}

/** For the tree of `up`, after those whose work they tell of and store. */
export const children = (events: LocalEvents) =>
  [
    ...Option.toArray(events.nats).map(LocalNats.child),
    writer(events),
    Supervisor.child({ id: "Settings", start: JetStreamSettings.start }),
    Supervisor.supervisor(SelfReporting.tree(reporting))
  ] as const

const whenAvailable = <A, E, R>(effect: Effect.Effect<A, E, R>, otherwise: A) =>
  Effect.gen(function*() {
    const isAvailable = yield* LocalNats.NatsAvailability.use(({ current }) => current)
    return Option.contains(isAvailable, true) ? yield* effect : otherwise
  })

/** Routes and checks for core's HTTP. Without a NATS nothing is expected of the writer. */
const shown = (settings: EventWriterSettings.EventWriterSettings) =>
  EventWriterProgram.shown<LocalNats.NatsAvailability>(settings, (ready) => whenAvailable(ready, undefined))

/** What the children need besides core's connection to the database; what goes on in its reach is told of. */
export const layer = ({ nats, settings }: LocalEvents) =>
  SelfReporting.layer(reporting).pipe(
    Layer.provideMerge(JetStreamEventPublisher.layer()),
    Layer.provideMerge(shown(settings)),
    Layer.provideMerge(EventWriterProgram.layer(settings)),
    Layer.provideMerge(NatsEndpoint.layer(Option.isNone(nats) ? settings.nats.url : Option.none())),
    Layer.provideMerge(LocalNats.NatsAvailability.layer(Option.isNone(nats) ? Option.some(true) : Option.none()))
  )

/** The pool has room for the writer, so that a backlog of events does not keep reports waiting. */
export const withRoomFor = ({ settings }: LocalEvents, core: CoreConfig): CoreConfig => ({
  ...core,
  maxConnections: core.maxConnections + settings.database.pool.maxConnections
})

/** Gives a look at how each stream is written, which shows none without a NATS. */
export const streams = Effect.gen(function*() {
  const context = yield* Effect.context<LocalNats.NatsAvailability>()
  const { all } = yield* StreamStatuses
  return { all: Effect.provide(whenAvailable(all, []), context) } satisfies StreamStatuses["Service"]
})

/** One line about whose NATS it is; our own says so itself. */
export const announce = ({ nats, settings }: LocalEvents) =>
  Effect.gen(function*() {
    if (Option.isSome(nats) || Option.isNone(settings.nats.url)) return
    const address = NatsAddress.parse(settings.nats.url.value)
    const servers = Result.isSuccess(address) ? address.success.servers.join(", ") : "an address that cannot be read"
    const streams = settings.createStreams
      ? "making the streams that it has not"
      : "whose streams have to be there (EVENT_WRITER_CREATE_STREAMS=yes makes them)"
    yield* Effect.logInfo(`Using the NATS at ${servers} (NATS_URL), ${streams}`)
  })

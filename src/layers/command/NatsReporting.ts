/**
 * What a program tells of itself, in a tree of its own beside the program's:
 *
 *   Telemetry (one_for_one)
 *   ├─ SecurityManager, SecurityMonitor  permanent
 *   ├─ NatsConnection  permanent
 *   └─ …               see SelfReporting
 *
 * The program neither waits for it nor ends with it.
 */
import { Effect, Layer } from "effect"
import * as EventWriterSettings from "../../domain/events/settings/EventWriterSettings.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LogPublication from "../../services/telemetry/LogPublication.ts"
import * as JetStreamEventPublisher from "../events/jetstream/JetStreamEventPublisher.ts"
import * as EventWriterEnvironment from "../events/settings/EventWriterEnvironment.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../nats/connection/NatsEndpoint.ts"
import * as SecurityLayer from "../security/SecurityLayer.ts"
import * as SelfReporting from "../telemetry/SelfReporting.ts"
import { packageVersion } from "./PackageVersion.ts"

/** The programs that tell of themselves, as subjects and services name them. */
export type Program = "agent" | "core" | "poller"

const tree = (options: SelfReporting.SelfReportingOptions) => {
  const reporting = SelfReporting.tree(options)
  const connection = NatsConnection.use(({ keep }) => keep)
  return {
    ...reporting,
    children: [
      ...SecurityManager.children,
      Supervisor.child({
        id: "NatsConnection",
        run: Effect.provideService(connection, LogPublication.isPublished, false)
      }),
      ...reporting.children
    ]
  } as const
}

/** Until it gives up, which the program survives. */
const telling = (options: SelfReporting.SelfReportingOptions) =>
  Supervisor.run(tree(options)).pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logError(`Nothing is published about this program any more: ${error.message}`),
        Effect.never
      )
    )
  )

export const beside = Effect.fnUntraced(function*<A, E, R>(program: Program, effect: Effect.Effect<A, E, R>) {
  const { nats } = EventWriterSettings.resolve([yield* EventWriterEnvironment.readNats])
  const options = { program, version: packageVersion() }
  const connection = NatsConnection.layer({
    name: `serviceradar-${program}`,
    credentials: NatsCredentials.ofSettings(nats)
  }).pipe(Layer.provide(NatsEndpoint.layer(nats.url)), Layer.provideMerge(SecurityLayer.layer))
  const layer = SelfReporting.layer(options).pipe(
    Layer.provideMerge(JetStreamEventPublisher.layer()),
    Layer.provideMerge(connection)
  )
  return yield* Effect.raceFirst(effect, telling(options)).pipe(Effect.provide(layer))
})

/** Core with a connection of its own to NATS, for the settings that are kept there: `NATS_URL` without an event writer. */
import { Effect, Layer } from "effect"
import type { CoreConfig } from "../../domain/core/CoreConfig.ts"
import type { NatsSettings } from "../../domain/events/settings/NatsSettings.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../layers/nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as JetStreamSettings from "../../layers/v1/JetStreamSettings.ts"
import * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LogPublication from "../../services/telemetry/LogPublication.ts"
import * as CoreProgram from "../core/CoreProgram.ts"

const keep = NatsConnection.use((connection) => connection.keep)

const guests = ChildSpec.alike([
  // What is said of the connection cannot be published over it.
  Supervisor.child({ id: "NatsConnection", run: Effect.provideService(keep, LogPublication.isPublished, false) }),
  Supervisor.child({ id: "Settings", start: JetStreamSettings.start })
])

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = (core: CoreConfig, nats: NatsSettings) =>
  Supervisor.run(CoreProgram.tree(core, { guests })).pipe(
    Effect.provide(
      NatsConnection.layer({ name: "serviceradar-core-settings", credentials: NatsCredentials.ofSettings(nats) }).pipe(
        Layer.provide(NatsEndpoint.layer(nats.url)),
        Layer.provideMerge(CoreProgram.layer(core))
      )
    )
  )

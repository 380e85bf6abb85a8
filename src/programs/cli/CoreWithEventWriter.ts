/**
 * Core and the event writer in one process, with one connection pool between them: `EVENT_WRITER_ENABLED`.
 *
 * The pool has room for both, so that a backlog of events does not keep reports waiting. Where the database is and how it
 * is secured is core's to say; everything else of the writer comes from the environment.
 */
import { Effect, Layer, Option } from "effect"
import type { CoreConfig } from "../../domain/core/CoreConfig.ts"
import type { EventWriterSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import * as NatsSettings from "../../domain/events/settings/NatsSettings.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as JetStreamSettings from "../../layers/v1/JetStreamSettings.ts"
import * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as CoreProgram from "../core/CoreProgram.ts"
import * as EventWriterProgram from "../event-writer/EventWriterProgram.ts"

const withRoomFor = (core: CoreConfig, { database }: EventWriterSettings): CoreConfig => ({
  ...core,
  maxConnections: core.maxConnections + database.pool.maxConnections
})

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = (
  core: CoreConfig,
  settings: EventWriterSettings,
  options: Pick<CoreProgram.CoreOptions, "postgres"> = {}
) =>
  Effect.andThen(
    EventWriterProgram.check(settings),
    Supervisor.run(CoreProgram.tree(core, {
      ...options,
      guests: ChildSpec.alike([
        Supervisor.supervisor(EventWriterProgram.tree(settings)),
        Supervisor.child({ id: "Settings", start: JetStreamSettings.start })
      ])
    }))
  ).pipe(
    Effect.provide(
      EventWriterProgram.shown(settings).pipe(
        Layer.provideMerge(EventWriterProgram.layer(settings)),
        Layer.provideMerge(CoreProgram.layer(withRoomFor(core, settings))),
        Layer.provideMerge(
          NatsEndpoint.layer(Option.some(Option.getOrElse(settings.nats.url, () => NatsSettings.urlDefault)))
        )
      )
    )
  )

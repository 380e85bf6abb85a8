/** The real event writer, between a model of a stream and one of a database. */
import { Duration, Effect, Layer, Option, Stream } from "effect"
import * as EventWriterSettings from "../../../src/domain/events/settings/EventWriterSettings.ts"
import * as Decoding from "../../../src/layers/events/decode/EventDecoder.ts"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as EventWriterProgram from "../../../src/programs/event-writer/EventWriterProgram.ts"
import { DatabaseHealth } from "../../../src/services/event-writer/DatabaseHealth.ts"
import { StoreTurns } from "../../../src/services/event-writer/StoreTurns.ts"
import { StreamRecords } from "../../../src/services/event-writer/StreamRecords.ts"
import { EventDecoder } from "../../../src/services/events/EventDecoder.ts"
import { EventTables } from "../../../src/services/events/EventTables.ts"
import { TraceSummaries } from "../../../src/services/events/TraceSummaries.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as EventsDatabase from "./EventsDatabase.ts"
import * as Nats from "./Nats.ts"
import { secured } from "./Secured.ts"

/** After which a message that cannot be stored is given up. */
export const deliveriesMax = 5

const settings: EventWriterSettings.EventWriterSettings = {
  ...EventWriterSettings.resolve([]),
  grpc: Option.none(),
  streams: [{
    stream: "LOGS",
    batchSize: 200,
    batchTimeout: Duration.millis(500),
    concurrency: 2,
    bytesMax: 8_000_000,
    deliveriesMax
  }]
}

/** Kept by others, see Nats and EventsDatabase. */
const connections = Layer.mergeAll(
  Layer.mock(NatsConnection, { keep: Effect.never, check: Effect.void, changes: Stream.never }),
  Layer.mock(PgConnection, { keep: Effect.never, check: Effect.void }),
  Layer.succeed(TraceSummaries, { refresh: Effect.succeed({ written: 0, removed: 0, isSkipped: false }) }),
  Layer.mock(EventTables, {
    prepare: Effect.void,
    maintain: Effect.succeed({ created: 0, dropped: 0, removedRows: 0, postponed: 0 }),
    disturbed: Effect.void,
    awaitDisturbed: Effect.never,
    ready: Effect.void
  })
)

export interface EventWriterParty {
  readonly nats: Nats.NatsExchange
  readonly natsHost: string
  readonly database: EventsDatabase.EventsExchange
  readonly databaseHost: string
}

export const program = ({ database, databaseHost, nats, natsHost }: EventWriterParty) =>
  Effect.scoped(
    Effect.flatMap(EventsDatabase.connect(database, databaseHost), ({ probe, store }) =>
      Supervisor.run(EventWriterProgram.tree(settings)).pipe(
        Effect.provide(
          StreamRecords.layerStatuses.pipe(
            Layer.provideMerge(DatabaseHealth.layer(probe)),
            Layer.provideMerge(Layer.mergeAll(
              store,
              Nats.layer(nats, natsHost),
              StreamRecords.layer,
              StoreTurns.layer(),
              Layer.succeed(EventDecoder, { decode: Decoding.make({ tenantDefault: "acme" }) }),
              connections
            )),
            Layer.provideMerge(secured),
            Layer.provideMerge(SupervisionTree.layer)
          )
        )
      ))
  )

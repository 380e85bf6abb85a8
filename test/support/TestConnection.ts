/**
 * The connection of core to a fresh database, with its life running and the schema in place.
 */
import { Effect, Layer, Option, Schedule } from "effect"
import { migrations } from "../../src/layers/core/migrations/migrations.ts"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import { TestDatabase } from "./TestDatabase.ts"

/** Waits, at most 20 s, until the schema is there and queries are answered. */
export const awaitReady = Effect.flatMap(PgConnection, (connection) => connection.check).pipe(
  Effect.retry(Schedule.spaced("20 millis")),
  Effect.timeout("20 seconds"),
  Effect.orDie
)

/** Runs the connection's life for as long as the layer stands. */
export const keeping = Layer.effectDiscard(
  Effect.gen(function*() {
    const connection = yield* PgConnection
    yield* Effect.forkScoped(connection.keep)
    yield* awaitReady
  })
)

/** With other migrations, and what else a connection is told. */
export const layerOf = (options: Parameters<typeof PgConnection.layer>[0]) =>
  keeping.pipe(
    Layer.provideMerge(PgConnection.layer(options)),
    Layer.provideMerge(Layer.unwrap(
      Effect.map(TestDatabase, ({ url }) => DatabaseEndpoint.layer(Option.some(url)))
    )),
    Layer.provideMerge(TestDatabase.layer)
  )

export const layer = layerOf({ migrations: [migrations] })

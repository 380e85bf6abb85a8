/**
 * Connections for queries only, to the database that the program's own connection leads to.
 *
 * Their sessions can read only, end each statement by themselves after their seconds, think in UTC and look for tables in the
 * connection's schemas, the event writer's and that of the views. So a query of nobody's in particular is one statement and one
 * round trip, and no report waits for a connection that a query has.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Duration, Effect, Exit, Schema, Scope, Semaphore } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { type DatabaseUnavailable, PgConnection } from "../postgres/connection/PgConnection.ts"
import * as QueryViews from "../postgres/connection/QueryViews.ts"
import * as Rows from "../postgres/connection/Rows.ts"

/** Where the event writer makes its tables. */
const eventSchema = "platform"

/** By which the server's list of sessions tells them from others. */
export const applicationName = "serviceradar queries"

export interface QueryPoolOptions {
  readonly maxConnections: number
  readonly timeoutSeconds: number
  /** Of the server's disk, for what does not fit into its memory; in one session. Only where we may set it: 0 is the server's own. */
  readonly spillBytesMax: number
}

const Path = Schema.Struct({ path: Schema.String })

/** Longer than what still runs on the old connections may take. */
const retirement = Duration.minutes(11)

export interface Clients {
  /** A statement that is asked again and again is planned once. */
  readonly plain: PgClient.PgClient
  /** Each is planned for its own times: which partitions there are to read, and in which order, is otherwise not known. */
  readonly ranged: PgClient.PgClient
}

interface Opened {
  /** The program's own, which another one follows when its address or its certificate changes. */
  readonly like: PgClient.PgClient
  readonly clients: Clients
  readonly scope: Scope.Closeable
}

export const make = Effect.fnUntraced(function*(
  { maxConnections, spillBytesMax, timeoutSeconds }: QueryPoolOptions
) {
  const database = yield* PgConnection
  const life = yield* Effect.scope
  const reactivity = yield* Reactivity.make
  const opening = yield* Semaphore.make(1)
  let opened: Opened | undefined

  const open = Effect.fnUntraced(function*(like: PgClient.PgClient): Effect.fn.Return<Clients, SqlError> {
    if (opened?.like === like) return opened.clients
    const [found] = yield* Rows.query(Path, like`select current_setting('search_path') as path`)
    const scope = yield* Scope.fork(life)
    const client = (more: Readonly<Record<string, string>>) =>
      PgClient.make({
        ...like.config,
        applicationName,
        maxConnections,
        minConnections: 0,
        startupParameters: {
          ...like.config.startupParameters,
          default_transaction_read_only: "on",
          statement_timeout: `${timeoutSeconds}s`,
          timezone: "UTC",
          search_path: [found?.path ?? "", eventSchema, QueryViews.schema].filter((part) => part !== "").join(", "),
          ...(spillBytesMax > 0 ? { temp_file_limit: `${Math.ceil(spillBytesMax / 1024)}kB` } : {}),
          ...more
        }
      }).pipe(Effect.provideService(Reactivity.Reactivity, reactivity), Scope.provide(scope))
    const clients = { plain: yield* client({}), ranged: yield* client({ plan_cache_mode: "force_custom_plan" }) }
    const old = opened
    opened = { like, clients, scope }
    if (old !== undefined) {
      // Closing it waits for what works on it.
      yield* Effect.forkIn(Effect.andThen(Effect.sleep(retirement), Scope.close(old.scope, Exit.void)), life)
    }
    return clients
  })

  return Effect.flatMap(
    database.client,
    (like): Effect.Effect<Clients, DatabaseUnavailable | SqlError> =>
      opened?.like === like ? Effect.succeed(opened.clients) : opening.withPermit(open(like))
  )
})

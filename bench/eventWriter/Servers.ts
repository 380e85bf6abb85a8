/**
 * The benchmark's own nats-server and PostgreSQL, both on disk and durable, in a temporary folder that goes with them.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Exit, type FileSystem, Logger, Redacted, Schedule, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as NatsAddress from "../../src/layers/nats/connection/NatsAddress.ts"
import * as NatsCredentials from "../../src/layers/nats/connection/NatsCredentials.ts"
import * as EmbeddedNats from "../../src/layers/nats/server/EmbeddedNats.ts"
import * as NatsServerBinary from "../../src/layers/nats/server/NatsServerBinary.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import type { Credentials } from "../../src/services/security/Credentials.ts"
import { secured } from "../../test/support/secured.ts"

const run = <A, E>(
  scope: Scope.Scope,
  effect: Effect.Effect<A, E, Credentials | FileSystem.FileSystem | Scope.Scope | Reactivity.Reactivity>
): Promise<A> =>
  Effect.runPromise(
    effect.pipe(Scope.provide(scope), Effect.provide([secured, Reactivity.layer, Logger.layer([])]))
  )

const close = (scope: Scope.Closeable): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))

export interface Servers {
  readonly folder: string
  readonly nats: EmbeddedNats.EmbeddedNats
  readonly natsUrl: string
  readonly natsVersion: string
  readonly nc: NatsConnection
  readonly jsm: JetStreamManager
  readonly databaseUrl: string
  /** Of the server that runs now. */
  readonly postgresPid: () => number
  readonly query: (text: string, parameters?: ReadonlyArray<unknown>) => Promise<ReadonlyArray<object>>
  readonly stopPostgres: () => Promise<void>
  /** Ends when it answers queries again. */
  readonly startPostgres: () => Promise<void>
  readonly close: () => Promise<void>
}

const natsOf = (scope: Scope.Scope, home: string) =>
  run(
    scope,
    Effect.gen(function*() {
      const binary = yield* NatsServerBinary.find({
        named: process.env["NATS_SERVER_BIN"],
        searchPath: process.env["PATH"]
      })
      return { binary, server: yield* EmbeddedNats.start({ home, binary, port: 0, storeBytesMax: 40 * 2 ** 30 }) }
    })
  )

const natsConnectionOf = async (scope: Scope.Scope, url: Redacted.Redacted): Promise<NatsConnection> => {
  const options = await run(
    scope,
    Effect.gen(function*() {
      const address = yield* Effect.fromResult(NatsAddress.parse(url))
      return { servers: [...address.servers], ...(yield* NatsCredentials.load({}, address)).options }
    })
  )
  return connect(options)
}

export const start = async (): Promise<Servers> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))
  // The database runs as another user when we are root.
  await fs.chmod(folder, 0o755)
  const scope = Scope.makeUnsafe()
  const { binary, server: nats } = await natsOf(scope, path.join(folder, "nats"))
  const nc = await natsConnectionOf(scope, nats.url)

  const startPostgres = async () => {
    const own = Scope.makeUnsafe()
    const server = await run(own, EmbeddedPostgres.start({ home: path.join(folder, "postgres"), port: 0 }))
    return { scope: own, server }
  }
  let postgres = await startPostgres()
  // The same port for the next start, as the writer keeps the address.
  const { port, url } = postgres.server
  const sql = await run(scope, PgClient.make({ url, maxConnections: 4, applicationName: "bench" }))

  const restart = async () => {
    const own = Scope.makeUnsafe()
    const server = await run(own, EmbeddedPostgres.start({ home: path.join(folder, "postgres"), port }))
    postgres = { scope: own, server }
  }

  return {
    folder,
    nats,
    natsUrl: Redacted.value(nats.url),
    natsVersion: binary.version,
    nc,
    jsm: await jetstreamManager(nc),
    databaseUrl: Redacted.value(url),
    postgresPid: () => postgres.server.pid,
    query: (text, parameters = []) =>
      Effect.runPromise(
        sql.unsafe<object>(text, parameters).pipe(
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 3 })
        )
      ),
    stopPostgres: () => close(postgres.scope),
    startPostgres: restart,
    close: async () => {
      await nc.close()
      await close(postgres.scope)
      await close(scope)
      await fs.rm(folder, { recursive: true, force: true })
    }
  }
}

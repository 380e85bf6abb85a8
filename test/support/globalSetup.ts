/**
 * One real PostgreSQL for a whole run of the tests, with its data in a temporary folder that is removed afterwards, and
 * the place of a real nats-server.
 *
 * Takes half a second. Each test file makes its own database in it, see `TestDatabase.ts`, and starts its own NATS, see
 * `natsServer.ts`.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Exit, Logger, Redacted, Scope } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import type { TestProject } from "vitest/node"
import * as NatsServerBinary from "../../src/layers/nats/server/NatsServerBinary.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's address of the server that all test files share. */
    readonly postgresUrl: string
    /** The nats-server program; empty when there is none. */
    readonly natsServerPath: string
    /** Why there is none. */
    readonly natsServerProblem: string
  }
}

const findNatsServer = NatsServerBinary.find({
  named: process.env["NATS_SERVER_BIN"],
  searchPath: process.env["PATH"]
}).pipe(Effect.match({
  onFailure: (error) => ({ path: "", problem: error.message }),
  onSuccess: ({ path }) => ({ path, problem: "" })
}))

const tlsFixtures = path.resolve(import.meta.dirname, "../fixtures/tls")

/** A checkout gives everybody the right to read, and a key that everybody can read is refused. */
const hideKeys = async (): Promise<void> => {
  const keys = (await fs.readdir(tlsFixtures)).filter((name) => name.endsWith("-key.pem"))
  await Promise.all(keys.map((name) => fs.chmod(path.join(tlsFixtures, name), 0o600)))
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await hideKeys()
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-test-"))
  // The server runs as another user when the tests run as root.
  await fs.chmod(folder, 0o755)
  const scope = Scope.makeUnsafe()
  const startPostgres = EmbeddedPostgres.start({ home: path.join(folder, "postgres"), port: 0, durable: false })
  const [server, nats] = await Effect.runPromise(
    Effect.all([Scope.provide(startPostgres, scope), findNatsServer], { concurrency: 2 }).pipe(
      Effect.provide([NodeFileSystem.layer, Logger.layer([])])
    )
  )
  project.provide("natsServerPath", nats.path)
  project.provide("natsServerProblem", nats.problem)
  project.provide("postgresUrl", Redacted.value(server.url))
  return async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await fs.rm(folder, { recursive: true, force: true })
  }
}

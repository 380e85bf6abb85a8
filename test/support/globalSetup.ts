/**
 * One real PostgreSQL for a whole run of the tests, with its data in a temporary folder that is removed afterwards.
 *
 * Takes half a second. Each test file makes its own database in it, see `TestDatabase.ts`.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Exit, Logger, Redacted, Scope } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "../../src/layers/postgres/EmbeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's address of the server that all test files share. */
    readonly postgresUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-test-"))
  // The server runs as another user when the tests run as root.
  await fs.chmod(folder, 0o755)
  const scope = Scope.makeUnsafe()
  const server = await Effect.runPromise(
    EmbeddedPostgres.start({ home: path.join(folder, "postgres"), port: 0, durable: false }).pipe(
      Scope.provide(scope),
      Effect.provide([NodeFileSystem.layer, Logger.layer([])])
    )
  )
  project.provide("postgresUrl", Redacted.value(server.url))
  return async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await fs.rm(folder, { recursive: true, force: true })
  }
}

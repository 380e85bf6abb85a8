/** Core as a process of its own with a database of its own, for tests that sign in to it. */
import { Effect, Option, Redacted } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type * as Browser from "./browser.ts"
import * as Program from "./Program.ts"
import { temporaryFolder } from "./temporaryFolder.ts"
import { TestDatabase } from "./TestDatabase.ts"

export interface CoreOptions {
  /** Its `auth`. */
  readonly auth?: object
  /** Beside `auth`. */
  readonly more?: object
  readonly env?: Readonly<Record<string, string>>
  readonly port?: number
  /** Where it is asked for, over HTTPS; with the way to do so. */
  readonly base?: string
  readonly transport?: Browser.Transport
}

/** Ready to be asked; ended with the scope. */
export const start = Effect.fnUntraced(
  function*({ auth = {}, base: named, env: more = {}, more: beside = {}, port, transport = fetch }: CoreOptions = {}) {
    const { url } = yield* TestDatabase
    const folder = yield* temporaryFolder
    const ports = { grpc: yield* Program.freePort, http: port ?? (yield* Program.freePort) }
    const config = path.join(folder, "core.json")
    const text = { listen_addr: `127.0.0.1:${ports.http}`, grpc_addr: `127.0.0.1:${ports.grpc}`, auth, ...beside }
    yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
    const env = { DATABASE_URL: Redacted.value(url), ...more }
    const program = yield* Program.start(["core", "--config", config], { env })
    const base = named ?? `http://127.0.0.1:${ports.http}`
    const ready = Effect.tryPromise(async (signal) => (await transport(`${base}/health/ready`, { signal })).text())
    yield* Program.eventually(
      "core is ready",
      Effect.map(ready, Option.liftPredicate((text) => text.includes("\"status\":\"ready\""))),
      { within: "30 seconds", programs: [program] }
    )
    const command = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
      const run = yield* Program.start(args, { env })
      const code = yield* run.exited
      if (code !== 0) return yield* Effect.die(new Error(`serviceradar ${args.join(" ")}: ${code}\n${run.output()}`))
      return run.stdout().trim()
    })
    return { base, program, command, config, grpc: `127.0.0.1:${ports.grpc}` }
  }
)

import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as EmbeddedNats from "../../src/layers/nats/server/EmbeddedNats.ts"
import * as NatsServerBinary from "../../src/layers/nats/server/NatsServerBinary.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as NatsServer from "../support/natsServer.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const startNats = Effect.gen(function*() {
  const home = path.join(yield* temporaryFolder, "nats")
  const binary = yield* NatsServerBinary.find({ named: yield* NatsServer.programPath, searchPath: undefined })
  return yield* EmbeddedNats.start({ home, binary, port: 0, watchEvery: "200 millis" })
})

const stop = (pid: number) => Effect.sync(() => process.kill(pid, "SIGSTOP"))

// They wait for servers that are silent: side by side.
describe.concurrent("A server of ours that does not answer any more", () => {
  it.live("nats-server is killed, so that it is started again", () =>
    Effect.gen(function*() {
      const server = yield* startNats
      yield* stop(server.pid)
      const exited = yield* Effect.flip(Effect.timeout(server.run, "25 seconds"))

      assert.strictEqual(exited._tag === "NatsExited" ? exited.signal : exited._tag, "SIGKILL")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.live("nats-server whose store was deleted is killed too", () =>
    Effect.gen(function*() {
      const server = yield* startNats
      yield* Effect.promise(() => fs.rm(path.join(server.home, "store"), { recursive: true }))
      const exited = yield* Effect.flip(Effect.timeout(server.run, "25 seconds"))

      assert.strictEqual(exited._tag === "NatsExited" ? exited.signal : exited._tag, "SIGKILL")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.live("nats-server that answers is left alone", () =>
    Effect.gen(function*() {
      const server = yield* startNats
      const ended = yield* Effect.timeoutOption(Effect.flip(server.run), "1500 millis")

      assert.strictEqual(ended._tag, "None")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.live("PostgreSQL is killed, so that it is started again", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "postgres")
      const server = yield* EmbeddedPostgres.start({ home, port: 0, durable: false, watchEvery: "200 millis" })
      yield* stop(server.pid)
      const exited = yield* Effect.flip(Effect.timeout(server.run, "25 seconds"))

      assert.strictEqual(exited._tag === "PostgresExited" ? exited.signal : exited._tag, "SIGKILL")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
})

import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import * as PasswordFile from "../../../../src/layers/postgres/connection/PasswordFile.ts"

const address = Redacted.make("postgresql://writer@pg:5432/telemetry?sslmode=require")

const passwordFile = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const file = `${yield* files.makeTempDirectoryScoped()}/password`
  return { file, write: (text: string) => files.writeFileString(file, text) }
})

const layer = Layer.merge(DatabaseEndpoint.layer(), NodeFileSystem.layer)

describe("PasswordFile", () => {
  it.effect("publishes the address with the password, and again with each other one", () =>
    Effect.gen(function*() {
      const { file, write } = yield* passwordFile
      yield* write("first\n")
      const { urls } = yield* DatabaseEndpoint
      const published = yield* Effect.forkChild(Stream.runCollect(Stream.take(urls, 2)))

      const life = yield* Effect.forkScoped(yield* PasswordFile.start(file, address))
      yield* TestClock.adjust("3 minutes")
      yield* write("s:e/cond\n")
      // Reading the file takes real time, in which the clock of the test stands still.
      yield* TestClock.adjust("60 seconds").pipe(
        Effect.andThen(TestClock.withLive(Effect.sleep("5 millis"))),
        Effect.repeat({ until: () => published.pollUnsafe() !== undefined })
      )
      const texts = (yield* Fiber.join(published)).map(Redacted.value)

      assert.deepStrictEqual(texts, [
        "postgresql://writer:first@pg:5432/telemetry?sslmode=require",
        "postgresql://writer:s%3Ae%2Fcond@pg:5432/telemetry?sslmode=require"
      ])
      assert.isUndefined(life.pollUnsafe())
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("does not start with an empty file or none, and says which", () =>
    Effect.gen(function*() {
      const { file, write } = yield* passwordFile

      const none = yield* Effect.flip(Effect.asVoid(PasswordFile.start(file, address)))
      yield* write(" \n")
      const empty = yield* Effect.flip(Effect.asVoid(PasswordFile.start(file, address)))

      assert.strictEqual(none.message, `CNPG_PASSWORD_FILE ${file}: cannot be read: there is no such file (ENOENT)`)
      assert.strictEqual(empty.message, `CNPG_PASSWORD_FILE ${file}: is empty`)
    }).pipe(Effect.scoped, Effect.provide(layer)))
})

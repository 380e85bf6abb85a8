import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseHealth } from "../../../src/services/event-writer/DatabaseHealth.ts"

/** A database that answers probes as `answers` says at that time. */
class Database {
  answer: "fine" | "fails" | "hangs" = "fine"
  probes = 0
  readonly probe = Effect.suspend((): Effect.Effect<void, { readonly message: string }> => {
    this.probes += 1
    if (this.answer === "hangs") return Effect.uninterruptible(Effect.never)
    return this.answer === "fine" ? Effect.void : Effect.fail({ message: "connection refused" })
  })
}

const watched = <A, E>(database: Database, body: Effect.Effect<A, E, DatabaseHealth>) =>
  Effect.gen(function*() {
    yield* Effect.forkChild(DatabaseHealth.use((health) => health.keep))
    yield* TestClock.adjust(0)
    return yield* body
  }).pipe(Effect.provide(DatabaseHealth.layer(database.probe)))

const isWaiting = DatabaseHealth.use((health) =>
  Effect.gen(function*() {
    const passed = yield* Deferred.make<void>()
    const fiber = yield* Effect.forkChild(Effect.andThen(health.awaitUp, Deferred.succeed(passed, undefined)))
    yield* TestClock.adjust(0)
    const isDone = yield* Deferred.isDone(passed)
    yield* Fiber.interrupt(fiber)
    return !isDone
  })
)

describe("DatabaseHealth", () => {
  it.effect("lets writers wait until the first probe succeeds", () => {
    const database = new Database()
    database.answer = "fails"
    return watched(
      database,
      Effect.gen(function*() {
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(yield* isWaiting)

        database.answer = "fine"
        yield* TestClock.adjust("600 millis")
        assert.isFalse(yield* isWaiting)
      })
    )
  })

  it.effect("notices within 600 ms that the database is back, without asking more than 20 times a second", () => {
    const database = new Database()
    return watched(
      database,
      Effect.gen(function*() {
        const health = yield* DatabaseHealth
        database.answer = "fails"
        yield* health.outage("terminating connection")
        const before = database.probes
        yield* TestClock.adjust("60 seconds")
        assert.isTrue(yield* isWaiting)
        assert.isAtMost(database.probes - before, 170)

        database.answer = "fine"
        yield* TestClock.adjust("600 millis")
        assert.isFalse(yield* isWaiting)
        assert.strictEqual((yield* health.state).reason, "")
      })
    )
  })

  it.effect("opens on a suspicion only when a probe confirms it", () => {
    const database = new Database()
    return watched(
      database,
      Effect.gen(function*() {
        const health = yield* DatabaseHealth
        assert.isFalse(yield* health.suspect("longer than 15s"))
        assert.isFalse(yield* isWaiting)

        database.answer = "fails"
        assert.isTrue(yield* health.suspect("longer than 15s"))
        assert.isTrue(yield* isWaiting)
      })
    )
  })

  it.effect("takes a database that never answers for one that is away", () => {
    const database = new Database()
    return watched(
      database,
      Effect.gen(function*() {
        const health = yield* DatabaseHealth
        database.answer = "hangs"
        const suspicion = yield* Effect.forkChild(health.suspect("longer than 15s"))
        yield* TestClock.adjust("3 seconds")
        assert.isTrue(yield* Fiber.join(suspicion))

        database.answer = "fine"
        yield* TestClock.adjust("4 seconds")
        assert.isFalse(yield* isWaiting)
      })
    )
  })

  it.effect("notices an outage while nobody writes, but forgives a single failed probe", () => {
    const database = new Database()
    return watched(
      database,
      Effect.gen(function*() {
        database.answer = "fails"
        yield* TestClock.adjust("5 seconds")
        assert.isTrue(yield* isWaiting)
      })
    )
  })
})

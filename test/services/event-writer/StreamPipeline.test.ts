import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { StreamSettings } from "../../../src/domain/events/settings/EventWriterSettings.ts"
import * as StreamPipeline from "../../../src/services/event-writer/StreamPipeline.ts"
import { StreamRecords } from "../../../src/services/event-writer/StreamRecords.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as Fixture from "./WriterFixture.ts"

/** Runs the stream's pipeline against the world until the body ends. */
const writing = <A, E>(
  world: Fixture.World,
  body: (stop: Effect.Effect<void>) => Effect.Effect<A, E, StreamRecords>,
  settings: Partial<StreamSettings> = {}
) =>
  Effect.gen(function*() {
    const running = yield* Effect.forkChild(
      Supervisor.run({
        id: "Pipeline",
        strategy: "one_for_one",
        children: [StreamPipeline.child({ ...Fixture.settings, ...settings })]
      })
    )
    const stop = Effect.gen(function*() {
      const stopping = yield* Effect.forkChild(Fiber.interrupt(running))
      // A writer that waits for its database drains until its limit.
      yield* pass("20 seconds")
      yield* Fiber.join(stopping)
    })
    const answer = yield* body(stop)
    yield* stop
    return answer
  }).pipe(Effect.provide(Fixture.layer(world)))

const record = StreamRecords.use((records) => records.of("LOGS"))

/** Lets time pass in small steps, so that everything that waits gets its turn. */
const pass = (duration: Duration.Input) =>
  Effect.repeat(TestClock.adjust("50 millis"), {
    times: Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration)) / 50) - 1
  })

describe("StreamPipeline", () => {
  it.effect("acks each message after its rows are stored", () => {
    const world = new Fixture.World()
    world.publishLogs(25)

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        assert.strictEqual(world.entries("stored").length, 25)
        assert.strictEqual(world.entries("ack").length, 25)
        world.journal.filter((entry) => /^(ack|stored)/.test(entry)).reduce((stored, entry) => {
          assert.isTrue(entry.startsWith("stored") || stored > 0)
          return entry.startsWith("stored") ? stored + 1 : stored - 1
        }, 0)
        const { received, rowsInserted, stored } = yield* record
        assert.deepStrictEqual({ received, rowsInserted, stored }, { received: 25, rowsInserted: 25, stored: 25 })
      }))
  })

  it.effect("keeps what cannot be decoded as a dead letter before it is termed, and stores all others", () => {
    const world = new Fixture.World()
    world.publishLogs(5)
    const bad = world.publish("{\"body\": ")
    world.publishLogs(5)

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        assert.strictEqual(world.entries("ack").length, 10)
        const own = world.journal.filter((entry) => entry.split(" ")[1] === String(bad) && !entry.startsWith("pull"))
        assert.deepStrictEqual(own, [`letter ${bad} decode`, `term ${bad}`])
        assert.strictEqual(world.letters[0]?.failure.place, "$")
      }))
  })

  it.effect("decodes no more of a batch than it can hold as rows before it writes them", () => {
    const world = new Fixture.World()
    const large = JSON.stringify(Array.from({ length: 30_000 }, () => ({ body: "x" })))
    for (let count = 0; count < 2; count++) world.publish(large)
    world.publish("no json")
    for (let count = 0; count < 3; count++) world.publish(large)

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        assert.deepStrictEqual(world.statementSizes, Array(5).fill(30_000))
        // Two make more than 50,000 rows; what is poison makes none.
        assert.deepStrictEqual(world.decodedBefore, [2, 2, 5, 5, 6])
        assert.strictEqual(world.entries("ack").length, 5)
        assert.strictEqual(world.entries("term").length, 1)
      }), { bytesMax: 10_000_000 })
  })

  it.effect("is opening until it has subscribed", () => {
    const world = new Fixture.World()
    world.probe = "fails"

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")
        assert.isTrue((yield* record).isOpening)

        world.probe = "fine"
        yield* pass("1 second")
        assert.isFalse((yield* record).isOpening)
        assert.strictEqual(world.subscriptions, 1)
      }))
  })

  it.effect("is no longer opening when it knows why it cannot subscribe", () => {
    const world = new Fixture.World()
    world.streamIsMissing = true

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")
        const { hasSubscribed, isOpening, trouble } = yield* record
        assert.deepStrictEqual(
          { hasSubscribed, isOpening, trouble },
          { hasSubscribed: false, isOpening: false, trouble: "no such stream" }
        )
      }))
  })

  it.effect("keeps an element that is no record as a dead letter of its own, stores its neighbours, and then acks", () => {
    const world = new Fixture.World()
    const mixed = world.publish(JSON.stringify([{ body: "one" }, 5, { body: "two" }, null]))

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        const own = world.journal.filter((entry) => !/^(?:pull|extend) /.test(entry))
        assert.deepStrictEqual(own.slice(-3), [
          `letter ${mixed} decode 1 5`,
          `letter ${mixed} decode 3 null`,
          `ack ${mixed}`
        ])
        assert.deepStrictEqual(world.statementSizes, [2])
        assert.deepStrictEqual(world.letters.map(({ failure }) => failure.place), ["$[1]", "$[3]"])
        const { deadLettered, rowsInserted, stored } = yield* record
        assert.deepStrictEqual({ deadLettered, rowsInserted, stored }, { deadLettered: 2, rowsInserted: 2, stored: 1 })
      }))
  })

  it.effect("does not ack a message whose bad element cannot be kept", () => {
    const world = new Fixture.World()
    world.lettersAreRefused = true
    const mixed = world.publish(JSON.stringify([{ body: "one" }, 5]))

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("500 millis")
        assert.deepStrictEqual([world.entries("ack").length, world.entries("nak").length], [0, 1])
        assert.notStrictEqual((yield* record).trouble, "")

        world.lettersAreRefused = false
        yield* pass("5 seconds")
        assert.deepStrictEqual(world.entries("letter"), [`letter ${mixed} decode 1 5`])
        assert.deepStrictEqual(world.entries("ack"), [`ack ${mixed}`])
        assert.strictEqual((yield* record).trouble, "")
      }))
  })

  it.effect("gives back what can neither be stored nor be kept", () => {
    const world = new Fixture.World()
    world.lettersAreRefused = true
    const bad = world.publish("no json")

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("500 millis")
        assert.strictEqual(world.entries("nak").length, 1)
        assert.strictEqual(world.entries("term").length, 0)
        assert.notStrictEqual((yield* record).trouble, "")

        world.lettersAreRefused = false
        yield* pass("5 seconds")
        assert.deepStrictEqual(world.entries("term"), [`term ${bad}`])
        assert.strictEqual((yield* record).trouble, "")
      }))
  })

  it.effect("finds the one message that the database refuses", () => {
    const world = new Fixture.World()
    world.publishLogs(6)
    const bad = world.publish(JSON.stringify({ body: "forbidden" }))
    world.publishLogs(3)

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        assert.strictEqual(world.entries("ack").length, 9)
        assert.deepStrictEqual(world.entries("letter"), [`letter ${bad} rejected`])
        assert.strictEqual(world.letters[0]?.failure.place, "body")
      }))
  })

  it.effect("keeps its messages through an outage: nothing is given back, nothing is fetched, all are extended", () => {
    const world = new Fixture.World()
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("100 millis")
        world.database = "away"
        world.probe = "fails"
        world.publishLogs(15)
        yield* pass("30 seconds")
        const pulls = world.entries("pull").length
        world.publishLogs(500)
        yield* pass("5 minutes")

        assert.deepStrictEqual(world.entries("nak"), [])
        assert.deepStrictEqual(world.letters, [])
        assert.strictEqual(world.entries("pull").length, pulls)
        for (let sequence = 1; sequence <= 15; sequence++) {
          const extended = world.journal.filter((entry) => entry === `extend ${sequence}`).length
          assert.isAtLeast(extended, 330 / 30)
        }

        world.database = "up"
        world.probe = "fine"
        yield* pass("1 second")
        assert.isAtLeast(world.entries("ack").length, 15)
        yield* pass("5 seconds")
        assert.strictEqual(world.entries("ack").length, 515)
        const before = world.entries("extend").length
        yield* pass("1 minute")
        assert.strictEqual(world.entries("extend").length, before)
      }), { concurrency: 2 })
  })

  it.effect("does not hammer a database that answers but refuses writes", () => {
    const world = new Fixture.World()
    world.database = "refuses"
    world.publishLogs(10)
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 minute")
        assert.isAtMost(world.statementSizes.length, 40)
        assert.deepStrictEqual(world.entries("nak"), [])

        world.database = "up"
        yield* pass("10 seconds")
        assert.strictEqual(world.entries("ack").length, 10)
      }))
  })

  it.effect("says what is wrong with a table while messages wait for it", () => {
    const world = new Fixture.World()
    world.database = "has no table"
    world.publishLogs(3)

    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("10 seconds")
        assert.include((yield* record).trouble, "relation does not exist")
        assert.strictEqual(world.entries("nak").length + world.entries("letter").length, 0)

        world.database = "up"
        yield* pass("10 seconds")
        assert.strictEqual(world.entries("ack").length, 3)
        assert.strictEqual((yield* record).trouble, "")
      }))
  })

  it.effect("tries later, each time later, what the database does not get done, and in the end asks a person", () => {
    const world = new Fixture.World()
    world.database = "hangs"
    const slow = world.publish(JSON.stringify({ body: "slow" }))
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 minute")

        const delays = world.entries("nak").map((entry) => Number(entry.split(" ")[2]))
        assert.strictEqual(delays.length, Fixture.settings.deliveriesMax - 1)
        delays.forEach((delay, at) => {
          assert.isAtLeast(delay, 750 * 2 ** at)
          assert.isAtMost(delay, 1250 * 2 ** at)
        })
        assert.deepStrictEqual(world.entries("letter"), [`letter ${slow} exhausted`])
        assert.strictEqual(world.letters[0]?.deliveries, Fixture.settings.deliveriesMax)
      }))
  })

  it.effect("takes a database that hangs and answers no probe for an outage", () => {
    const world = new Fixture.World()
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("100 millis")
        world.database = "hangs"
        world.probe = "fails"
        world.publishLogs(1)
        yield* pass("5 minutes")

        assert.deepStrictEqual(world.entries("nak"), [])
        assert.deepStrictEqual(world.letters, [])
      }))
  })

  it.effect("acks what belongs to another stream without storing or counting it", () => {
    const world = new Fixture.World()
    world.publish(JSON.stringify({ body: "theirs" }), { isForeign: true })
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("500 millis")

        assert.deepStrictEqual(world.entries("ack"), ["ack 1"])
        assert.deepStrictEqual(world.entries("stored"), [])
        assert.strictEqual((yield* record).stored, 0)
      }))
  })

  it.effect("subscribes again after the source was away, and says so while it is", () => {
    const world = new Fixture.World()
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("500 millis")
        world.sourceIsAway = true
        yield* pass("1 minute")
        assert.strictEqual((yield* record).problem, "no servers")
        assert.isAtMost(world.subscriptions, 25)

        world.sourceIsAway = false
        world.publishLogs(3)
        yield* pass("10 seconds")
        assert.strictEqual(world.entries("ack").length, 3)
        assert.strictEqual((yield* record).problem, "")
      }))
  })

  it.effect("subscribes again at once, and without a word, where another connection took the place of its own", () => {
    const world = new Fixture.World()
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("500 millis")
        const { subscriptions } = world
        world.sourceIsReplaced = true
        world.publishLogs(3)
        // Shorter than the first wait after a failure.
        yield* pass("90 millis")

        assert.strictEqual(world.subscriptions, subscriptions + 1)
        assert.strictEqual((yield* record).problem, "")
        yield* pass("1 second")
        assert.strictEqual(world.entries("ack").length, 3)
      }))
  })

  it.effect("holds no more bytes than it may, and at least one message", () => {
    const world = new Fixture.World()
    const large = JSON.stringify({ body: "x".repeat(1_000) })
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("100 millis")
        world.database = "away"
        // The gate is still open for the first batch, so that messages are fetched.
        for (let at = 0; at < 10; at++) world.publish(large)
        yield* pass("1 second")
        assert.isAtMost((yield* record).received, 3)

        world.database = "up"
        yield* pass("20 seconds")
        assert.strictEqual(world.entries("ack").length, 10)
      }), { bytesMax: 2_500 })
  })

  it.effect("gives everything back at once when it is stopped during an outage", () => {
    const world = new Fixture.World()
    return writing(world, (stop) =>
      Effect.gen(function*() {
        yield* pass("100 millis")
        world.database = "away"
        world.probe = "fails"
        world.publishLogs(25)
        yield* pass("5 seconds")
        yield* stop

        const { received } = yield* record
        assert.isAtLeast(received, 10)
        assert.strictEqual(world.entries("nak").filter((entry) => entry.endsWith(" 0")).length, received)
      }))
  })

  it.effect("stores a message alone that came too often, so that it harms no other", () => {
    const world = new Fixture.World()
    world.publishLogs(3)
    world.publish(JSON.stringify({ body: "again" }), { deliveries: 7 })
    world.publishLogs(3)
    return writing(world, () =>
      Effect.gen(function*() {
        yield* pass("1 second")

        assert.deepStrictEqual(world.statementSizes.toSorted(), [1, 6])
      }))
  })
})

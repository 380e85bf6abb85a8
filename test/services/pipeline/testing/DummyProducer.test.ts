import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Batch, batcher, Pipeline } from "../../../../src/services/pipeline/index.ts"
import { DummyProducer, testBatch, testMessage } from "../../../../src/services/pipeline/testing/index.ts"

/** Numbers go into batches of three, `NaN` is refused. */
const start = Effect.fnUntraced(function*() {
  const dummy = yield* DummyProducer.make<number, string>()
  const batches: Array<readonly [trigger: string, ...values: Array<number>]> = []
  const rows = batcher("rows", {
    size: 3,
    timeout: "1 minute",
    handle: ({ trigger, values }: Batch<number>) => Effect.sync(() => void batches.push([trigger, ...values]))
  })
  const pipeline = yield* Pipeline.start({
    name: "numbers",
    producer: dummy.producer,
    processors: { concurrency: 1 },
    batchers: [rows],
    handle: (value) => Number.isNaN(value) ? Effect.fail("not a number") : Effect.succeed(rows.to(value)),
    acknowledge: dummy.acknowledge
  })
  return { batches, dummy, pipeline }
})

describe("DummyProducer", () => {
  it.effect("testMessage: one message, its batch closed at once", () =>
    Effect.gen(function*() {
      const { batches, dummy } = yield* start()

      const { ok, rejected } = yield* testMessage(dummy, 7)

      assert.deepStrictEqual([ok, rejected, batches], [[7], [], [["flush", 7]]])
    }))

  it.effect("testMessage tells what a message was refused for", () =>
    Effect.gen(function*() {
      const { dummy } = yield* start()

      const { ok, rejected } = yield* testMessage(dummy, NaN)

      assert.deepStrictEqual(ok, [])
      assert.deepStrictEqual(rejected, [{
        message: NaN,
        stage: "processor",
        outcome: { _tag: "Failed", error: "not a number" },
        options: undefined
      }])
    }))

  it.effect("testBatch gathers as in production: by size, then by age", () =>
    Effect.gen(function*() {
      const { batches, dummy } = yield* start()
      const sending = yield* Effect.forkChild(testBatch(dummy, [1, 2, 3, 4], { within: "2 minutes" }), {
        startImmediately: true
      })

      yield* TestClock.adjust("1 minute")
      const { ok } = yield* Fiber.join(sending)

      assert.deepStrictEqual(ok, [1, 2, 3, 4])
      assert.deepStrictEqual(batches, [["size", 1, 2, 3], ["timeout", 4]])
    }))

  it.effect("flush closes the batch that others have begun", () =>
    Effect.gen(function*() {
      const { batches, dummy } = yield* start()
      const waiting = yield* Effect.forkChild(testMessage(dummy, 1, { batchMode: "bulk" }), { startImmediately: true })

      yield* testMessage(dummy, 2)
      yield* Fiber.join(waiting)

      assert.deepStrictEqual(batches, [["flush", 1, 2]])
    }))

  it.effect("tells equal values apart by their order, and callers at the same time by their messages", () =>
    Effect.gen(function*() {
      const { dummy } = yield* start()

      const answers = yield* Effect.all([
        testBatch(dummy, [1, 1, 2], { batchMode: "flush" }),
        testBatch(dummy, [NaN, 2], { batchMode: "flush" })
      ], { concurrency: "unbounded" })

      assert.deepStrictEqual(answers.map(({ ok, rejected }) => [ok, rejected.length]), [[[1, 1, 2], 0], [[2], 1]])
    }))

  it.effect("hears of outcomes after the pipeline's own acknowledger, with its options", () =>
    Effect.gen(function*() {
      const dummy = yield* DummyProducer.make<number, never, string>()
      const told: Array<number> = []
      yield* Pipeline.start({
        name: "p",
        producer: dummy.producer,
        acknowledgeOptions: "once",
        handle: (value, context) => Effect.sync(() => value === 2 ? context.configureAcknowledge("twice") : undefined),
        acknowledge: dummy.acknowledging(({ ok }) => Effect.sync(() => told.push(...ok)))
      })

      const first = yield* testMessage(dummy, 1)
      assert.deepStrictEqual(told, [1])
      const second = yield* testMessage(dummy, 2)

      assert.deepStrictEqual([first.okOptions, second.okOptions], [["once"], ["twice"]])
    }))

  it.effect("an end drains the pipeline", () =>
    Effect.gen(function*() {
      const { batches, dummy, pipeline } = yield* start()
      const sending = yield* Effect.forkChild(testBatch(dummy, [1, 2]), { startImmediately: true })

      yield* dummy.end
      yield* pipeline.await

      assert.deepStrictEqual((yield* Fiber.join(sending)).ok, [1, 2])
      assert.deepStrictEqual(batches, [["flush", 1, 2]])
    }))

  it.effect("says what is missing, and that no pipeline asks", () =>
    Effect.gen(function*() {
      const dummy = yield* DummyProducer.make<number>()
      const sending = yield* Effect.forkChild(Effect.flip(testBatch(dummy, [1, 2])), { startImmediately: true })

      yield* TestClock.adjust("5 seconds")
      const { message } = yield* Fiber.join(sending)

      assert.strictEqual(
        message,
        "2 of 2 messages had no outcome after 5000 ms; no pipeline asks this producer for messages"
      )
    }))
})

/**
 * Fibers give way after a number of steps, at any point. With small numbers every gap between a check and its act shows
 * itself: a message that is lost, told twice, or told after the end.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Queue, Scheduler, Stream } from "effect"
import { type Batch, batcher, Pipeline, Producer } from "../../../src/services/pipeline/index.ts"
import { handedOver } from "../../../src/services/pipeline/internal/HandedOver.ts"
import { recorder } from "./PipelineFixture.ts"

const budgets = [5, 6, 7, 8, 9, 11, 13, 17, 23, 31, 47, 64, 90, 120]

const withSteps = <A, E, R>(steps: number, self: Effect.Effect<A, E, R>) =>
  self.pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, steps), Effect.provide(Logger.layer([])))

/** Everything received has one outcome, and nothing is told after the Scope is closed. */
const checkClosed = (steps: number, round: number) =>
  Effect.gen(function*() {
    const seen = recorder<number, never>()
    let sent = 0
    let isClosed = false
    let late = 0
    const rows = batcher("rows", {
      size: 3,
      timeout: "2 millis",
      concurrency: 2,
      handle: () => round % 3 === 0 ? Effect.uninterruptible(Effect.sleep(2)) : Effect.yieldNow
    })
    // The cost of a pull varies, so that the fiber gives way at ever another place.
    const pull = Array.from({ length: round }).reduce<Effect.Effect<Array<number>>>(
      (effect) => Effect.map(effect, (messages) => messages),
      Effect.sync(() => [sent++, sent++])
    )
    const status = yield* Effect.scoped(Effect.gen(function*() {
      const pipeline = yield* Pipeline.start({
        name: "p",
        producers: 2,
        inFlightMax: 9,
        demandMin: 2,
        shutdown: round % 2 === 0 ? "1 second" : "1 millis",
        acknowledgeTimeout: "1 second",
        processors: { concurrency: 2, demandMax: 3 },
        ...(round % 4 === 0 ? { partitionBy: (message: number) => message % 5 } : {}),
        producer: Producer.fromPull(() => Effect.andThen(Effect.yieldNow, pull)),
        batchers: [rows],
        handle: (message: number) =>
          message % 4 === 0 ? Effect.asVoid(Effect.yieldNow) : Effect.succeed(rows.to(message)),
        acknowledge: (outcomes) => {
          if (isClosed) late += 1
          return Effect.andThen(Effect.yieldNow, seen.acknowledge(outcomes))
        }
      })
      yield* Effect.sleep(1 + round % 4)
      if (round % 5 === 0) yield* pipeline.drain
      return pipeline.status
    }))
    isClosed = true
    const { crashed, failed, inFlight, ok, received } = yield* status
    const messages = seen.messages()

    assert.deepStrictEqual([ok + failed + crashed, messages.length, inFlight, late], [received, received, 0, 0])
    assert.strictEqual(new Set(messages).size, messages.length)
    return received
  }).pipe((self) => withSteps(steps, self))

describe("Pipeline, whatever step its fibers give way at", () => {
  it.live("gives each received message one outcome before its Scope is closed (07-drain-loses-messages.ts)", () =>
    Effect.gen(function*() {
      let received = 0
      for (const steps of budgets) {
        for (let round = 0; round < 20; round += 1) received += yield* checkClosed(steps, round)
      }
      assert.isAbove(received, 1_000)
    }))

  it.live("keeps keys in order and ends by itself", () =>
    Effect.forEach(budgets, (steps) =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const order: Array<number> = []
        const rows = batcher("rows", {
          size: 4,
          concurrency: 2,
          timeout: "5 millis",
          handle: ({ values }: Batch<number>) => Effect.sync(() => void order.push(...values))
        })
        yield* Pipeline.run({
          name: "p",
          inFlightMax: 20,
          processors: { concurrency: 3, demandMax: 2 },
          partitionBy: (message: number) => message % 7,
          producer: Producer.fromStream(Stream.range(0, 99)),
          batchers: [rows],
          handle: (message) => Effect.as(Effect.yieldNow, rows.to(message)),
          acknowledge: seen.acknowledge
        })

        assert.strictEqual(seen.ok().length, 100)
        for (let key = 0; key < 7; key += 1) {
          const ofKey = order.filter((message) => message % 7 === key)
          assert.deepStrictEqual(ofKey, ofKey.toSorted((a, b) => a - b))
        }
      }).pipe((self) => withSteps(steps, self)), { discard: true }))

  it.live("hands over what an effect brought even when its fiber is interrupted at that moment", () =>
    Effect.forEach(budgets, (steps) =>
      Effect.gen(function*() {
        for (let round = 0; round < 30; round += 1) {
          let made = 0
          const taken: Array<number> = []
          const queue = yield* Queue.bounded<void>(1)
          const waiting = Array.from({ length: round % 10 }).reduce<Effect.Effect<void>>(
            (effect) => Effect.andThen(effect, Effect.void),
            Queue.take(queue)
          )
          const self = Effect.andThen(
            waiting,
            Effect.sync(() => {
              made += 1
              return made
            })
          )
          const fiber = yield* Effect.forkChild(handedOver(self, (value) => void taken.push(value)), {
            startImmediately: true
          })
          yield* Queue.offer(queue, undefined)
          for (let turn = 0; turn < round % 3; turn += 1) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)

          assert.strictEqual(taken.length, made)
        }
      }).pipe((self) => withSteps(steps, self)), { discard: true }))
})

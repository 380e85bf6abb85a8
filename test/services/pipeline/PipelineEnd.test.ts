/** How a pipeline ends: drained, cut short, or left by something that will not stop. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Fiber, Logger, Stream } from "effect"
import { batcher, Pipeline, Producer } from "../../../src/services/pipeline/index.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { withClockShifted } from "../../support/WallClock.ts"
import { recorder } from "./PipelineFixture.ts"

const quiet = Effect.provide(Logger.layer([]))

describe("The end of a pipeline", () => {
  it.effect("ends `await` after `drain`, also for who waited before (04-pipeline-await-after-drain.ts)", () =>
    Effect.gen(function*() {
      let sent = 0
      const pipeline = yield* Pipeline.start({
        name: "p",
        producer: Producer.fromPull(() => Effect.as(Effect.sleep("5 millis"), [sent++])),
        handle: () => Effect.void,
        acknowledge: () => Effect.void
      })
      const waiting = yield* Effect.forkChild(pipeline.await, { startImmediately: true })
      yield* passTime("50 millis")

      yield* pipeline.drain

      yield* Fiber.join(waiting)
      yield* pipeline.await
    }))

  it.live("gives outcomes behind a handler that cannot be interrupted (08-no-outcome-behind-stubborn-handler.ts)", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const released = yield* Effect.forkDetach(Effect.never)
      const status = yield* Effect.scoped(Effect.gen(function*() {
        const pipeline = yield* Pipeline.start({
          name: "p",
          shutdown: "50 millis",
          acknowledgeTimeout: "50 millis",
          producer: Producer.fromStream(Stream.range(1, 3)),
          handle: (message: number) => message === 2 ? Effect.uninterruptible(Fiber.await(released)) : Effect.void,
          acknowledge: ({ ok, rejected }) =>
            Effect.sync(() => void log.push(`ok ${ok}, rejected ${rejected.map(({ message }) => message)}`))
        })
        yield* Effect.sleep("20 millis")
        return pipeline.status
      }))
      log.push("closed")
      yield* Fiber.interrupt(released)
      yield* Effect.repeat(Effect.yieldNow, { times: 100 })

      // library/pipe4.ts
      const { crashed, ok, received, state } = yield* status
      assert.deepStrictEqual({ received, ok, crashed, state }, { received: 3, ok: 1, crashed: 2, state: "drained" })
      assert.deepStrictEqual(log, ["ok 1, rejected 2,3", "closed"])
    }).pipe(quiet))

  it.live("does not wait for an acknowledger that cannot be interrupted", () =>
    Effect.gen(function*() {
      const released = yield* Effect.forkDetach(Effect.never)
      const status = yield* Effect.timeout(
        Effect.scoped(Effect.gen(function*() {
          const pipeline = yield* Pipeline.start({
            name: "p",
            shutdown: "50 millis",
            acknowledgeTimeout: "50 millis",
            producer: Producer.fromStream(Stream.range(1, 3)),
            handle: () => Effect.void,
            acknowledge: () => Effect.uninterruptible(Fiber.await(released))
          })
          yield* pipeline.await
          return yield* pipeline.status
        })),
        "3 seconds"
      )
      yield* Fiber.interrupt(released)

      assert.deepStrictEqual([status.received, status.ok, status.acknowledgeFailures, status.unacknowledged], [
        3,
        3,
        1,
        3
      ])
    }).pipe(quiet))

  it.live("has time for its own limits as a child (13-pipeline-child-cut-short.ts)", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const child = Pipeline.child({
        name: "p",
        shutdown: "200 millis",
        acknowledgeTimeout: "200 millis",
        inFlightMax: 150,
        processors: { concurrency: 2, demandMax: 5 },
        producer: Producer.fromStream(Stream.concat(Stream.range(1, 200), Stream.never)),
        handle: () => Effect.never,
        onRejected: () => Effect.sleep(150),
        acknowledge: ({ rejected }) =>
          Effect.andThen(Effect.sleep(150), Effect.sync(() => void log.push(...rejected.map(() => "rejected"))))
      })
      const supervisor = yield* Supervisor.start({ id: "s", strategy: "one_for_one", children: [child] })
      yield* Effect.sleep(50)

      yield* supervisor.stop
      log.push("supervisor ended")

      assert.strictEqual(log.at(-1), "supervisor ended")
      assert.isAtLeast(log.length, 151)
    }).pipe(Effect.scoped, quiet))

  it.live("closes a batch at its age although the wall clock went back (14-wall-clock-in-pipeline.ts)", () =>
    Effect.gen(function*() {
      const seen = recorder<number, never>()
      const rows = batcher<"rows", number, never, never>("rows", {
        size: 100,
        timeout: "100 millis",
        handle: () => Effect.void
      })
      yield* Pipeline.start({
        name: "p",
        shutdown: "50 millis",
        producer: Producer.fromStream(Stream.concat(Stream.range(1, 3), Stream.never)),
        batchers: [rows],
        handle: (message) => Effect.succeed(rows.to(message)),
        acknowledge: seen.acknowledge
      })
      yield* Effect.sleep("20 millis")

      yield* withClockShifted(
        -3_600_000,
        Effect.timeout(Effect.repeat(Effect.sleep("10 millis"), { until: () => seen.count() === 3 }), "5 seconds")
      )
    }).pipe(Effect.scoped))

  it.live("is not stalled because the wall clock went ahead (14-wall-clock-in-pipeline.ts)", () =>
    Effect.gen(function*() {
      let stalls = 0
      const pipeline = yield* Pipeline.start({
        name: "p",
        shutdown: "10 millis",
        stallAfter: "300 millis",
        observe: (event) => {
          if (event._tag === "stalled") stalls += 1
        },
        producer: Producer.fromStream(Stream.concat(Stream.range(1, 4), Stream.never)),
        processors: { concurrency: 1, demandMax: 1 },
        handle: () => Effect.sleep("100 millis"),
        acknowledge: () => Effect.void
      })

      yield* withClockShifted(3_600_000, Effect.sleep("250 millis"))

      assert.deepStrictEqual([stalls, (yield* pipeline.status).isStalled], [0, false])
    }).pipe(Effect.scoped, quiet))

  it.effect("keeps what a window has let pass when its limit is set again (11-rate-limit-change-refills.ts)", () =>
    Effect.gen(function*() {
      let handled = 0
      const limit = { allowed: 10, interval: "1 second" } as const
      const pipeline = yield* Pipeline.start({
        name: "p",
        rateLimit: limit,
        producer: Producer.fromPull((demand) => Effect.succeed(Array.from({ length: demand }, () => 1))),
        handle: () => Effect.sync(() => void (handled += 1)),
        acknowledge: () => Effect.void
      })

      for (let round = 0; round < 9; round += 1) {
        yield* passTime("50 millis")
        yield* pipeline.setRateLimit(limit)
      }
      yield* passTime("20 millis")

      assert.strictEqual(handled, 10)
      yield* passTime("1 second")
      assert.strictEqual(handled, 20)
    }))
})

describe("What a pipeline's user may add", () => {
  it.effect("prepares the messages of a chunk together, and acknowledges the originals", () =>
    Effect.gen(function*() {
      const seen = recorder<string, string>()
      const handled: Array<string> = []
      const prepared: Array<ReadonlyArray<string>> = []
      yield* Pipeline.run({
        name: "p",
        processors: { concurrency: 1, demandMax: 2 },
        producer: Producer.fromStream(Stream.fromIterable<string>(["a", "b", "c", "d", "e"])),
        prepareMessages: (messages) => {
          prepared.push(messages)
          return messages.includes("c") ? Effect.fail("no c") : Effect.succeed(messages.map((one) => one.toUpperCase()))
        },
        handle: (message) => Effect.sync(() => void handled.push(message)),
        acknowledge: seen.acknowledge
      })

      assert.deepStrictEqual(prepared.flat(), ["a", "b", "c", "d", "e"])
      assert.deepStrictEqual(seen.ok().toSorted(), handled.map((one) => one.toLowerCase()).toSorted())
      assert.include(seen.rejected().map(({ message }) => message), "c")
      assert.deepStrictEqual(new Set(seen.reasons()), new Set(["Failed"]))
    }))

  it.effect("crashes a chunk whose preparation answers too few", () =>
    Effect.gen(function*() {
      const seen = recorder<number, never>()
      yield* Pipeline.run({
        name: "p",
        producer: Producer.fromStream(Stream.range(1, 3)),
        prepareMessages: (messages) => Effect.succeed(messages.slice(1)),
        handle: () => Effect.void,
        acknowledge: seen.acknowledge
      })

      assert.deepStrictEqual(seen.reasons(), ["defect", "defect", "defect"])
    }))

  it.effect("tells the acknowledger the options of each message", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      type Options = { readonly onFailure: "requeue" | "discard" }
      yield* Pipeline.run({
        name: "p",
        producer: Producer.fromStream(Stream.range(1, 4)),
        acknowledgeOptions: { onFailure: "requeue" } as Options,
        handle: (message, context) => {
          if (message % 2 === 0) context.configureAcknowledge({ onFailure: "discard" })
          return message > 2 ? Effect.fail("no") : Effect.void
        },
        acknowledge: ({ ok, okOptions, rejected }) =>
          Effect.sync(() => {
            ok.forEach((message, index) => told.push(`${message} ${okOptions[index]?.onFailure}`))
            for (const { message, options } of rejected) told.push(`${message} ${options.onFailure}`)
          })
      })

      assert.deepStrictEqual(told.toSorted(), ["1 requeue", "2 discard", "3 requeue", "4 discard"])
    }))

  it.effect("asks a producer only when there is room for its smallest demand", () =>
    Effect.gen(function*() {
      const demands: Array<number> = []
      yield* Pipeline.start({
        name: "p",
        inFlightMax: 10,
        demandMin: 5,
        processors: { concurrency: 1, demandMax: 1 },
        producer: Producer.fromPull((demand) =>
          Effect.suspend(() => {
            if (demands.length === 2) return Effect.fail(Cause.Done())
            demands.push(demand)
            return Effect.succeed(Array.from({ length: demand }, () => 0))
          })
        ),
        handle: () => Effect.sleep("1 second"),
        acknowledge: () => Effect.void
      })

      yield* passTime("4900 millis")
      assert.deepStrictEqual(demands, [10])
      yield* passTime("200 millis")
      assert.deepStrictEqual(demands, [10, 5])
      yield* passTime("20 seconds")
    }))

  it.effect("connects a failing source again and again by default, and counts", () =>
    Effect.gen(function*() {
      let connections = 0
      const pipeline = yield* Pipeline.start({
        name: "p",
        producer: Producer.fromConnect(Effect.suspend(() => {
          connections += 1
          return connections < 6 ? Effect.fail("away") : Effect.succeed(() => Effect.fail(Cause.Done()))
        })),
        handle: () => Effect.void,
        acknowledge: () => Effect.void
      })
      const waiting = yield* Effect.forkChild(pipeline.await, { startImmediately: true })

      yield* passTime("2 minutes")
      yield* Fiber.join(waiting)

      assert.deepStrictEqual([connections, (yield* pipeline.status).producerFailures], [6, 5])
    }).pipe(quiet))
})

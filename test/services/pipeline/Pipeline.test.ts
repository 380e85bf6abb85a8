import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Deferred, Duration, Effect, Fiber, Metric, Queue, Result, Stream } from "effect"
import { type Batch, batcher, Pipeline, type PipelineEvent, Producer } from "../../../src/services/pipeline/index.ts"
import type { BatcherEntry } from "../../../src/services/pipeline/internal/BatcherStage.ts"
import { Inbox } from "../../../src/services/pipeline/internal/Inbox.ts"
import { InFlight } from "../../../src/services/pipeline/internal/InFlight.ts"
import * as PipelineMetrics from "../../../src/services/pipeline/internal/PipelineMetrics.ts"
import { Settlement } from "../../../src/services/pipeline/internal/Settlement.ts"
import { Telemetry } from "../../../src/services/pipeline/Telemetry.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { feed, pairsMatch, recorder, settleDown, until } from "./PipelineFixture.ts"

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)
const intoRows = (size: number, timeout = "1 second" as const) => {
  const batches: Array<Batch<number>> = []
  const rows = batcher("rows", {
    size,
    timeout,
    handle: (batch: Batch<number>) => Effect.sync(() => void batches.push(batch))
  })
  return { rows, batches }
}

type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false

describe("Pipeline", () => {
  describe("outcomes", () => {
    it.effect("acknowledges each message once, when it is processed", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.fromIterable(range(1000))),
          handle: () => Effect.void,
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok().toSorted((a, b) => a - b), range(1000))
      }))

    it.effect("acknowledges a batched message only after its batch is handled", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const mayWrite = yield* Deferred.make<void>()
        const rows = batcher<"rows", number, never, never>("rows", { size: 2, handle: () => Deferred.await(mayWrite) })
        const running = yield* Effect.forkChild(Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2)),
          batchers: [rows],
          handle: (n) => Effect.succeed(rows.to(n)),
          acknowledge: seen.acknowledge
        }))
        yield* passTime("10 seconds")
        assert.deepStrictEqual(seen.ok(), [])

        yield* Deferred.succeed(mayWrite, undefined)
        yield* Fiber.join(running)

        assert.deepStrictEqual(seen.ok(), [1, 2])
      }))

    it.effect("rejects a message whose handler fails, and it skips the batcher", () =>
      Effect.gen(function*() {
        const seen = recorder<number, string>()
        const { rows, batches } = intoRows(10)

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2, 3)),
          batchers: [rows],
          handle: (n) => n === 2 ? Effect.fail("odd one out") : Effect.succeed(rows.to(n)),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(batches.map(({ values }) => values), [[1, 3]])
        assert.deepStrictEqual(seen.rejected(), [
          { message: 2, stage: "processor", outcome: { _tag: "Failed", error: "odd one out" }, options: undefined }
        ])
      }))

    it.effect("contains a handler that throws, one that dies and one that interrupts itself", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const handlers = [
          () => {
            throw new Error("thrown")
          },
          () => Effect.die("died"),
          () => Effect.interrupt
        ]

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(0, 1, 2, 3)),
          handle: (n) => handlers[n]?.() ?? Effect.void,
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok(), [3])
        assert.deepStrictEqual(seen.reasons(), ["defect", "defect", "defect"])
      }))

    it.effect("rejects a whole batch whose handler fails or throws", () =>
      Effect.gen(function*() {
        const seen = recorder<number, string>()
        const rows = batcher("rows", {
          size: 2,
          handle: (batch: Batch<number>) => {
            if (batch.values.includes(1)) throw new Error("thrown")
            return batch.values.includes(3) ? Effect.fail("full") : Effect.void
          }
        })

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2, 3, 4, 5, 6)),
          processors: { concurrency: 1 },
          batchers: [rows],
          handle: (n) => Effect.succeed(rows.to(n)),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok(), [5, 6])
        assert.deepStrictEqual(seen.rejected().map(({ message, outcome }) => [message, outcome._tag]), [
          [1, "Crashed"],
          [2, "Crashed"],
          [3, "Failed"],
          [4, "Failed"]
        ])
      }))

    it.effect("gives the messages of one batch different outcomes, and crashes those without a verdict", () =>
      Effect.gen(function*() {
        const seen = recorder<number, string>()
        const rows = batcher<"rows", number, string, never>("rows", {
          size: 3,
          handle: () => Effect.succeed([Result.succeed(undefined), Result.fail("poison")])
        })

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2, 3)),
          processors: { concurrency: 1 },
          batchers: [rows],
          handle: (n) => Effect.succeed(rows.to(n)),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok(), [1])
        assert.deepStrictEqual(seen.rejected(), [
          { message: 2, stage: "rows", outcome: { _tag: "Failed", error: "poison" }, options: undefined },
          {
            message: 3,
            stage: "rows",
            outcome: { _tag: "Crashed", reason: "dropped", cause: Cause.empty },
            options: undefined
          }
        ])
      }))

    it.effect("crashes a message that is sent to a batcher of the same name in another pipeline", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const { rows } = intoRows(1)
        const { rows: foreign } = intoRows(1)

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2)),
          batchers: [rows],
          handle: (n) => Effect.succeed(n === 1 ? rows.to(n) : foreign.to(n)),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok(), [1])
        assert.deepStrictEqual(seen.reasons(), ["unknown_batcher"])
      }))

    it.effect("crashes only the message for which partitionBy, bytesOf or closes throws", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const throwAt = (at: number) => (n: number) => {
          if (n === at) throw new Error("thrown")
          return n
        }
        const rows = batcher<"rows", number, never, never>("rows", {
          bytesMax: 1000,
          bytesOf: throwAt(2),
          closes: (n: number) => throwAt(3)(n) < 0,
          handle: () => Effect.void
        })

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2, 3, 4)),
          partitionBy: throwAt(1),
          batchers: [rows],
          handle: (n) => Effect.succeed(rows.to(n)),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok(), [4])
        assert.deepStrictEqual(seen.reasons(), ["defect", "defect", "defect"])
      }))

    it.effect("tells onRejected before the acknowledger, and contains both", () =>
      Effect.gen(function*() {
        const order: Array<string> = []

        const status = yield* Effect.scoped(Effect.gen(function*() {
          const pipeline = yield* Pipeline.start({
            name: "p",
            producer: Producer.fromStream(Stream.make(1)),
            handle: () => Effect.fail("no"),
            onRejected: () => {
              order.push("onRejected")
              throw new Error("thrown")
            },
            acknowledge: () => {
              order.push("acknowledge")
              return Effect.fail("gone")
            }
          })
          yield* pipeline.await
          return yield* pipeline.status
        }))

        assert.deepStrictEqual(order, ["onRejected", "acknowledge"])
        assert.strictEqual(status.acknowledgeFailures, 1)
        assert.strictEqual(status.rejectedFailures, 1)
        assert.strictEqual(status.inFlight, 0)
        assert.strictEqual(status.failed, 1)
      }))

    it.effect("gives up on an acknowledger that hangs", () =>
      Effect.gen(function*() {
        const running = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
          const pipeline = yield* Pipeline.start({
            name: "p",
            producer: Producer.fromStream(Stream.make(1)),
            handle: () => Effect.void,
            acknowledge: () => Effect.never,
            acknowledgeTimeout: "2 seconds"
          })
          yield* pipeline.await
          return yield* pipeline.status
        })))

        yield* passTime("3 seconds")
        const status = yield* Fiber.join(running)

        assert.strictEqual(status.acknowledgeFailures, 1)
        assert.strictEqual(status.inFlight, 0)
      }))
  })

  describe("batches", () => {
    const sendAll = (messages: ReadonlyArray<number>, size: number) =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const { rows, batches } = intoRows(size)
        const source = yield* feed<number>()
        yield* Pipeline.start({
          name: "p",
          producer: source.producer,
          processors: { concurrency: 1 },
          batchers: [rows],
          handle: (n) => Effect.succeed(rows.to(n, n >= 100 ? "big" : "small")),
          acknowledge: seen.acknowledge
        })
        yield* Queue.offerAll(source.queue, messages)
        yield* settleDown
        return { batches, seen, source }
      })

    it.effect("emits at its size at once and the rest after the timeout", () =>
      Effect.gen(function*() {
        const { batches } = yield* sendAll([1, 2, 3, 4, 5], 2)

        assert.deepStrictEqual(batches.map(({ values, trigger }) => [values, trigger]), [[[1, 2], "size"], [
          [3, 4],
          "size"
        ]])
        yield* passTime("999 millis")
        yield* settleDown
        assert.strictEqual(batches.length, 2)
        yield* passTime("1 millis")
        yield* until(() => batches.length === 3)
        assert.deepStrictEqual(batches[2], { batcher: "rows", key: "small", trigger: "timeout", values: [5] })
      }))

    it.effect("counts the timeout from the first message of a batch, whatever comes later", () =>
      Effect.gen(function*() {
        const { batches, source } = yield* sendAll([1], 100)
        yield* passTime("900 millis")
        yield* Queue.offer(source.queue, 2)
        yield* passTime("99 millis")
        yield* settleDown
        assert.strictEqual(batches.length, 0)
        yield* passTime("1 millis")
        yield* until(() => batches.length === 1)
        assert.deepStrictEqual(batches.map(({ values }) => values), [[1, 2]])
      }))

    it.effect("keeps keys apart", () =>
      Effect.gen(function*() {
        const { batches } = yield* sendAll([1, 100, 2, 200], 2)

        assert.deepStrictEqual(batches.map(({ key, values }) => [key, values]), [["small", [1, 2]], ["big", [
          100,
          200
        ]]])
      }))
  })

  describe("demand", () => {
    it.effect("never asks for more than it has room for, and stops asking while nothing is settled", () =>
      Effect.gen(function*() {
        const demands: Array<number> = []
        const seen = recorder<number, never>()
        const mayGo = yield* Deferred.make<void>()
        const pipeline = yield* Pipeline.start({
          name: "p",
          producer: Producer.fromPull((demand) =>
            Effect.sync(() => {
              demands.push(demand)
              return range(Math.min(demand, 3))
            })
          ),
          inFlightMax: 10,
          handle: () => Deferred.await(mayGo),
          acknowledge: seen.acknowledge
        })

        yield* passTime("1 minute")

        assert.deepStrictEqual(demands, [10, 7, 4, 1])
        assert.strictEqual((yield* pipeline.status).inFlight, 10)
        yield* Deferred.succeed(mayGo, undefined)
      }))

    it.effect("keeps what a producer brings beyond its demand until there is room", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const pulls: Array<ReadonlyArray<number>> = [range(100)]
        let atOnce = 0
        let most = 0

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromPull(() => {
            const messages = pulls.pop()
            return messages === undefined ? Effect.fail(Cause.Done()) : Effect.succeed(messages)
          }),
          processors: { concurrency: 100, demandMax: 1 },
          inFlightMax: 10,
          handle: () =>
            Effect.suspend(() => {
              atOnce += 1
              most = Math.max(most, atOnce)
              return Effect.andThen(Effect.yieldNow, Effect.sync(() => void (atOnce -= 1)))
            }),
          acknowledge: seen.acknowledge
        })

        assert.deepStrictEqual(seen.ok().toSorted((a, b) => a - b), range(100))
        assert.strictEqual(most, 10)
      }))
  })

  describe("rate limit", () => {
    const limited = Effect.gen(function*() {
      const seen = recorder<number, never>()
      const pipeline = yield* Pipeline.start({
        name: "p",
        producer: Producer.fromStream(Stream.fromIterable(range(1000))),
        rateLimit: { allowed: 10, interval: "1 second" },
        handle: () => Effect.void,
        acknowledge: seen.acknowledge
      })
      yield* passTime("1 millis")
      return { pipeline, seen }
    })

    it.effect("lets the allowed number pass in each interval", () =>
      Effect.gen(function*() {
        const { seen } = yield* limited
        assert.strictEqual(seen.count(), 10)
        yield* passTime("1 second")
        assert.strictEqual(seen.count(), 20)
        yield* passTime("3 seconds")
        assert.strictEqual(seen.count(), 50)
      }))

    it.effect("changes at once for a producer that waits", () =>
      Effect.gen(function*() {
        const { pipeline, seen } = yield* limited

        yield* pipeline.setRateLimit({ allowed: 100, interval: "1 second" })
        yield* passTime("1 millis")

        assert.strictEqual(seen.count(), 100)
        assert.strictEqual(
          (yield* Effect.flip(pipeline.setRateLimit({ allowed: 0, interval: "1 second" }))).field,
          "rateLimit.allowed"
        )
      }))

    it.effect("does not hold up a drain", () =>
      Effect.gen(function*() {
        const { pipeline } = yield* limited

        yield* pipeline.drain

        const { received, ok, inFlight, state } = yield* pipeline.status
        assert.strictEqual(state, "drained")
        assert.strictEqual(inFlight, 0)
        assert.strictEqual(ok, received)
      }))
  })

  describe("drain", () => {
    it.effect("sends partial batches when the Scope closes", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const { rows, batches } = intoRows(100)
        const source = yield* feed<number>()

        yield* Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.start({
            name: "p",
            producer: source.producer,
            batchers: [rows],
            handle: (n) => Effect.succeed(rows.to(n)),
            acknowledge: seen.acknowledge
          })
          yield* Queue.offerAll(source.queue, [1, 2, 3])
          yield* passTime("1 millis")
        }))

        assert.deepStrictEqual(batches.map(({ values, trigger }) => [values, trigger]), [[[1, 2, 3], "flush"]])
        assert.deepStrictEqual(seen.ok(), [1, 2, 3])
      }))

    it.effect("does not wait for a producer that cannot be interrupted", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        let isFirst = true
        const running = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.start({
            name: "p",
            producer: Producer.fromPull(() => {
              if (!isFirst) return Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), []))
              isFirst = false
              return Effect.succeed([1, 2])
            }),
            handle: () => Effect.void,
            acknowledge: seen.acknowledge
          })
          yield* Effect.sleep("1 second")
        })))

        yield* passTime("31 seconds")
        yield* Fiber.join(running)

        assert.deepStrictEqual(seen.ok(), [1, 2])
      }))

    it.effect("rejects what its limit cuts off, each message once", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const source = yield* feed<number>()
        const running = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.start({
            name: "p",
            producer: source.producer,
            processors: { concurrency: 2, demandMax: 2 },
            shutdown: "5 seconds",
            handle: () => Effect.never,
            acknowledge: seen.acknowledge
          })
          yield* Queue.offerAll(source.queue, range(8))
          yield* Effect.sleep("1 second")
        })))

        yield* passTime("5900 millis")
        assert.strictEqual(seen.count(), 0)
        yield* passTime("200 millis")
        yield* Fiber.join(running)

        assert.deepStrictEqual(seen.messages().toSorted((a, b) => a - b), range(8))
        assert.deepStrictEqual(new Set(seen.reasons()), new Set(["abandoned"]))
      }))
  })

  describe("order", () => {
    it.effect("keeps each key in order under random latency, through processors and batch workers", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const written: Array<number> = []
        const rows = batcher("rows", {
          size: 5,
          timeout: "20 millis",
          concurrency: 3,
          handle: ({ values }: Batch<number>) =>
            Effect.sleep((values[0] ?? 0) * 7919 % 50).pipe(
              Effect.andThen(Effect.sync(() => void written.push(...values)))
            )
        })
        const running = yield* Effect.forkChild(Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.fromIterable(range(300))),
          partitionBy: (n) => `key ${n % 10}`,
          batchers: [rows],
          handle: (n) => Effect.as(Effect.sleep(n * 104_729 % 40), rows.to(n)),
          acknowledge: seen.acknowledge
        }))

        yield* passTime("1 minute")
        yield* Fiber.join(running)

        assert.strictEqual(written.length, 300)
        for (const key of range(10)) {
          const ofKey = written.filter((n) => n % 10 === key)
          assert.deepStrictEqual(ofKey, ofKey.toSorted((a, b) => a - b))
        }
      }))
  })

  describe("stages", () => {
    it.effect("restarts a producer that fails, and nothing else", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const events: Array<PipelineEvent> = []
        let connections = 0

        yield* Pipeline.run({
          name: "p",
          backoff: "none",
          producer: Producer.fromConnect(Effect.sync(() => {
            connections += 1
            const connection = connections
            let isFirst = true
            return () => {
              if (!isFirst) return connection === 3 ? Effect.fail(Cause.Done()) : Effect.fail("lost")
              isFirst = false
              return Effect.succeed([connection])
            }
          })),
          handle: () => Effect.void,
          acknowledge: seen.acknowledge,
          observe: (event) => void events.push(event)
        })

        assert.deepStrictEqual(seen.ok(), [1, 2, 3])
        assert.strictEqual(events.filter(({ _tag }) => _tag === "producer.start").length, 3)
      }))

    it.effect("restarts processors that crash: their messages are rejected, the producer goes on", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const events: Array<PipelineEvent> = []
        const { rows, batches } = intoRows(2)
        // What no handler can do by its effect, a hostile value still can: make the stage itself throw.
        const hostile = {
          key: "",
          get batcher(): "rows" {
            throw new Error("hostile")
          }
        }

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.fromIterable(range(10))),
          processors: { concurrency: 1, demandMax: 2 },
          batchers: [rows],
          handle: (n) => Effect.succeed(n === 4 ? hostile : rows.to(n)),
          acknowledge: seen.acknowledge,
          observe: (event) => void events.push(event)
        })

        assert.deepStrictEqual(seen.messages().toSorted((a, b) => a - b), range(10))
        assert.deepStrictEqual(new Set(seen.reasons()), new Set(["stage_ended"]))
        assert.include(batches.flatMap(({ values }) => values), 9)
        assert.strictEqual(events.filter(({ _tag }) => _tag === "producer.start").length, 1)
        assert.isTrue(pairsMatch(events))
      }))

    it.effect("restarts a batcher that crashes, and neither the processors nor another batcher", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const events: Array<PipelineEvent> = []
        const { rows } = intoRows(3)
        const hostile = new Proxy<Array<Result.Result<void>>>([], {
          get: () => {
            throw new Error("hostile")
          }
        })
        const bad = batcher<"bad", number, never, never>("bad", {
          size: 2,
          handle: ({ values }) => values.includes(1) ? Effect.succeed(hostile) : Effect.void
        })

        yield* Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.fromIterable(range(12))),
          processors: { concurrency: 1 },
          batchers: [bad, rows],
          handle: (n) => Effect.succeed(n % 2 === 1 ? bad.to(n) : rows.to(n)),
          acknowledge: seen.acknowledge,
          observe: (event) => void events.push(event)
        })

        assert.deepStrictEqual(seen.messages().toSorted((a, b) => a - b), range(12))
        assert.isTrue(seen.rejected().every(({ message, stage }) => message % 2 === 1 && stage === "bad"))
        assert.isTrue(pairsMatch(events))
      }))

    it.effect("gives up with the producer's failure in the type when it fails too often", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()

        const error = yield* Effect.flip(Pipeline.run({
          name: "p",
          backoff: "none",
          producer: Producer.fromStream<number, string, never>(Stream.fail("lost")),
          handle: () => Effect.void,
          acknowledge: seen.acknowledge
        }))

        assert.strictEqual(error._tag, "SupervisorShutdown")
      }))

    it.effect("reconnects a producer that brings nothing while messages wait at the source", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        let connections = 0
        yield* Pipeline.start({
          name: "p",
          producer: Producer.fromConnect(Effect.sync(() => {
            connections += 1
            return (): Effect.Effect<ReadonlyArray<number>> => Effect.never
          })),
          pending: Effect.succeed(42),
          stallAfter: "1 minute",
          handle: () => Effect.void,
          acknowledge: seen.acknowledge
        })

        yield* passTime("89 seconds")
        assert.strictEqual(connections, 1)
        yield* passTime("3 seconds")

        assert.strictEqual(connections, 2)
      }))

    it.effect("leaves a producer alone that brings nothing while others make what waits at the source fewer", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        let connections = 0
        let pending = 1_000
        yield* Pipeline.start({
          name: "p",
          producer: Producer.fromConnect(Effect.sync(() => {
            connections += 1
            return (): Effect.Effect<ReadonlyArray<number>> => Effect.never
          })),
          pending: Effect.sync(() => pending > 900 ? --pending : pending),
          stallAfter: "1 minute",
          handle: () => Effect.void,
          acknowledge: seen.acknowledge
        })

        yield* passTime("40 minutes")
        assert.strictEqual(connections, 1)
        yield* passTime("20 minutes")

        assert.isAbove(connections, 1)
      }))

    it.effect("runs as a child, drained when its supervisor stops", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const { rows, batches } = intoRows(100)
        const source = yield* feed<number>()
        const supervisor = yield* Effect.forkChild(
          Supervisor.run({
            id: "root",
            strategy: "one_for_one",
            children: [Pipeline.child({
              name: "p",
              producer: source.producer,
              batchers: [rows],
              handle: (n) => Effect.succeed(rows.to(n)),
              acknowledge: seen.acknowledge
            })]
          })
        )
        yield* Queue.offerAll(source.queue, [1, 2, 3])
        yield* settleDown

        yield* Fiber.interrupt(supervisor)

        assert.deepStrictEqual(batches.map(({ values }) => values), [[1, 2, 3]])
        assert.deepStrictEqual(seen.ok(), [1, 2, 3])
      }))

    it.effect("loses nothing of a batcher's inbox when the batcher ends, and rejects what it held", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const { rows, batches } = intoRows(2)
        const telemetry = new Telemetry("p", undefined)
        const metrics = PipelineMetrics.make("p")
        const settlement = new Settlement<number, never, undefined, never>(new InFlight(10), {
          hasOptions: false,
          acknowledge: seen.acknowledge,
          onRejected: undefined,
          limit: Duration.seconds(1),
          metrics
        }, telemetry)
        const inbox = new Inbox<BatcherEntry<number, never, undefined>>()
        const send = (message: number) =>
          Effect.sync(() => {
            const envelope = settlement.ledger.add(message, undefined, "bulk")
            envelope.route = rows.to(message)
            settlement.inFlight.add(1)
            inbox.offer(envelope)
          })
        const live = rows.run<number, never, undefined, never>({
          inbox,
          settlement,
          telemetry,
          metrics,
          isPartitioned: false
        })
        const first = yield* Effect.forkChild(live, { startImmediately: true })
        yield* send(1)
        yield* settleDown
        yield* Fiber.interrupt(first)
        yield* send(2)
        yield* send(3)
        const second = yield* Effect.forkChild(live, { startImmediately: true })
        yield* until(() => seen.count() === 3)
        yield* Fiber.interrupt(second)

        assert.deepStrictEqual(seen.reasons(), ["stage_ended"])
        assert.deepStrictEqual(batches.map(({ values }) => values), [[2, 3]])
        assert.strictEqual(settlement.inFlight.count, 0)
      }))

    it.effect("reports when messages are in flight and none is settled", () =>
      Effect.gen(function*() {
        const seen = recorder<number, never>()
        const events: Array<PipelineEvent> = []
        const mayGo = yield* Deferred.make<void>()
        const source = yield* feed<number>()
        const pipeline = yield* Pipeline.start({
          name: "p",
          producer: source.producer,
          stallAfter: "1 minute",
          handle: () => Deferred.await(mayGo),
          acknowledge: seen.acknowledge,
          observe: (event) => void events.push(event)
        })
        yield* Queue.offerAll(source.queue, [1, 2])

        yield* passTime("2 minutes")
        assert.isTrue((yield* pipeline.status).isStalled)
        assert.strictEqual(events.filter(({ _tag }) => _tag === "stalled").length, 1)
        yield* Deferred.succeed(mayGo, undefined)
        yield* passTime("1 minute")

        assert.isFalse((yield* pipeline.status).isStalled)
        yield* until(() => seen.count() === 2)
      }))
  })

  describe("types", () => {
    class Decoder extends Context.Service<Decoder, { readonly decode: (n: number) => string }>()("t/Decoder") {}
    class Store
      extends Context.Service<Store, { readonly write: (rows: ReadonlyArray<string>) => void }>()("t/Store")
    {}
    class Broker extends Context.Service<Broker, { readonly ack: (n: number) => void }>()("t/Broker") {}

    it.effect("says which services the handlers need, and hears of their failures in the acknowledger", () =>
      Effect.gen(function*() {
        const done: Array<string> = []
        const rows = batcher("rows", {
          size: 2,
          handle: ({ values }: Batch<string>) =>
            Effect.flatMap(
              Store,
              ({ write }) => values.includes("3") ? Effect.fail(1) : Effect.sync(() => write(values))
            )
        })
        const program = Pipeline.run({
          name: "p",
          producer: Producer.fromStream(Stream.make(1, 2, 3, 4)),
          processors: { concurrency: 1 },
          batchers: [rows],
          handle: (n) => Effect.map(Decoder, ({ decode }) => rows.to(decode(n))),
          acknowledge: ({ ok, rejected }) =>
            Effect.map(Broker, ({ ack }) => {
              ok.forEach(ack)
              for (const { outcome } of rejected) if (outcome._tag === "Failed") done.push(outcome.error.toFixed(1))
            })
        })
        const needed: Same<Effect.Services<typeof program>, Decoder | Store | Broker> = true

        yield* program.pipe(
          Effect.provideService(Decoder, { decode: String }),
          Effect.provideService(Store, { write: (written) => void done.push(...written) }),
          Effect.provideService(Broker, { ack: (n) => void done.push(`ack ${n}`) })
        )

        assert.isTrue(needed)
        assert.deepStrictEqual(done, ["1", "2", "ack 1", "ack 2", "1.0", "1.0"])
      }))
  })

  describe("metrics", () => {
    it.effect("counts outcomes and batches", () =>
      Effect.gen(function*() {
        const { rows } = intoRows(2)

        yield* Pipeline.run({
          name: "counted",
          producer: Producer.fromStream(Stream.make(1, 2, 3)),
          batchers: [rows],
          handle: (n) => n === 3 ? Effect.fail("no") : Effect.succeed(rows.to(n)),
          acknowledge: () => Effect.void
        })

        const snapshot = yield* Metric.snapshot
        const counts = snapshot.flatMap(({ id, attributes, type, state }) =>
          type === "Counter" && attributes?.["pipeline"] === "counted"
            ? [`${id} ${attributes["outcome"] ?? attributes["trigger"]} ${state.count}`]
            : []
        )
        assert.deepStrictEqual(counts.toSorted(), [
          "pipeline_batches_total size 1",
          "pipeline_messages_total failed 1",
          "pipeline_messages_total ok 2"
        ])
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
  })

  describe("options", () => {
    it.effect("refuses nonsense by the field's name", () =>
      Effect.gen(function*() {
        const base = {
          name: "p",
          producer: Producer.fromStream(Stream.make(1)),
          handle: () => Effect.void,
          acknowledge: () => Effect.void
        }
        const { rows } = intoRows(0)
        const { rows: fine } = intoRows(100)
        const field = (options: Parameters<typeof Pipeline.run<number, never, never, never, never, never>>[0]) =>
          Effect.map(Effect.flip(Pipeline.run(options)), (error) => "field" in error ? error.field : error._tag)

        assert.strictEqual(yield* field({ ...base, name: "" }), "name")
        assert.strictEqual(yield* field({ ...base, name: "a/b" }), "name")
        const { name: _, ...nameless } = base
        const untyped: unknown = nameless
        // boundary: what a caller without types may pass
        const unnamed = yield* Effect.flip(Pipeline.run(untyped as typeof base))
        assert.include(unnamed.message, "name is undefined")
        assert.strictEqual(yield* field({ ...base, producers: 0 }), "producers")
        assert.strictEqual(yield* field({ ...base, processors: { concurrency: 1.5 } }), "concurrency")
        assert.strictEqual(yield* field({ ...base, rateLimit: { allowed: 1, interval: 0 } }), "rateLimit.interval")
        // Where types are not looked at, a duration can be anything.
        const soon: Duration.Input = JSON.parse("\"soon\"")
        assert.strictEqual(yield* field({ ...base, shutdown: soon }), "shutdown")
        assert.strictEqual(yield* field({ ...base, acknowledgeTimeout: soon }), "acknowledgeTimeout")
        assert.strictEqual(yield* field({ ...base, rateLimit: { allowed: 1, interval: soon } }), "rateLimit.interval")
        const late = batcher("late", { timeout: soon, handle: () => Effect.void })
        assert.include(
          (yield* Effect.flip(Pipeline.run({ ...base, batchers: [late] }))).message,
          "batchers.late.timeout"
        )
        const refused = Effect.flip(Pipeline.run({ ...base, batchers: [rows] }))
        assert.include((yield* refused).message, "batchers.rows.size")
        const doubled = Effect.flip(Pipeline.run({ ...base, batchers: [fine, fine] }))
        assert.include((yield* doubled).message, "there twice")
        const tooSmall = Effect.flip(Pipeline.run({ ...base, batchers: [fine], inFlightMax: 10 }))
        assert.include((yield* tooSmall).message, "inFlightMax is 10")
      }))
  })
})

/**
 * Random pipelines, handlers and interruptions on the test clock. Whatever happens: each received message is
 * acknowledged once, starts have their stops, and a key keeps its order.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Result, Stream } from "effect"
import * as fc from "fast-check"
import { type Batch, batcher, Pipeline, type PipelineEvent, Producer } from "../../../src/services/pipeline/index.ts"
import { currentSeed, passTime } from "../../support/StepBudget.ts"
import { pairsMatch, recorder } from "./PipelineFixture.ts"

const behaviours = ["ok", "route", "route", "route", "fail", "throw", "die", "interrupt", "slow"] as const
const batchBehaviours = ["ok", "ok", "fail", "throw", "drop", "slow"] as const

const scenario = fc.record({
  messages: fc.array(
    fc.record({ behaviour: fc.constantFrom(...behaviours), key: fc.nat(3), latency: fc.nat(30) }),
    { maxLength: 60 }
  ),
  batches: fc.array(fc.constantFrom(...batchBehaviours), { minLength: 1, maxLength: 5 }),
  acknowledger: fc.constantFrom("ok", "ok", "fail", "throw"),
  concurrency: fc.integer({ min: 1, max: 4 }),
  batchConcurrency: fc.integer({ min: 1, max: 3 }),
  size: fc.integer({ min: 1, max: 5 }),
  inFlightMax: fc.integer({ min: 5, max: 20 }),
  isPartitioned: fc.boolean(),
  stopAfterMillis: fc.integer({ min: 0, max: 400 })
})
type Scenario = typeof scenario extends fc.Arbitrary<infer A> ? A : never
type Item = Scenario["messages"][number] & { readonly index: number }

const runScenario = (given: Scenario) =>
  Effect.gen(function*() {
    const seen = recorder<Item, string>()
    const events: Array<PipelineEvent> = []
    const written: Array<Item> = []
    let batchCount = 0
    const rows = batcher("rows", {
      size: given.size,
      timeout: "20 millis",
      concurrency: given.batchConcurrency,
      handle: ({ values }: Batch<Item>) => {
        const behaviour = given.batches[batchCount % given.batches.length]
        batchCount += 1
        if (behaviour === "throw") throw new Error("thrown")
        if (behaviour === "fail") return Effect.fail("failed")
        if (behaviour === "drop") return Effect.succeed([Result.succeed(undefined)])
        return Effect.andThen(
          Effect.sleep(behaviour === "slow" ? 70 : values[0]?.latency ?? 0),
          Effect.sync(() => void written.push(...values))
        )
      }
    })
    const handle = (item: Item) => {
      if (item.behaviour === "throw") throw new Error("thrown")
      if (item.behaviour === "fail") return Effect.fail("failed")
      if (item.behaviour === "die") return Effect.die("died")
      if (item.behaviour === "interrupt") return Effect.interrupt
      const after = Effect.sleep(item.behaviour === "slow" ? 90 : item.latency)
      return item.behaviour === "ok" ? Effect.asVoid(after) : Effect.as(after, rows.to(item))
    }
    let status: Effect.Effect<Pipeline.PipelineStatus> | undefined
    const running = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
      const pipeline = yield* Pipeline.start({
        name: "p",
        producer: Producer.fromStream(
          Stream.fromIterable(given.messages.map((message, index) => ({ ...message, index })))
        ),
        processors: { concurrency: given.concurrency, demandMax: 3 },
        inFlightMax: given.inFlightMax,
        ...(given.isPartitioned ? { partitionBy: ({ key }: Item) => key } : {}),
        shutdown: "100 millis",
        batchers: [rows],
        handle,
        acknowledge: (outcomes) => {
          const told = seen.acknowledge(outcomes)
          if (given.acknowledger === "ok") return told
          return Effect.flatMap(told, () => given.acknowledger === "fail" ? Effect.fail("gone") : Effect.die("gone"))
        },
        observe: (event) => void events.push(event)
      })
      status = pipeline.status
      // The Scope closes as late as the scenario says, finished or not.
      yield* Effect.timeoutOption(pipeline.await, given.stopAfterMillis)
    })))
    yield* passTime("1 minute")
    const exit = yield* Fiber.await(running)
    return { seen, events, written, exit, status: status === undefined ? undefined : yield* status }
  })

describe("Pipeline, whatever happens", () => {
  it.effect("acknowledges each message at most once, and every one it received", () =>
    Effect.gen(function*() {
      const stepSeed = currentSeed()
      const scenarios = fc.sample(scenario, { numRuns: stepSeed === undefined ? 150 : 2, seed: seed + (stepSeed ?? 0) })
      for (const given of scenarios) {
        const { seen, events, written, exit, status } = yield* Effect.scoped(runScenario(given))
        const told = JSON.stringify({ seed, given })

        assert.isTrue(Exit.isSuccess(exit), told)
        const indexes = seen.messages().map(({ index }) => index)
        assert.strictEqual(new Set(indexes).size, indexes.length, `acknowledged twice: ${told}`)
        assert.strictEqual(indexes.length, status?.received, `lost: ${told}`)
        assert.strictEqual(status?.inFlight, 0, told)
        assert.isTrue(pairsMatch(events), `unpaired events: ${told}`)
        if (given.isPartitioned) assert.isTrue(isOrdered(written), `out of order: ${told}`)
      }
    }), 30_000)
})

const seed = 20_261_121

const isOrdered = (written: ReadonlyArray<Item>): boolean => {
  const last = new Map<number, number>()
  return written.every(({ key, index }) => {
    const isLater = index > (last.get(key) ?? -1)
    last.set(key, index)
    return isLater
  })
}

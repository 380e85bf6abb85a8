/** Whatever a source does, in whatever order: against the real spool, with sources that are written down as values. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Semaphore, Stream } from "effect"
import * as fc from "fast-check"
import * as path from "node:path"
import * as Blacklist from "../../../src/domain/inventory/Blacklist.ts"
import * as Aggregator from "../../../src/services/sync/Aggregator.ts"
import type { Rejection, Sighting, SourcePage } from "../../../src/services/sync/DeviceSource.ts"
import * as SourceErrors from "../../../src/services/sync/SourceError.ts"
import * as SourceRun from "../../../src/services/sync/SourceRun.ts"
import { Spool } from "../../../src/services/sync/Spool.ts"
import { complete, keyOf, name, pagesOf, sighting, sourceOf } from "../../support/scriptedSource.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const aggregate = Aggregator.aggregate([{ name, blacklist: Blacklist.make([]), blacklisted: [] }])

const servedIds = Effect.map(rig.served, (elements) => elements.map(({ ip }) => Number(ip.split(".")[3])))

/** What is served and swept, but for the time of the run. */
const outcome = Effect.gen(function*() {
  const elements = yield* rig.served
  return { served: elements.map((element) => ({ ...element, timestamp: "" })), sweeps: yield* rig.sweeps }
})

type Needs = Effect.Services<ReturnType<typeof SourceRun.run>> | Effect.Services<typeof outcome>

/** In a spool of its own. */
const inSpool = <A, E>(effect: Effect.Effect<A, E, Needs>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const config = rig.configOf(path.join(folder, "spool"), { sources: { [name]: rig.armis("http://127.0.0.1:1") } })
    return yield* Effect.provide(effect, rig.layer(config))
  })))

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 })

/** Devices in pages of any size, in any order, some of them more than once. */
const paged = (all: ReadonlyArray<number>) =>
  fc.tuple(
    fc.shuffledSubarray([...all], { minLength: all.length }),
    fc.array(fc.constantFrom(...all), { maxLength: 6 }),
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
  ).map(([order, repeated, sizes]) => {
    // What comes again has changed meanwhile: which of the two came first must not matter.
    const all = [...order.map((id) => sighting(id)), ...repeated.map((id) => sighting(id, 1))]
    const rest = [...all]
    const parts: Array<ReadonlyArray<Sighting>> = []
    for (let at = 0; rest.length > 0; at++) parts.push(rest.splice(0, sizes[at % sizes.length]))
    const sorted = all.toSorted((left, right) =>
      right.observation.seenAt - left.observation.seenAt || (left.key < right.key ? -1 : 1)
    )
    return { pages: pagesOf(order.length, parts), reference: pagesOf(order.length, [sorted]) }
  })

interface Step {
  readonly ids: ReadonlyArray<number>
  readonly fault:
    | { readonly kind: "none" | "count" | "empty" }
    | { readonly kind: "fails"; readonly after: number }
    | { readonly kind: "rejects"; readonly count: number; readonly isNamed: boolean }
}

const step: fc.Arbitrary<Step> = fc.record({
  ids,
  fault: fc.oneof(
    fc.record({ kind: fc.constantFrom("none" as const, "count" as const, "empty" as const) }),
    fc.record({ kind: fc.constant("fails" as const), after: fc.nat(6) }),
    fc.record({ kind: fc.constant("rejects" as const), count: fc.integer({ min: 1, max: 4 }), isNamed: fc.boolean() })
  )
})

/** The source as it is in a step: each device on a page of its own. */
const sourceAt = ({ fault, ids: all }: Step, revision: number): SourceRun.RunnableSource => {
  const one = (id: number, index: number): SourcePage => {
    const page = { query: 0, total: all.length, resume: String(index + 1) }
    const isRejected = fault.kind === "rejects" && index < fault.count
    const rejection: Rejection = {
      key: fault.kind === "rejects" && fault.isNamed ? keyOf(id) : undefined,
      reason: "undecodable",
      sample: ""
    }
    return isRejected
      ? { ...page, sightings: [], rejections: [rejection] }
      : { ...page, sightings: [sighting(id, revision)], rejections: [] }
  }
  const pages = Stream.fromIterable(all.map(one))
  switch (fault.kind) {
    case "count":
      return sourceOf(() => Stream.take(pages, Math.floor(all.length / 2)), 0.8)
    case "empty":
      return sourceOf(() => Stream.fromIterable(pagesOf(0, [[]])), 0.8)
    case "fails":
      return sourceOf(
        () =>
          Stream.concat(Stream.take(pages, fault.after), Stream.fail(SourceErrors.make(name, "forbidden", "scripted"))),
        0.8
      )
    default:
      return sourceOf(() => pages, 0.8)
  }
}

describe("A cycle of sync, whatever comes", () => {
  it("comes to the same with any partition into pages, any order and any repetitions", async () => {
    await fc.assert(
      fc.asyncProperty(
        ids.chain((all) => fc.tuple(fc.constant(all), paged(all))),
        async ([all, { pages, reference }]) => {
          const run = (runnable: SourceRun.RunnableSource) =>
            inSpool(Effect.andThen(SourceRun.run(runnable), Effect.andThen(aggregate, outcome)))

          const seen = await run(sourceOf(() => Stream.fromIterable(pages)))

          assert.lengthOf(seen.served, all.length)
          assert.deepStrictEqual(seen, await run(sourceOf(() => Stream.fromIterable(reference))))
        }
      ),
      { numRuns: 25 }
    )
  }, 120_000)

  it("never gives up a device that its source still has, whatever fails", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), (steps) =>
        inSpool(Effect.gen(function*() {
          let before: ReadonlyArray<number> = []
          for (const [revision, one] of steps.entries()) {
            const result = yield* SourceRun.run(sourceAt(one, revision))
            yield* aggregate
            const served = yield* servedIds
            const lost = before.filter((id) => one.ids.includes(id) && !served.includes(id))
            assert.deepStrictEqual(lost, [], `step ${revision}`)
            if (result._tag !== "Committed") assert.deepStrictEqual(served, before, `step ${revision}`)
            else if (one.fault.kind === "none") {
              assert.deepStrictEqual(served, one.ids.toSorted((a, b) => a - b), `step ${revision}`)
            }
            before = served
          }
        }))),
      { numRuns: 40 }
    )
  }, 120_000)

  it("applies a plan to the same end as a run, and a second time to no end at all", async () => {
    await fc.assert(
      fc.asyncProperty(ids, ids, async (first, second) => {
        const planned = await inSpool(Effect.gen(function*() {
          const spool = yield* Spool
          yield* SourceRun.run(complete(first))
          yield* aggregate
          const before = yield* outcome
          const plan = yield* Effect.scoped(
            Effect.flatMap(SourceRun.plan(complete(second, 1)), (item) => spool.hold([item]))
          )
          yield* aggregate
          assert.deepStrictEqual(yield* outcome, before)
          yield* spool.apply(plan.id)
          yield* aggregate
          const after = yield* outcome
          yield* spool.apply(plan.id)
          yield* aggregate
          assert.deepStrictEqual(yield* outcome, after)
          return after
        }))
        const run = await inSpool(Effect.gen(function*() {
          yield* SourceRun.run(complete(first))
          yield* aggregate
          yield* SourceRun.run(complete(second, 1))
          yield* aggregate
          return yield* outcome
        }))

        assert.deepStrictEqual(planned, run)
      }),
      { numRuns: 20 }
    )
  }, 120_000)

  it("never mixes runs that overlap, and lets no late one replace a newer one", async () => {
    const delays = fc.array(fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(delays, (all) =>
        inSpool(Effect.gen(function*() {
          const looked: Array<ReadonlySet<string>> = []
          // Runs overlap; of those who make the served set there is one in a spool.
          const turn = yield* Semaphore.make(1)
          const look = turn.withPermit(Effect.gen(function*() {
            yield* aggregate
            const elements = yield* rig.served
            looked.push(new Set(elements.map(({ hostname }) => hostname.replace(/^.*-R/, ""))))
            assert.oneOf(elements.length, [0, 12])
          }))
          const results = yield* Effect.forEach(all, (waits, revision) => {
            const pages = pagesOf(12, waits.map((_, index) => [sighting(index + 1, revision)]))
            const late = Stream.fromIterable(pages).pipe(
              Stream.rechunk(1),
              Stream.tap(({ resume }) => Effect.sleep(waits[Number(resume) - 1] ?? 0))
            )
            return Effect.tap(SourceRun.run(sourceOf(() => late)), () => look)
          }, { concurrency: "unbounded" })
          yield* look

          const committed = results.flatMap((result, revision) =>
            result._tag === "Committed" ? [{ revision, id: result.generation.id }] : []
          )
          const newest = committed.toSorted((a, b) => b.id - a.id)[0]
          assert.deepStrictEqual(looked.filter((revisions) => revisions.size > 1), [])
          assert.deepStrictEqual([...looked.at(-1) ?? []], [String(newest?.revision)])
          assert.isAbove(committed.length, 0)
        }))),
      { numRuns: 15 }
    )
  }, 120_000)
})

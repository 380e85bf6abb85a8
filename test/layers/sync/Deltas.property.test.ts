/** A copy that is kept by deltas is the list itself, whatever happened in between. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Stream } from "effect"
import * as fc from "fast-check"
import * as path from "node:path"
import * as Blacklist from "../../../src/domain/inventory/Blacklist.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as SyncServiceHandlers from "../../../src/layers/sync/SyncServiceHandlers.ts"
import * as Aggregator from "../../../src/services/sync/Aggregator.ts"
import * as SourceRun from "../../../src/services/sync/SourceRun.ts"
import * as ListPeer from "../../support/listPeer.ts"
import { pagesOf, sighting, sourceOf } from "../../support/scriptedSource.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const names = ["one", "two"] as const

/** A device of the second source may be one of the first: both see its MAC address. */
const macOf = (id: number): string => id % 3 === 0 ? `00:00:00:00:00:0${id % 9}` : ""

interface Seen {
  readonly id: number
  readonly revision: number
}

const seen: fc.Arbitrary<ReadonlyArray<Seen>> = fc.uniqueArray(
  fc.record({ id: fc.integer({ min: 1, max: 12 }), revision: fc.nat(1) }),
  { selector: ({ id }) => id, minLength: 1 }
)

interface Step {
  readonly source: typeof names[number]
  readonly devices: ReadonlyArray<Seen>
  /** How many steps before this one the peer has asked last; -1: never. */
  readonly behind: number
}

const step: fc.Arbitrary<Step> = fc.record({
  source: fc.constantFrom(...names),
  devices: seen,
  behind: fc.integer({ min: -1, max: 4 })
})

const runnable = ({ devices, source }: Step): SourceRun.RunnableSource => {
  const sightings = devices.map(({ id, revision }) => sighting(id, revision, macOf(id)))
  const endpoint = `https://${source}.example.net`
  return sourceOf(() => Stream.fromIterable(pagesOf(sightings.length, [sightings])), 0, { name: source, endpoint })
}

const aggregated = names.map((name) => ({ name, blacklist: Blacklist.make([]), blacklisted: [] }))

const texts = (elements: Iterable<object>): ReadonlyArray<string> =>
  [...elements].map((element) => JSON.stringify(Object.entries(element).toSorted())).toSorted()

const policyOf = (isRetracting: boolean) => isRetracting ? Option.some({ retention: Duration.days(1) }) : Option.none()

/** A spool, its server, and a peer. */
const world = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  return rig.configOf(path.join(folder, "spool"), {
    sources: Object.fromEntries(names.map((name) => [name, rig.armis("http://127.0.0.1:1")]))
  })
})

const peer = Effect.gen(function*() {
  const server = yield* GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    grace: 0,
    services: [SyncServiceHandlers.make(Effect.succeed({ agentId: "agent-a", sources: names }))]
  })
  return yield* ListPeer.make(server.address)
})

describe("Deltas", () => {
  it("make of the list before the list after, over any number of runs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 7 }),
        fc.boolean(),
        (steps, isRetracting) =>
          Effect.runPromise(Effect.scoped(Effect.gen(function*() {
            const config = yield* world
            yield* Effect.gen(function*() {
              const { plain, results, stream } = yield* peer
              const copies: Array<ListPeer.Copy> = []
              for (const [index, one] of steps.entries()) {
                yield* SourceRun.run(runnable(one))
                yield* Aggregator.aggregate(aggregated, policyOf(isRetracting))
                const before = one.behind < 0 ? undefined : copies[index - 1 - one.behind]

                const list = ListPeer.listOf(yield* plain(before?.sequence ?? "seq-1"))
                const full = yield* stream(ListPeer.empty)
                const delta = yield* stream(before ?? ListPeer.empty)

                assert.strictEqual(full.answer.sync_answer, "full")
                assert.strictEqual(delta.answer.sync_answer, before === undefined ? "full" : "delta")
                assert.strictEqual(delta.answer.sync_since, before?.sequence)
                assert.deepStrictEqual(texts(full.copy.elements.values()), texts(list))
                const sorted = (copy: ListPeer.Copy) => [...copy.elements].toSorted(([a], [b]) => a < b ? -1 : 1)
                assert.deepStrictEqual(sorted(delta.copy), sorted(full.copy), `step ${index}`)
                assert.deepStrictEqual(sorted((yield* results(before ?? ListPeer.empty)).copy), sorted(full.copy))
                const again = yield* stream(delta.copy)
                assert.deepStrictEqual([again.answer.sync_answer, ListPeer.listOf(again.chunks).length], ["delta", 1])
                copies.push(delta.copy)
              }
            }).pipe(Effect.scoped, Effect.provide(rig.layer(config)))
          })))
      ),
      { numRuns: 25 }
    )
  }, 120_000)

  it("say only what is different, to those who ask, while the set they had is remembered", async () => {
    const all = Array.from({ length: 12 }, (_, index) => ({ id: index + 1, revision: 0 }))
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const config = yield* world
      yield* Effect.gen(function*() {
        const { plain, stream } = yield* peer
        const serve = (devices: ReadonlyArray<Seen>) =>
          Effect.andThen(
            SourceRun.run(runnable({ source: "one", devices, behind: 0 })),
            Aggregator.aggregate(aggregated)
          )
        yield* serve(all)
        const first = yield* stream(ListPeer.empty)
        yield* serve(all.slice(1).map((one) => one.id === 5 ? { ...one, revision: 1 } : one))

        const second = yield* stream(first.copy)

        assert.lengthOf(ListPeer.listOf(first.chunks), 13)
        assert.deepStrictEqual(
          ListPeer.listOf(second.chunks).slice(1).map(({ hostname, sync_key: key, sync_removed: isRemoved }) => [
            key,
            isRemoved ?? hostname
          ]),
          [["devices/one/0001", true], ["devices/one/0005", "host-5-R1"]]
        )
        // Who does not ask gets all, whatever sequence it names.
        const list = ListPeer.listOf(yield* plain(first.copy.sequence))
        assert.lengthOf(list, 11)
        assert.isTrue(list.every((element) => !("sync_key" in element) && !("sync_answer" in element)))
        for (let index = 0; index < 9; index++) yield* serve(all)
        const late = yield* stream(first.copy)
        assert.strictEqual(late.answer.sync_answer, "full")
        assert.strictEqual(late.copy.elements.size, 12)
        assert.strictEqual((yield* stream({ ...first.copy, sequence: "nonsense" })).answer.sync_answer, "full")
      }).pipe(Effect.scoped, Effect.provide(rig.layer(config)))
    })))
  }, 60_000)
})

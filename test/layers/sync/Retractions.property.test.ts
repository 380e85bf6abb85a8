/** What is retracted on the wire, whatever sources do: never a device that its source still has. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as path from "node:path"
import * as Blacklist from "../../../src/domain/inventory/Blacklist.ts"
import * as Aggregator from "../../../src/services/sync/Aggregator.ts"
import type { Sighting } from "../../../src/services/sync/DeviceSource.ts"
import { ResultsStore } from "../../../src/services/sync/ResultsStore.ts"
import * as SourceErrors from "../../../src/services/sync/SourceError.ts"
import * as SourceRun from "../../../src/services/sync/SourceRun.ts"
import { Spool } from "../../../src/services/sync/Spool.ts"
import { context, keyOf, pagesOf, sighting, sourceOf } from "../../support/scriptedSource.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const names = ["one", "two"] as const
type Name = typeof names[number]

const Element = Schema.Struct({
  device_id: Schema.String,
  ip: Schema.String,
  source: Schema.String,
  agent_id: Schema.String,
  timestamp: Schema.String,
  is_available: Schema.Boolean,
  mac: Schema.optionalKey(Schema.String),
  hostname: Schema.optionalKey(Schema.String),
  metadata: Schema.Record(Schema.String, Schema.String)
})
type Element = typeof Element.Type
const decodeList = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Element)))

const isRetraction = ({ metadata }: Element): boolean => metadata["_deleted"] === "true"

const list = Effect.scoped(Effect.gen(function*() {
  const store = yield* ResultsStore
  const open = yield* store.open
  if (Option.isNone(open)) return []
  const chunks = yield* Effect.forEach(open.value.set.chunks.keys(), (index) => open.value.chunk(index))
  return chunks.flatMap((bytes) => decodeList(new TextDecoder().decode(bytes)))
}))

/** Ids of devices and of retractions, in the order of the list. */
const idsOf = (elements: ReadonlyArray<Element>) => ({
  devices: elements.filter((one) => !isRetraction(one)).map(({ metadata }) => metadata["armis_device_id"]),
  retractions: elements.filter(isRetraction).map(({ metadata }) => metadata["armis_device_id"])
})

const retention = Duration.days(2)

const aggregateWith = (blacklisted: ReadonlyArray<string> = []) =>
  Aggregator.aggregate(
    names.map((name) => ({ name, blacklist: Blacklist.make(blacklisted), blacklisted })),
    Option.some({ retention })
  )

const aggregate = aggregateWith()

type Needs = Effect.Services<ReturnType<typeof SourceRun.run>> | Effect.Services<typeof list>

const inSpool = <A, E>(effect: Effect.Effect<A, E, Needs>) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const config = rig.configOf(path.join(folder, "spool"), {
      retractions: true,
      sources: Object.fromEntries(names.map((name) => [name, rig.armis("http://127.0.0.1:1")]))
    })
    return yield* Effect.provide(effect, rig.layer(config))
  }).pipe(Effect.scoped)

/** Ids of two sources of different systems mean different devices. */
const endpointOf = (name: Name): string => `https://${name}.example.net`

interface Change {
  readonly threshold?: number
  readonly question?: string
  readonly endpoint?: string
}

const source = (
  name: Name,
  sightings: ReadonlyArray<Sighting>,
  { threshold = 0, ...change }: Change = {}
): SourceRun.RunnableSource =>
  sourceOf(() => Stream.fromIterable(pagesOf(sightings.length, [sightings])), threshold, {
    name,
    endpoint: endpointOf(name),
    ...change
  })

const run = (name: Name, ids: ReadonlyArray<number>, change: Change = {}) =>
  Effect.andThen(SourceRun.run(source(name, ids.map((id) => sighting(id)), change)), aggregate)

const applyHeld = Effect.gen(function*() {
  const spool = yield* Spool
  const [plan] = yield* spool.plans
  yield* spool.apply(plan?.id ?? "none")
  yield* aggregate
})

type Fault = "none" | "cut" | "fails" | "empty" | "rejects" | "nameless"

interface Step {
  readonly source: Name
  readonly ids: ReadonlyArray<number>
  readonly fault: Fault
}

const step: fc.Arbitrary<Step> = fc.record({
  source: fc.constantFrom(...names),
  ids: fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 4 }),
  fault: fc.constantFrom<Fault>("none", "none", "none", "cut", "fails", "empty", "rejects", "nameless")
})

/** Ids of the second source are other devices, except that some are seen by both, by their MAC address. */
const macOf = (id: number): string => id % 2 === 0 ? `00:00:00:00:00:${String(id).padStart(2, "0")}` : ""

const faulty = ({ fault, ids, source: name }: Step): SourceRun.RunnableSource => {
  const all = ids.map((id) => sighting(id, 0, macOf(id)))
  const pages = pagesOf(all.length, all.map((one) => [one]))
  const half = pages.slice(0, Math.floor(pages.length / 2))
  // So that a retraction says whose it is.
  const change = { name, agentId: name, endpoint: endpointOf(name) }
  const threshold = 0.5
  switch (fault) {
    case "cut":
      return sourceOf(() => Stream.fromIterable(half), threshold, change)
    case "fails":
      return sourceOf(
        () => Stream.concat(Stream.fromIterable(half), Stream.fail(SourceErrors.make(name, "forbidden", "scripted"))),
        threshold,
        change
      )
    case "empty":
      return sourceOf(() => Stream.fromIterable(pagesOf(0, [[]])), threshold, change)
    case "rejects":
    case "nameless":
      return sourceOf(
        () =>
          Stream.fromIterable(pages.map((page, index) => {
            const key = fault === "rejects" ? keyOf(ids[index] ?? 0) : undefined
            return index > 1
              ? page
              : { ...page, sightings: [], rejections: [{ key, reason: "undecodable", sample: "" }] }
          })),
        threshold,
        change
      )
    default:
      return sourceOf(() => Stream.fromIterable(pages), threshold, change)
  }
}

describe("Retractions", () => {
  it("never name a device that a source still has, whatever fails, and always one that is gone from all", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 8 }),
        (steps) =>
          Effect.runPromise(inSpool(Effect.gen(function*() {
            /** What a source had at its last run that counted, unreadable elements included. */
            const had = new Map<string, ReadonlyArray<number>>()
            for (const [index, one] of steps.entries()) {
              const before = yield* list
              const known = had.get(one.source) ?? []
              const result = yield* SourceRun.run(faulty(one))
              yield* aggregate
              const elements = yield* list
              const retractions = elements.filter(isRetraction)
              const place = `step ${index}: ${one.fault}`
              if (result._tag !== "Committed") {
                assert.deepStrictEqual(idsOf(elements).retractions, idsOf(before).retractions, place)
                continue
              }
              had.set(one.source, one.fault === "nameless" ? [...known, ...one.ids] : one.ids)
              for (const { agent_id: name, ip, metadata } of retractions) {
                assert.notInclude(had.get(name) ?? [], Number(metadata["armis_device_id"]), place)
                const mac = macOf(Number(ip.split(".")[3]))
                if (mac !== "") assert.notInclude(elements.map((element) => element.mac), mac, place)
              }
              if (one.fault !== "none") continue
              // Those without a MAC address are nowhere else.
              const gone = before.filter(({ agent_id: name, mac }) => name === one.source && mac === undefined)
                .map(({ metadata }) => metadata["armis_device_id"])
                .filter((id) => !one.ids.includes(Number(id)))
              const retracted = retractions.filter(({ agent_id: name }) => name === one.source)
              assert.includeMembers(retracted.map(({ metadata }) => metadata["armis_device_id"]), gone, place)
            }
          })))
      ),
      { numRuns: 25 }
    )
  }, 120_000)

  it.live("are an update with the source's own id and nothing that another device could have by now", () =>
    inSpool(Effect.gen(function*() {
      yield* run("one", [1, 2, 3])
      yield* run("one", [1, 3])

      const [first] = yield* list

      assert.deepStrictEqual(first, {
        device_id: "",
        ip: "10.0.0.2",
        source: "armis",
        agent_id: "agent-a",
        timestamp: (yield* list)[1]?.timestamp ?? "",
        is_available: false,
        metadata: { _deleted: "true", armis_device_id: "2", integration_type: "armis" }
      })
      const store = yield* ResultsStore
      const set = Option.getOrThrow(yield* store.current)
      assert.deepInclude(set, { devices: 2, retractions: 1 })
    })))

  it.live("wait for a person when a run is held, and come with the plan that is applied, once", () =>
    inSpool(Effect.gen(function*() {
      const ten = Array.from({ length: 10 }, (_, index) => index + 1)
      yield* run("one", ten, { threshold: 0.8 })
      yield* run("one", ten.slice(0, 4), { threshold: 0.8 })
      assert.deepStrictEqual(idsOf(yield* list), { devices: ten.map(String), retractions: [] })
      yield* run("one", [], { threshold: 0.8 })
      assert.deepStrictEqual(idsOf(yield* list), { devices: ten.map(String), retractions: [] })
      // The source recovers: nothing was ever retracted.
      yield* run("one", ten, { threshold: 0.8 })
      assert.deepStrictEqual(idsOf(yield* list), { devices: ten.map(String), retractions: [] })
      yield* run("one", ten.slice(0, 4), { threshold: 0.8 })

      yield* applyHeld

      const after = yield* list
      assert.deepStrictEqual(idsOf(after), {
        devices: ["1", "2", "3", "4"],
        retractions: ["5", "6", "7", "8", "9", "10"]
      })
      yield* applyHeld
      assert.deepStrictEqual(yield* list, after)
    })))

  it.live("hold until the device is back or the time is over, and no run brings them twice", () =>
    inSpool(Effect.gen(function*() {
      yield* run("one", [1, 2, 3])
      yield* run("one", [1])
      assert.deepStrictEqual(idsOf(yield* list).retractions, ["2", "3"])
      yield* run("one", [1])
      assert.deepStrictEqual(idsOf(yield* list).retractions, ["2", "3"])
      yield* run("one", [1, 2])
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["1", "2"], retractions: ["3"] })
    })))

  it.effect("end when their time is over", () =>
    inSpool(Effect.gen(function*() {
      yield* run("one", [1, 2])
      yield* run("one", [1])
      yield* TestClock.adjust(Duration.subtract(retention, Duration.seconds(1)))
      yield* run("one", [1])
      assert.deepStrictEqual(idsOf(yield* list).retractions, ["2"])
      yield* TestClock.adjust("1 second")
      yield* run("one", [1])
      assert.deepStrictEqual(idsOf(yield* list).retractions, [])
    })))

  it.live("do not name a device that goes on under another id, in another source, or that nobody asks for", () =>
    inSpool(Effect.gen(function*() {
      const mac = "00:00:00:00:00:77"
      yield* SourceRun.run(source("one", [sighting(1, 0, mac), sighting(2)]))
      yield* SourceRun.run(source("two", [sighting(7, 0, mac)]))
      yield* aggregate
      // Known to the second source still.
      yield* run("one", [2])
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["2", "7"], retractions: [] })
      // Gone from there as well, but the first one has it under another id.
      yield* SourceRun.run(source("one", [sighting(2), sighting(9, 0, mac)]))
      yield* SourceRun.run(source("two", [sighting(8)]))
      yield* aggregate
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["2", "9", "8"], retractions: [] })
      // Another question, and another system under the same name.
      yield* run("one", [2], { question: "in:devices type:Printer" })
      yield* run("two", [5], { endpoint: "https://other.example.net" })
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["2", "5"], retractions: [] })
    })))

  it.live("are not made by a run that cannot be compared, nor for what is not served", () =>
    inSpool(Effect.gen(function*() {
      const { isIdentified: _, ...unidentified } = context
      const old = {
        ...source("one", [sighting(1), sighting(2)]),
        context: { ...unidentified, name: "one", endpoint: endpointOf("one") }
      }
      yield* SourceRun.run(old)
      yield* aggregate
      yield* SourceRun.run({ ...source("one", [sighting(1)]), context: old.context })
      yield* aggregate
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["1"], retractions: [] })
      yield* run("one", [1, 3, 4])
      yield* SourceRun.run(source("one", [sighting(1), sighting(4)]))
      yield* aggregateWith(["10.0.0.3/32"])
      assert.deepStrictEqual(idsOf(yield* list), { devices: ["1", "4"], retractions: [] })
    })))
})

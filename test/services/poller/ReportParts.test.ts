import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, Option, References } from "effect"
import * as fc from "fast-check"
import * as ReportBatch from "../../../src/domain/monitoring/reports/ReportBatch.ts"
import type { ServiceStatus } from "../../../src/domain/monitoring/reports/ServiceStatus.ts"
import {
  CoreClient,
  CoreError,
  type ReportHeader,
  ReportRejected,
  ReportTooLarge
} from "../../../src/services/poller/CoreClient.ts"
import * as ReportDelivery from "../../../src/services/poller/ReportDelivery.ts"
import { poller, status } from "./statuses.ts"

const header: ReportHeader = {
  reportId: "batch",
  pollerId: poller.pollerId,
  partition: poller.partition,
  sourceIp: "192.0.2.1",
  timestampSeconds: 0n,
  interval: Duration.seconds(30)
}

/** Delivers a batch to a core that refuses every report with one of these statuses in it: what it was sent, by id. */
const delivered = (names: ReadonlyArray<string>, refused: ReadonlySet<string>) =>
  Effect.gen(function*() {
    const sent = new Map<string, Array<string>>()
    const taken: Array<string> = []
    const take = ({ reportId }: ReportHeader, statuses: ReadonlyArray<ServiceStatus>) =>
      Effect.suspend(() => {
        const own = statuses.map(({ serviceName }) => serviceName)
        const contents = own.join(" ")
        sent.set(reportId, [...sent.get(reportId) ?? [], contents])
        if (own.some((name) => refused.has(name))) {
          return Effect.fail(new CoreError({ address: "core:1", reason: new ReportRejected({ detail: "no" }) }))
        }
        taken.push(...own)
        return Effect.succeed({ takesParts: true })
      })
    const core = Layer.succeed(CoreClient, {
      losses: Effect.succeed(0),
      takesParts: Effect.succeed(true),
      report: take,
      stream: (to, chunks) => take(to, Array.from(chunks, (chunk) => chunk.status))
    })
    yield* Effect.flatMap(ReportDelivery.make(Effect.succeed(0)), (delivery) =>
      delivery.deliverParts(names.map((name) => ({ status: status(name) })), header)).pipe(Effect.provide(core))
    return { sent, taken }
  }).pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

/** A core that takes so many bytes in a message, and says so or not. */
const limited = (bytesMax: number, options: { readonly isTold: boolean; readonly takesParts: boolean }) => {
  const taken: Array<readonly [string, number]> = []
  let refusals = 0
  const take = (messages: ReadonlyArray<ReadonlyArray<ServiceStatus>>) =>
    Effect.suspend(() => {
      const sizes = messages.map((all) => all.reduce((sum, one) => sum + ReportBatch.wireBytesMax(one), 0))
      if (sizes.some((size) => size > bytesMax)) {
        refusals += 1
        const told = options.isTold ? Option.some(bytesMax) : Option.none()
        const reason = new ReportTooLarge({ detail: "larger than max", bytesMax: told })
        return Effect.fail(new CoreError({ address: "core:1", reason }))
      }
      for (const { message, serviceName } of messages.flat()) taken.push([serviceName, message.length])
      return Effect.succeed({ takesParts: options.takesParts })
    })
  const layer = Layer.succeed(CoreClient, {
    losses: Effect.succeed(0),
    takesParts: Effect.succeed(options.takesParts),
    report: (_, statuses) => take([statuses]),
    stream: (_, chunks) => take(Array.from(chunks, (chunk) => [chunk.status]))
  })
  return { layer, taken, refusals: () => refusals }
}

const quiet = <A, E>(effect: Effect.Effect<A, E>) =>
  effect.pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

describe("A core that takes small messages only", () => {
  const sizes = [90_000, 90_000, 90_000, 90_000, 300_000, 90_000]
  const statuses = sizes.map((bytes, index) => status(`s${index}`, { bytes }))
  const bytesOf = (taken: ReadonlyArray<readonly [string, number]>) =>
    statuses.map(({ serviceName }) => taken.reduce((sum, [name, bytes]) => sum + (name === serviceName ? bytes : 0), 0))

  it.effect.each([{ isTold: true }, { isTold: false }])(
    "gets all of a report in parts of that size, and the next one without being asked again: told $isTold",
    ({ isTold }) =>
      quiet(Effect.gen(function*() {
        const core = limited(262_144, { isTold, takesParts: true })
        const delivery = yield* Effect.provide(ReportDelivery.make(Effect.succeed(0)), core.layer)
        const deliver = delivery.deliverParts(statuses.map((one) => ({ status: one })), header)
        const first = yield* deliver
        const refusals = core.refusals()
        yield* deliver

        assert.deepStrictEqual(first._tag === "Settled" ? [...first.refused] : first._tag, [])
        assert.deepStrictEqual(bytesOf(core.taken), sizes.map((bytes) => 2 * bytes))
        assert.deepStrictEqual([refusals >= 1, core.refusals() - refusals], [true, 0])
      }))
  )

  it.effect("loses the one status that fits in no message, and that alone", () =>
    quiet(Effect.gen(function*() {
      const core = limited(1_000, { isTold: false, takesParts: true })
      const delivery = yield* Effect.provide(ReportDelivery.make(Effect.succeed(0)), core.layer)
      const reports = [10, 10, 5_000, 10, 10, 10, 10, 10, 10, 10].map((bytes, index) => ({
        status: status(`s${index}`, { bytes })
      }))
      const delivered = yield* delivery.deliverParts(reports, header)

      assert.strictEqual(delivered._tag, "Settled")
      const refused = delivered._tag === "Settled" ? [...delivered.refused].map((one) => one.status.serviceName) : []
      assert.deepStrictEqual<ReadonlyArray<string>>(refused, ["s2"])
      assert.deepStrictEqual(core.taken.map(([name]) => name), [
        "s0",
        "s1",
        ...[3, 4, 5, 6, 7, 8, 9].map((n) => `s${n}`)
      ])
    })))

  it.effect.each([{ isTold: true }, { isTold: false }])(
    "gets a report for the whole poller as one, in smaller messages: told $isTold",
    ({ isTold }) =>
      quiet(Effect.gen(function*() {
        const core = limited(262_144, { isTold, takesParts: false })
        const delivery = yield* Effect.provide(ReportDelivery.make(Effect.succeed(0)), core.layer)
        const delivered = yield* delivery.deliverWhole(statuses, header)
        const refusals = core.refusals()
        yield* delivery.deliverWhole(statuses, header)

        assert.strictEqual(delivered, "settled")
        assert.deepStrictEqual(bytesOf(core.taken), sizes.map((bytes) => 2 * bytes))
        assert.deepStrictEqual([refusals >= 1, core.refusals() - refusals], [true, 0])
      }))
  )
})

describe("A report that goes in several parts", () => {
  it("has an id for each part, which stands for the same statuses however often it goes", async () => {
    const batches = fc.integer({ min: 1, max: 12 }).chain((size) =>
      fc.record({
        names: fc.constant(Array.from({ length: size }, (_, index) => `s${index}`)),
        refused: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 3 })
      })
    )
    await fc.assert(fc.asyncProperty(batches, async ({ names, refused }) => {
      const bad = new Set(refused.map((index) => `s${index}`))
      const first = await Effect.runPromise(delivered(names, bad))
      const again = await Effect.runPromise(delivered(names, bad))

      for (const contents of first.sent.values()) assert.strictEqual(new Set(contents).size, 1)
      const all = [...first.sent.values()].map(([contents]) => contents)
      assert.strictEqual(new Set(all).size, all.length)
      assert.deepStrictEqual([...again.sent], [...first.sent])
      assert.deepStrictEqual(first.taken, names.filter((name) => !bad.has(name)))
    }))
  })
})

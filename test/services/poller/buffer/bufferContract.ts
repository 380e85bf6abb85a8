/** What holds of every buffer of statuses, wherever it keeps them. */
import { assert, it } from "@effect/vitest"
import { Clock, type Duration, Effect, type Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import * as StatusBuffer from "../../../../src/services/poller/buffer/StatusBuffer.ts"
import { status } from "../statuses.ts"

export interface Limits {
  readonly ageMax?: Duration.Input
  /** Of all that waits. */
  readonly bytesMax?: number
}

export const parts = (sizeMax: number, spanMillis = 5_000): StatusBuffer.Cut => ({
  _tag: "Parts",
  limits: { sizeMax, spanMillis }
})

/** One that nobody waits for. */
export const waiting = Effect.fnUntraced(function*(
  name: string,
  extra: Partial<StatusBuffer.WaitingStatus> & { readonly bytes?: number } = {}
) {
  const { bytes, ...rest } = extra
  return {
    key: `0 ${name}`,
    status: status(name, { bytes: bytes ?? 2 }),
    measuredAtMillis: yield* Clock.currentTimeMillis,
    ...rest
  } satisfies StatusBuffer.WaitingStatus
})

export const offer = (name: string, extra: Parameters<typeof waiting>[1] = {}) =>
  Effect.flatMap(StatusBuffer.StatusBuffer, (buffer) => Effect.flatMap(waiting(name, extra), buffer.offer))

export const take = (cut: StatusBuffer.Cut) =>
  Effect.gen(function*() {
    const buffer = yield* StatusBuffer.StatusBuffer
    return Option.getOrElse(yield* buffer.take(cut), () => ({ id: "", statuses: [] }))
  })

export const namesOf = ({ statuses }: Pick<StatusBuffer.Batch, "statuses">): ReadonlyArray<string> =>
  statuses.map((one) => one.status.serviceName)

export const settle = Effect.flatMap(StatusBuffer.StatusBuffer, (buffer) => buffer.settle)

const size = Effect.flatMap(StatusBuffer.StatusBuffer, (buffer) => buffer.size)

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `s${from + index}`)

/** Takes and settles until there is nothing left. */
export const drainAll = Effect.fnUntraced(function*(cut: StatusBuffer.Cut) {
  const drained: Array<string> = []
  for (;;) {
    const batch = yield* take(cut)
    if (batch.statuses.length === 0) return drained
    drained.push(...namesOf(batch))
    yield* settle
  }
})

export const contract = (layerOf: (limits: Limits) => Layer.Layer<StatusBuffer.StatusBuffer>) => {
  const withBuffer = <A, E>(test: Effect.Effect<A, E, StatusBuffer.StatusBuffer>, limits: Limits = {}) =>
    Effect.gen(function*() {
      const { isReady, run } = yield* StatusBuffer.StatusBuffer
      yield* Effect.forkChild(run, { startImmediately: true })
      yield* isReady
      return yield* test
    }).pipe(Effect.provide(layerOf(limits)), Effect.provideService(Metric.MetricRegistry, new Map()))

  it.effect("gives back in order what was offered, as it was", () =>
    withBuffer(Effect.gen(function*() {
      const one = yield* waiting("s0", { bytes: 3 })
      const { offer: offerOne } = yield* StatusBuffer.StatusBuffer
      yield* offerOne(one)
      for (const name of names(1, 250)) {
        yield* offer(name)
        yield* TestClock.adjust("6 millis")
      }
      const first = yield* take(parts(100))

      assert.deepStrictEqual(namesOf(first), names(0, 100))
      assert.deepStrictEqual(first.statuses[0]?.status, one.status)
      assert.strictEqual(first.statuses[0]?.key, "0 s0")
      yield* settle
      assert.deepStrictEqual(yield* drainAll(parts(100)), names(100, 250))
      assert.strictEqual(yield* size, 0)
    })))

  it.effect("offers a batch again, with its id, until it is settled", () =>
    withBuffer(Effect.gen(function*() {
      yield* Effect.forEach(names(0, 3), (name) => offer(name))
      const first = yield* take(parts(2))
      yield* offer("s3")
      yield* TestClock.adjust("1 second")
      const again = yield* take(parts(4))
      yield* settle
      const next = yield* take(parts(4))

      assert.deepStrictEqual(namesOf(again), ["s0", "s1"])
      assert.strictEqual(again.id, first.id)
      assert.deepStrictEqual(namesOf(next), ["s2", "s3"])
      assert.notStrictEqual(next.id, first.id)
      assert.strictEqual(yield* size, 2)
    })))

  const distinct = { bytesMax: 1_000_000, joinMillis: 0, joined: { fromMillis: 0, toMillis: 0 } }

  it.effect("joins in a batch of distinct ones what a check said within a time, and no results", () =>
    withBuffer(Effect.gen(function*() {
      const cut: StatusBuffer.Cut = { _tag: "Distinct", limits: { ...distinct, joinMillis: 5_000 } }
      const results = (name: string) => ({ status: { ...status(name), source: "results" as const } })
      yield* offer("s0")
      yield* TestClock.adjust("4 seconds")
      yield* offer("s0")
      yield* offer("s1", results("s1"))
      yield* TestClock.adjust("500 millis")
      yield* offer("s1", results("s1"))
      yield* TestClock.adjust("1 second")
      yield* offer("s1", results("s1"))

      assert.deepStrictEqual(namesOf(yield* take(cut)), ["s0", "s0", "s1"])
      yield* settle
      assert.deepStrictEqual(namesOf(yield* take(cut)), ["s1"])
    })))

  it.effect("puts no check twice into a batch of distinct ones", () =>
    withBuffer(Effect.gen(function*() {
      yield* Effect.forEach(["s0", "s1", "s0", "s2"], (name) => offer(name))

      assert.deepStrictEqual(namesOf(yield* take({ _tag: "Distinct", limits: distinct })), ["s0", "s1"])
      yield* settle
      assert.deepStrictEqual(namesOf(yield* take({ _tag: "Distinct", limits: distinct })), ["s0", "s2"])
    })))

  it.effect("gives up what is older than it may be, and says so to who waits for it", () =>
    withBuffer(
      Effect.gen(function*() {
        const told: Array<boolean> = []
        yield* offer("old", { settled: (isDelivered) => Effect.sync(() => void told.push(isDelivered)) })
        yield* TestClock.adjust("59 minutes")
        yield* offer("young")
        yield* TestClock.adjust("2 minutes")

        assert.deepStrictEqual(yield* drainAll(parts(100)), ["young"])
        assert.deepStrictEqual(told, [false])
        const dropped = yield* Metric.snapshot
        assert.deepInclude(
          dropped.filter(({ id }) => id === "report_buffer_dropped_total").map(({ attributes, state }) => ({
            attributes,
            state
          })),
          { attributes: { reason: "expired" }, state: { count: 1, incremental: true } }
        )
      }),
      { ageMax: "1 hour" }
    ))

  it.effect("gives up the oldest when there are too many, counts them, and keeps the newest", () =>
    withBuffer(
      Effect.gen(function*() {
        const told: Array<string> = []
        for (const name of names(0, 500)) {
          yield* offer(name, { settled: (isDelivered) => Effect.sync(() => void told.push(`${name} ${isDelivered}`)) })
          yield* TestClock.adjust("100 millis")
        }
        const left = yield* drainAll(parts(100))
        const series = yield* Metric.snapshot

        const dropped = 500 - left.length
        assert.isAbove(left.length, 30)
        assert.isAbove(dropped, 200)
        assert.deepStrictEqual(left, names(dropped, 500))
        assert.deepStrictEqual(told, names(0, dropped).map((name) => `${name} false`))
        assert.deepInclude(
          series.filter(({ id }) => id === "report_buffer_dropped_total").map(({ attributes, state }) => ({
            attributes,
            state
          })),
          { attributes: { reason: "full" }, state: { count: dropped, incremental: true } }
        )
      }),
      { bytesMax: 30_000 }
    ))

  it.effect("leaves a batch in flight alone, however old it becomes", () =>
    withBuffer(
      Effect.gen(function*() {
        yield* offer("s0")
        yield* take(parts(100))
        yield* TestClock.adjust("2 hours")

        assert.deepStrictEqual(namesOf(yield* take(parts(100))), ["s0"])
      }),
      { ageMax: "1 hour" }
    ))

  it.effect("counts what waits", () =>
    withBuffer(Effect.gen(function*() {
      yield* Effect.forEach(names(0, 5), (name) => offer(name))
      yield* take(parts(2))
      const series = yield* Metric.snapshot

      assert.strictEqual(yield* size, 5)
      assert.deepInclude(
        series.filter(({ id }) => id === "report_buffer_size").map(({ state }) => state),
        { value: 5 }
      )
    })))
}

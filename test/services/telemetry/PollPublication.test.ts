import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PollObserver } from "../../../src/services/telemetry/PollObserver.ts"
import * as PollPublication from "../../../src/services/telemetry/PollPublication.ts"
import { type Facts, measuredAtMillis, polled } from "../../domain/events/outgoing/polled.ts"
import { collecting } from "./published.ts"

/** At which seconds messages with this beginning of their subject were offered. */
const secondsOf = (prefix: string, statuses: ReadonlyArray<Facts & { readonly second: number }>) => {
  const publisher = collecting()
  return Effect.gen(function*() {
    const observe = yield* PollObserver
    const seconds: Array<number> = []
    for (const { second, ...facts } of statuses) {
      observe(polled({ ...facts, atMillis: measuredAtMillis + second * 1_000 }))
      const taken = yield* publisher.taken
      if (taken.some(({ subject }) => subject.startsWith(prefix))) seconds.push(second)
    }
    return seconds
  }).pipe(Effect.provide(Layer.provide(PollPublication.layer(), publisher.layer)))
}

const every = (interval: number, count: number, facts: Facts = {}) =>
  Array.from({ length: count }, (_, index) => ({ ...facts, second: index * interval }))

describe("PollPublication", () => {
  it.effect("publishes the metrics of a service that stays as it is every quarter of a minute", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* secondsOf("telemetry.", every(2, 24)), [0, 14, 28, 42])
    }))

  it.effect("publishes every poll of a service that is polled more seldom", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* secondsOf("telemetry.", every(30, 3)), [0, 30, 60])
    }))

  it.effect("publishes a change at once", () =>
    Effect.gen(function*() {
      const statuses = every(2, 4).map((one, index) => ({ ...one, available: index !== 2 }))

      assert.deepStrictEqual(yield* secondsOf("telemetry.", statuses), [0, 4, 6])
    }))

  it.effect("spreads what is polled at once over the interval", () =>
    Effect.gen(function*() {
      const names = Array.from({ length: 20 }, (_, index) => `service-${index}`)
      const statuses = every(2, 15).flatMap((one) => names.map((name) => ({ ...one, name })))

      const seconds = yield* secondsOf("telemetry.", statuses)

      assert.isAtLeast(new Set(seconds.filter((second) => second >= 2 && second < 16)).size, 6)
    }))

  it.effect("keeps services apart", () =>
    Effect.gen(function*() {
      const statuses = every(2, 3).map((one, index) => ({ ...one, name: `service-${index}` }))

      assert.deepStrictEqual(yield* secondsOf("telemetry.", statuses), [0, 2, 4])
    }))

  it.effect("publishes the state of a host every half minute", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* secondsOf("sweep.", every(2, 33)), [2, 30, 58])
    }))
})

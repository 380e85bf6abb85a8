import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as NatsOutage from "../../../../src/layers/nats/connection/NatsOutage.ts"

const away = { detail: "connection refused", isRefused: false }
const refused = { detail: "authorization violation", isRefused: true }

const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
  return Effect.as(effect, lines).pipe(Effect.provide(logger))
}

describe("NatsOutage", () => {
  it.effect("tells of an outage at once, then twice a minute, and of its end once", () =>
    Effect.gen(function*() {
      const lines = yield* logged(Effect.gen(function*() {
        const outage = NatsOutage.make("NATS at a:4222")
        for (let second = 0; second < 90; second++) {
          yield* outage.began(away)
          yield* TestClock.adjust("1 second")
        }
        yield* outage.ended("Connected")
        yield* outage.ended("Connected")
      }))

      const line = "NATS at a:4222 is not available (connection refused): trying on"
      assert.deepStrictEqual(lines, [line, line, line, "Connected"])
    }))

  it.effect("tells at once when the reason becomes another one", () =>
    Effect.gen(function*() {
      const lines = yield* logged(Effect.gen(function*() {
        const outage = NatsOutage.make("NATS at a:4222")
        yield* outage.began(away)
        yield* outage.began(refused)
      }))

      assert.match(lines[1] ?? "", /cannot be used: authorization violation/)
    }))

  it.effect("is silent about connections that break at once, and says whether one was stable", () =>
    Effect.gen(function*() {
      const stable: Array<boolean> = []
      const lines = yield* logged(Effect.gen(function*() {
        const outage = NatsOutage.make("NATS at a:4222")
        yield* outage.ended("Connected")
        for (const seconds of [1, 1, 10]) {
          yield* TestClock.adjust(seconds * 1_000)
          stable.push(yield* outage.began(away))
          yield* outage.ended("Connected")
        }
      }))

      assert.deepStrictEqual(stable, [false, false, true])
      assert.strictEqual(lines.filter((line) => line === "Connected").length, 3)
    }))
})

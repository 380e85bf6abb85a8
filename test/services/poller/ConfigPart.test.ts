/** Children of a part of the configuration, under a clock of their own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References } from "effect"
import { TestClock } from "effect/testing"
import { Partition } from "../../../src/domain/monitoring/Ids.ts"
import type { PollerConfig } from "../../../src/domain/poller/PollerConfig.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import * as ConfigPart from "../../../src/services/poller/ConfigPart.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { config } from "../../fixtures/fleet.ts"

const first = config([], { pollInterval: "30 seconds" })

const withCertificate = (name: string): PollerConfig => ({
  ...first,
  security: SecurityConfig.fromBlock({
    mode: "mtls",
    tls: { cert_file: `${name}.pem`, key_file: `${name}.key`, ca_file: "ca.pem" }
  })
})

const nameOf = ({ security }: PollerConfig): string => security._tag === "Mtls" ? security.certFile : "plain"

/** What was begun and ended, in order; `broken` cannot be begun. */
const started = Effect.fnUntraced(function*(isBeside: boolean, broken = new Set<string>()) {
  const seen: Array<string> = []
  const run = yield* ConfigPart.start({
    name: "the server",
    of: ({ security }) => security,
    isBeside,
    start: Effect.fnUntraced(function*(of: PollerConfig) {
      const name = nameOf(of)
      if (broken.has(name)) return yield* Effect.fail({ message: `${name} cannot be read` })
      yield* Effect.acquireRelease(
        Effect.sync(() => seen.push(`${name} begins`)),
        () => Effect.sync(() => seen.push(`${name} ends`))
      )
      return Effect.never
    })
  })
  yield* Effect.forkScoped(run)
  const { replace } = yield* Fleet
  const become = (next: PollerConfig) => Effect.andThen(replace(next), TestClock.adjust("1 second"))
  return { seen, become }
})

const quietly = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  test.pipe(
    Effect.provide(Fleet.layer(first)),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.scoped
  )

describe("A child of a part of the configuration", () => {
  it.effect("becomes another when that part is another one, and at nothing else", () =>
    quietly(Effect.gen(function*() {
      const { become, seen } = yield* started(true)
      yield* become({ ...first, partition: Partition.make("other"), logLevel: Option.some("Debug") })
      assert.deepStrictEqual(seen, ["plain begins"])
      yield* become(withCertificate("a"))
      assert.deepStrictEqual(seen, ["plain begins", "a.pem begins", "plain ends"])
      yield* become(first)
      assert.deepStrictEqual(seen.slice(3), ["plain begins", "a.pem ends"])
    })))

  it.effect("ends before the next one where there cannot be two of them", () =>
    quietly(Effect.gen(function*() {
      const broken = new Set(["b.pem"])
      const { become, seen } = yield* started(false, broken)
      yield* become(withCertificate("a"))
      assert.deepStrictEqual(seen, ["plain begins", "plain ends", "a.pem begins"])
      yield* become(withCertificate("b"))
      assert.deepStrictEqual(seen.slice(3), ["a.pem ends", "a.pem begins"])
    })))

  it.effect("stays as it was while the next one cannot be started, which is tried again", () =>
    quietly(Effect.gen(function*() {
      const broken = new Set(["a.pem"])
      const { become, seen } = yield* started(true, broken)
      yield* become(withCertificate("a"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, ["plain begins"])
      broken.clear()
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(seen, ["plain begins", "a.pem begins", "plain ends"])
    })))
})

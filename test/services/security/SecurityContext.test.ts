import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { FailureClass } from "../../../src/domain/security/FailureClass.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import type { SecurityEvent } from "../../../src/domain/security/SecurityEvent.ts"
import { Credentials, CredentialsError, type CredentialSource } from "../../../src/services/security/Credentials.ts"
import * as SecurityContext from "../../../src/services/security/SecurityContext.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"

const block = (more: Partial<SecurityConfig.SecurityBlock> = {}) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    tls: { cert_file: "a.pem", key_file: "a-key.pem", ca_file: "root.pem" },
    ...more
  })

/** A context whose certificate the test replaces, and the events that it gave rise to. */
const rig = Effect.fnUntraced(function*(
  security: SecurityConfig.SecurityConfig,
  open: (source: CredentialSource) => Effect.Effect<CredentialSource, CredentialsError> = Effect.succeed
) {
  const events: Array<SecurityEvent> = []
  const listeners = new Set<() => void>()
  const source: CredentialSource = {
    current: () => Option.none(),
    changes: Stream.never,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    trouble: () => ""
  }
  const layer = Layer.mergeAll(
    Layer.succeed(SecurityMonitor, {
      record: (event) => Effect.sync(() => void events.push(event)),
      warnOfPlainText: () => Effect.void,
      summary: Effect.die("not asked for"),
      keep: Effect.never
    }),
    Layer.succeed(Credentials, {
      open: () => open(source),
      openRoots: () => Effect.die("not asked for"),
      ready: Effect.void,
      keep: Effect.never
    })
  )
  const context = yield* SecurityContext.make({ peer: "agent-1", address: "192.0.2.1:1", security }).pipe(
    Effect.provide(layer)
  )
  yield* Effect.forkScoped(context.run, { startImmediately: true })
  yield* TestClock.adjust(0)
  let made = 0
  const call = (outcome: FailureClass | "fine" | "answer") =>
    context.call(
      Effect.suspend(() => {
        made += 1
        return outcome === "fine" ? Effect.succeed("fine") : Effect.fail(outcome)
      }),
      (error) => error
    ).pipe(
      Effect.matchEffect({
        onFailure: (error) => Effect.succeed(typeof error === "string" ? error : error.reason),
        onSuccess: Effect.succeed
      })
    )
  const calls = (...outcomes: ReadonlyArray<FailureClass | "fine" | "answer">) => Effect.forEach(outcomes, call)
  return {
    calls,
    context,
    events,
    made: () => made,
    renew: Effect.andThen(Effect.sync(() => listeners.forEach((listener) => listener())), TestClock.adjust(0))
  }
})

describe("SecurityContext", () => {
  it.effect("leaves a peer alone for 60 s after three failures of security, and tells of it once", () =>
    Effect.gen(function*() {
      const { calls, events, made } = yield* rig(block())
      yield* calls("security", "fine", "security", "security", "other", "security")
      const [withheld] = yield* calls("fine")
      yield* TestClock.adjust("47 seconds")
      yield* calls("fine")
      const before = made()
      yield* TestClock.adjust("26 seconds")
      const after = yield* calls("fine", "fine")

      assert.strictEqual(withheld, "its circuit is open after failures of security, the last was: security")
      assert.deepStrictEqual([before, after], [6, ["fine", "fine"]])
      assert.deepStrictEqual(events, [{ _tag: "CircuitOpened", agent: "agent-1", failures: 3 }])
    }))

  it.effect("leaves a peer alone for longer each time that it fails again, up to a quarter of an hour", () =>
    Effect.gen(function*() {
      const { calls, made } = yield* rig(block())
      yield* calls("security", "security", "security")
      /** Until a probe is let through, which fails. */
      const openSeconds = Effect.gen(function*() {
        const before = made()
        for (let seconds = 0; seconds <= 2_000; seconds += 1) {
          yield* calls("security")
          if (made() > before) return seconds
          yield* TestClock.adjust("1 second")
        }
        return Number.POSITIVE_INFINITY
      })
      const waits: Array<number> = []
      for (let round = 0; round < 6; round++) waits.push(yield* openSeconds)

      for (const [index, base] of [60, 120, 240, 480, 900, 900].entries()) {
        assert.isAtLeast(waits[index] ?? 0, base * 0.8 - 1)
        assert.isAtMost(waits[index] ?? 0, base * 1.2 + 1)
      }
    }))

  it.effect("leaves a peer alone for less than a second after five failures of another kind", () =>
    Effect.gen(function*() {
      const { calls, events } = yield* rig(block())
      yield* calls("other", "other", "other", "other", "answer", "other", "other", "other", "other")
      const still = yield* calls("other", "fine")
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(still, ["other", "its circuit is open"])
      assert.deepStrictEqual(yield* calls("fine"), ["fine"])
      assert.deepStrictEqual(events, [])
    }))

  it.effect("asks again at once when its own certificate was replaced", () =>
    Effect.gen(function*() {
      const { calls, renew } = yield* rig(block())
      yield* calls("security", "security", "security")
      yield* renew

      assert.deepStrictEqual(yield* calls("fine"), ["fine"])
    }))

  it.effect("asks again as soon as there is a certificate that can be used", () =>
    Effect.gen(function*() {
      let isThere = false
      const { calls, context } = yield* rig(block(), (source) =>
        isThere
          ? Effect.succeed(source)
          : Effect.fail(new CredentialsError({ file: "a.pem", reason: "cannot be read" })))
      yield* calls("security", "security", "security")
      const before = [yield* calls("fine"), Option.isSome(context.certificates())]
      isThere = true
      yield* TestClock.adjust("5 seconds")

      assert.deepStrictEqual([before, [yield* calls("fine"), Option.isSome(context.certificates())]], [
        [["its circuit is open after failures of security, the last was: security"], false],
        [["fine"], true]
      ])
    }))

  it.effect("has the thresholds and the limit of its configuration", () =>
    Effect.gen(function*() {
      const security = block({
        circuit: { security_failures: 1, other_failures: 2, open_seconds: 5 },
        rate_limits: { agent: { per_second: 1, burst: 3 } }
      })
      const { calls, events } = yield* rig(security)
      const first = yield* calls("other", "security", "fine", "fine")
      yield* TestClock.adjust("7 seconds")

      assert.deepStrictEqual([first, yield* calls("fine")], [
        [
          "other",
          "security",
          "its circuit is open after failures of security, the last was: security",
          "more than 1 calls a second"
        ],
        ["fine"]
      ])
      assert.deepStrictEqual(events.map(({ _tag }) => _tag).toSorted(), ["CircuitOpened", "RateLimitExceeded"])
    }))

  it.effect("lets siblings be: what one refuses says nothing of another", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* rig(block()), yield* rig(block())]
      yield* one.calls("security", "security", "security", "fine")

      assert.deepStrictEqual(yield* other.calls("fine"), ["fine"])
      assert.deepStrictEqual(other.events, [])
    }))
})

/**
 * The breaker between the writers and the database: closed while writes work, open from the first outage until a probe
 * succeeds.
 *
 * An outage that probes do not see, such as a full disk, ends with a write that works: until then some are let through, and
 * nothing is said to be over.
 *
 * Writers wait at `awaitUp` with their batches in hand, so an outage costs no delivery and no memory. Probing is cheap
 * and frequent, for each second that the database is back and nobody notices is a second of lag.
 */
import { Context, Duration, Effect, Fiber, Latch, Layer, Option, Random } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as Monotonic from "../clock/Monotonic.ts"

export interface ProbeFailure {
  readonly message: string
}

export interface DatabaseState {
  readonly isUp: boolean
  readonly sinceMillis: number
  /** Why it is down; empty while it is up. */
  readonly reason: string
}

export class DatabaseHealth extends Context.Service<DatabaseHealth, {
  /** Waits while the database is away. */
  readonly awaitUp: Effect.Effect<void>
  readonly state: Effect.Effect<DatabaseState>
  /** A write met an outage: opens the breaker until a probe succeeds. */
  readonly outage: (reason: string) => Effect.Effect<void>
  /** A write got no answer in time: asks whether the database is away, and opens the breaker if it is. */
  readonly suspect: (reason: string) => Effect.Effect<boolean>
  /** A write worked, which ends an outage that no probe has seen. */
  readonly works: Effect.Effect<void>
  /** The life of the probing, for a supervisor. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar/services/event-writer/DatabaseHealth") {
  static readonly layer = <R>(probe: Effect.Effect<unknown, ProbeFailure, R>) =>
    Layer.effect(DatabaseHealth, Effect.flatMap(Effect.context<R>(), (context) => make(Effect.provide(probe, context))))
}

/** A healthy database is asked this often, so that an idle writer notices an outage too. */
const probeInterval = Duration.seconds(2)
const probeLimit = Duration.seconds(3)
const retryMin = 50
const retryMax = 500
/** Between attempts to write, while probes see nothing wrong. */
const trialPauseMax = 5_000
/** Longer than a writer pauses before it tries again. */
const trialLimit = Duration.seconds(10)

/** Does not wait for a probe to stop: cancelling a query needs an answer from the server that gives none. */
const bounded = (probe: Effect.Effect<unknown, ProbeFailure>): Effect.Effect<Option.Option<string>> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkDetach(Effect.match(probe, {
      onFailure: ({ message }) => Option.some(message),
      onSuccess: () => Option.none<string>()
    }))
    const answer = yield* Fiber.join(fiber).pipe(
      Effect.timeoutOption(probeLimit),
      Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
    )
    return Option.getOrElse(answer, () => Option.some(`no answer within ${Duration.format(probeLimit)}`))
  })

const make = Effect.fnUntraced(function*(probe: Effect.Effect<unknown, ProbeFailure>) {
  const up = Latch.makeUnsafe(false)
  const down = Latch.makeUnsafe(true)
  let state: DatabaseState = {
    isUp: false,
    sinceMillis: yield* Monotonic.millis,
    reason: "not connected yet"
  }
  let wasUp = false
  /** Whether a probe has failed since the outage began. */
  let isSeen = false
  /** Writers are let through to see whether they work. */
  let isTrial = false
  const verdict = Latch.makeUnsafe(false)

  const outage = Effect.fnUntraced(function*(reason: string) {
    if (!state.isUp) {
      state = { ...state, reason }
      if (!isTrial) return
      isTrial = false
      up.closeUnsafe()
      verdict.openUnsafe()
      return
    }
    isSeen = false
    state = { isUp: false, sinceMillis: yield* Monotonic.millis, reason }
    up.closeUnsafe()
    down.openUnsafe()
    yield* Effect.logWarning(`The database is away, nothing is fetched until it is back: ${reason}`)
  })

  const recovered = Effect.gen(function*() {
    const now = yield* Monotonic.millis
    const away = Duration.format(Duration.millis(Math.round(now - state.sinceMillis)))
    state = { isUp: true, sinceMillis: now, reason: "" }
    down.closeUnsafe()
    up.openUnsafe()
    yield* wasUp ? Effect.logInfo(`The database is back after ${away}`) : Effect.void
    wasUp = true
  })

  /** Whether writes work again, or none was tried. */
  const trial = Effect.gen(function*() {
    isTrial = true
    verdict.closeUnsafe()
    up.openUnsafe()
    yield* Effect.timeoutOption(verdict.await, trialLimit)
    const isPassed = isTrial
    isTrial = false
    return isPassed
  })

  const awaitRecovery = Effect.gen(function*() {
    let retries = 0
    while (true) {
      const failure = yield* bounded(probe)
      if (Option.isSome(failure)) {
        isSeen = true
        state = { ...state, reason: failure.value }
      } else if (isSeen || !wasUp || (yield* trial)) {
        return yield* recovered
      }
      const backoff = { from: retryMin, to: isSeen ? retryMax : trialPauseMax }
      yield* Effect.sleep(Backoff.delay(backoff, retries++, yield* Random.next))
    }
  })

  /** One probe may fail by chance; two in a row are an outage. */
  const watch = Effect.gen(function*() {
    const first = yield* bounded(probe)
    if (Option.isNone(first)) return
    const second = yield* bounded(probe)
    if (Option.isNone(second)) return
    yield* outage(second.value)
    isSeen = true
  })

  return DatabaseHealth.of({
    awaitUp: up.await,
    state: Effect.sync(() => state),
    outage,
    suspect: Effect.fnUntraced(function*(reason: string) {
      if (Option.isSome(yield* bounded(probe))) {
        yield* outage(reason)
        isSeen = true
      }
      return !state.isUp
    }),
    works: Effect.sync(() => {
      if (isTrial) verdict.openUnsafe()
    }),
    keep: Effect.forever(Effect.suspend(() =>
      state.isUp
        ? Effect.andThen(Effect.timeoutOption(down.await, probeInterval), state.isUp ? watch : Effect.void)
        : awaitRecovery
    ))
  })
})

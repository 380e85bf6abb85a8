/**
 * What stands between this program and one peer that it dials: certificates, rules for the peer, a limit on calls and
 * circuits of its own. Each agent of a poller has one in its subtree, so a failure of security there never reaches a
 * sibling.
 *
 * There are two circuits. Failures of security (authentication, authorisation, certificates) open one after few, and for
 * long: knocking again does not change who one is. It closes at once when our certificate does change. All others open
 * one that closes again within a second, because a peer that was away should be found soon.
 */
import { Cause, Clock, Duration, Effect, Option, Schedule, Schema, Scope, Stream } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { FailureClass } from "../../domain/security/FailureClass.ts"
import {
  anyPeer,
  type CircuitRules,
  type PeerRules,
  type SecurityConfig
} from "../../domain/security/SecurityConfig.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import * as CircuitBreaker from "../breaker/CircuitBreaker.ts"
import * as ConnectionSecurity from "./ConnectionSecurity.ts"
import { Credentials, type CredentialSource } from "./Credentials.ts"
import * as SecurityMetrics from "./SecurityMetrics.ts"
import { SecurityMonitor } from "./SecurityMonitor.ts"

/** A call was not made, and why not. */
export class CallWithheld extends Schema.TaggedError<CallWithheld>()("CallWithheld", {
  peer: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.peer}: ${this.reason}`
  }
}

export interface SecurityContextOptions {
  /** As the configuration names it. */
  readonly peer: string
  /** Where it is dialled. */
  readonly address: string
  readonly security: SecurityConfig
}

export interface SecurityContext {
  readonly peer: string
  /** What we present to this peer; none in plain text, and while there is none that can be used. */
  readonly certificates: () => Option.Option<CredentialSource>
  /** Names, roles, rates and signatures that count between this peer and us. */
  readonly rules: PeerRules
  /** Makes the call unless a circuit is open or the limit is reached; an error that is an answer is no failure. */
  readonly call: <A, E, R>(
    self: Effect.Effect<A, E, R>,
    classOf: (error: E) => FailureClass | "answer"
  ) => Effect.Effect<A, E | CallWithheld, R>
  /** Whether a call that succeeds now would change nothing, and need not go through `call`. */
  readonly isCalm: () => boolean
  /** Of both circuits. */
  readonly transitions: Stream.Stream<CircuitBreaker.CircuitEvent>
  /** Tells of the circuits and follows the certificates. For a supervisor. */
  readonly run: Effect.Effect<never>
}

/** Shorter than the pauses of whoever looks whether the peer is back. */
const otherOpenDuration = "750 millis"

/** Enough for who listens all the time; a fleet has thousands of these. */
const eventsMax = 16

/** After failures of security; a certificate that changes closes the circuit at once. */
const openLongest = Duration.minutes(15)

const longestOf = ({ openSeconds }: CircuitRules): Duration.Duration =>
  Duration.max(openLongest, Duration.seconds(openSeconds))

const certificatesAgainEvery = "5 seconds"

const eventRate: TokenBucket.TokenBucketOptions = { perSecond: 0.1, burst: 1 }

const circuit = <const Class extends FailureClass>(
  failureClass: Class,
  threshold: number,
  openDuration: Parameters<typeof CircuitBreaker.make>[0]["openDuration"]
) =>
  CircuitBreaker.make({
    thresholds: { [failureClass]: threshold },
    openDuration,
    keysMax: 1,
    eventsMax
  }).pipe(
    // The configuration was checked when it was read.
    Effect.orDie
  )

/** What a failed call says to the circuit of one class; what is no failure of the caller's is one of the other kind. */
const classifier =
  <E>(own: FailureClass, classOf: (error: E) => FailureClass | "answer") => (cause: Cause.Cause<E | CallWithheld>) => {
    const failed = cause.reasons.find(Cause.isFailReason)?.error
    if (failed instanceof CallWithheld) return "ignored"
    const found = failed === undefined ? "other" : classOf(failed)
    if (found === "answer") return "success"
    return found === own ? own : "ignored"
  }

export const make = Effect.fnUntraced(function*(
  { address, peer, security }: SecurityContextOptions
): Effect.fn.Return<SecurityContext, never, SecurityMonitor | Credentials | Scope.Scope> {
  const monitor = yield* SecurityMonitor
  const credentials = yield* Credentials
  const scope = yield* Effect.scope
  const rules = security._tag === "None" ? anyPeer : security.peers
  const ofSecurity = yield* circuit(
    "security",
    rules.circuit.securityFailures,
    // Longer each time that it opens again, and never the same for all agents of a fleet.
    Backoff.capped({ from: Duration.seconds(rules.circuit.openSeconds), to: longestOf(rules.circuit) })
  )
  const ofOthers = yield* circuit("other", rules.circuit.otherFailures, otherOpenDuration)
  const limit = Option.map(
    Option.fromUndefinedOr(rules.rates.agent),
    (rate) => ({ rate, calls: TokenBucket.make(rate) })
  )
  const events = TokenBucket.make(eventRate)
  let certificates = Option.none<CredentialSource>()
  let hadNone = false
  let lastFailure = ""

  const withheld = (reason: string) => new CallWithheld({ peer, reason })

  const withinLimit = Option.map(limit, ({ calls, rate: { perSecond } }) =>
    Effect.gen(function*() {
      const nowMillis = yield* Clock.currentTimeMillis
      if (calls.take(nowMillis)) return
      if (events.take(nowMillis)) yield* monitor.record(SecurityEvent.RateLimitExceeded.make({ peer, perSecond }))
      return yield* withheld(`more than ${perSecond} calls a second`)
    }))

  const isRefusal = (error: unknown): error is CircuitBreaker.CircuitBreakerError =>
    error instanceof CircuitBreaker.CircuitBreakerError

  const through = <A, E, R>(
    self: Effect.Effect<A, E, R>,
    classOf: (error: E) => FailureClass | "answer"
  ) => {
    const others = { key: peer, classify: classifier("other", classOf) }
    const throughOthers = Effect.mapError(ofOthers.execute(self, others), (error) => {
      if (isRefusal(error)) return withheld("its circuit is open")
      if (classOf(error) === "security") lastFailure = String(error)
      return error
    })
    const throughBoth = Effect.mapError(
      ofSecurity.execute(throughOthers, { key: peer, classify: classifier("security", classOf) }),
      (error) =>
        isRefusal(error)
          ? withheld(`its circuit is open after failures of security, the last was: ${lastFailure}`)
          : error
    )
    return Option.isNone(withinLimit) ? throughBoth : Effect.andThen(withinLimit.value, throughBoth)
  }

  const isCalm = () => Option.isNone(withinLimit) && ofSecurity.isCalm(peer) && ofOthers.isCalm(peer)
  /** Both only grow. */
  const generation = () => ofSecurity.generation(peer) + ofOthers.generation(peer)

  /** Where a success changes nothing, only a failure is taken through the circuits, unless they changed meanwhile. */
  const call: SecurityContext["call"] = (self, classOf) =>
    Effect.suspend(() => {
      if (!isCalm()) return through(self, classOf)
      const before = generation()
      return Effect.catchCause(self, (cause) => {
        const failed = Effect.failCause(cause)
        return Cause.hasInterrupts(cause) || generation() !== before ? failed : through(failed, classOf)
      })
    })

  /** Another certificate may be what was wanted. */
  const closeAgain = Effect.andThen(ofSecurity.force(peer, "closed"), ofSecurity.force(peer, "auto"))

  const follow = Effect.gen(function*() {
    const effective = yield* ConnectionSecurity.dialling(security, address)
    if (effective._tag === "None") return
    const source = yield* credentials.open(ConnectionSecurity.originOf(effective)).pipe(Scope.provide(scope))
    certificates = Option.some(source)
    if (hadNone) yield* closeAgain
    yield* Stream.runForEach(Stream.drop(source.changes, 1), () => closeAgain)
  }).pipe(
    // Whoever connects says why there are none.
    Effect.tapError(() =>
      Effect.sync(() => {
        hadNone = true
      })
    ),
    Effect.retry(Schedule.spaced(certificatesAgainEvery)),
    // The schedule has no end, which its type cannot say.
    Effect.orDie
  )

  const watch = Stream.runForEach(ofSecurity.events, ({ because, to }) =>
    Effect.andThen(
      SecurityMetrics.circuitChanged(to, because),
      to === "open"
        ? monitor.record(SecurityEvent.CircuitOpened.make({ agent: peer, failures: rules.circuit.securityFailures }))
        : Effect.void
    ))

  return {
    peer,
    certificates: () => certificates,
    rules,
    call,
    isCalm,
    transitions: Stream.merge(ofSecurity.events, ofOthers.events),
    run: Effect.all([follow, watch], { concurrency: 2 }).pipe(Effect.andThen(Effect.never))
  }
})

/**
 * What stands between this program and one peer that it dials: certificates, rules for the peer, a limit on calls and
 * circuits of its own. Each agent of a poller has one in its subtree, so a failure of security there never reaches a
 * sibling.
 *
 * There are two circuits. Failures of security (authentication, authorisation, certificates) open one after few, and for
 * long: knocking again does not change who one is. It closes at once when our certificate does change. All others open
 * one that closes again within a second, because a peer that was away should be found soon.
 */
import { Cause, Clock, Context, Duration, Effect, Option, Schedule, Schema, type Scope } from "effect"
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
import * as CircuitWatch from "../breaker/CircuitWatch.ts"
import * as ConnectionSecurity from "./ConnectionSecurity.ts"
import { Credentials, type CredentialsError, type CredentialSource } from "./Credentials.ts"
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
  /** Of both circuits; answers how to stop listening. */
  readonly watch: (listener: CircuitBreaker.CircuitListener) => () => void
  /** Tells of the circuits and follows the certificates. For a supervisor. */
  readonly run: Effect.Effect<never>
}

/** Shorter than the pauses of whoever looks whether the peer is back. */
const otherOpenDuration = "750 millis"

/** Enough for who listens all the time; a fleet has thousands of these. */
export const eventsMax = 16

/** After failures of security; a certificate that changes closes the circuit at once. */
const openLongest = Duration.minutes(15)

const longestOf = ({ openSeconds }: CircuitRules): Duration.Duration =>
  Duration.max(openLongest, Duration.seconds(openSeconds))

/** Longer each time that it opens again, and never the same for all agents of a fleet. One for all with the same rules. */
const openingsOf = (rules: CircuitRules): Schedule.Schedule<unknown, number> => {
  const known = openings.get(rules.openSeconds)
  if (known !== undefined) return known
  const made = Backoff.capped({ from: Duration.seconds(rules.openSeconds), to: longestOf(rules) })
  openings.set(rules.openSeconds, made)
  return made
}

/** By seconds, of which a configuration has few. */
const openings = new Map<number, Schedule.Schedule<unknown, number>>()

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
  <const Class extends FailureClass, E>(own: Class, classOf: (error: E) => FailureClass | "answer") =>
  (cause: Cause.Cause<E | CallWithheld>): Class | "success" | "ignored" => {
    const failed = cause.reasons.find(Cause.isFailReason)?.error
    if (failed instanceof CallWithheld) return "ignored"
    const found = failed === undefined ? "other" : classOf(failed)
    if (found === "answer") return "success"
    return found === own ? own : "ignored"
  }

/** One object with its methods and no closures of its own: a fleet has thousands of these. */
class Guarded implements SecurityContext {
  readonly peer: string
  readonly rules: PeerRules
  readonly #address: string
  readonly #security: SecurityConfig
  readonly #services: Services
  readonly #ofSecurity: Circuit<"security">
  readonly #ofOthers: Circuit<"other">
  readonly #limit: { readonly calls: TokenBucket.TokenBucket; readonly perSecond: number } | undefined
  readonly #events = TokenBucket.make(eventRate)
  #certificates = Option.none<CredentialSource>()
  #lastFailure = ""

  constructor(
    { address, peer, security }: SecurityContextOptions,
    services: Services,
    circuits: { readonly ofSecurity: Circuit<"security">; readonly ofOthers: Circuit<"other"> }
  ) {
    this.peer = peer
    this.rules = rulesOf(security)
    this.#address = address
    this.#security = security
    this.#services = services
    this.#ofSecurity = circuits.ofSecurity
    this.#ofOthers = circuits.ofOthers
    const rate = this.rules.rates.agent
    this.#limit = rate === undefined ? undefined : { calls: TokenBucket.make(rate), perSecond: rate.perSecond }
  }

  certificates(): Option.Option<CredentialSource> {
    return this.#certificates
  }

  isCalm(): boolean {
    return this.#limit === undefined && this.#ofSecurity.isCalm(this.peer) && this.#ofOthers.isCalm(this.peer)
  }

  watch(listener: CircuitBreaker.CircuitListener): () => void {
    const stops = [this.#ofSecurity.watch(listener), this.#ofOthers.watch(listener)]
    return () => stops.forEach((stop) => stop())
  }

  /** Where a success changes nothing, only a failure is taken through the circuits, unless they changed meanwhile. */
  call<A, E, R>(
    self: Effect.Effect<A, E, R>,
    classOf: (error: E) => FailureClass | "answer"
  ): Effect.Effect<A, E | CallWithheld, R> {
    return Effect.suspend(() => {
      if (!this.isCalm()) return this.#through(self, classOf)
      const before = this.#generation()
      return Effect.catchCause(self, (cause) => {
        const failed = Effect.failCause(cause)
        return Cause.hasInterrupts(cause) || this.#generation() !== before ? failed : this.#through(failed, classOf)
      })
    })
  }

  get run(): Effect.Effect<never> {
    const opened = this.#open().pipe(Effect.catch(() => Effect.asVoid(Effect.forkChild(this.#openLater()))))
    return CircuitWatch.forEach([this.#ofSecurity], eventsMax, (event) => this.#tell(event), opened)
  }

  /** Both only grow. */
  #generation(): number {
    return this.#ofSecurity.generation(this.peer) + this.#ofOthers.generation(this.peer)
  }

  #withheld(reason: string): CallWithheld {
    return new CallWithheld({ peer: this.peer, reason })
  }

  #through<A, E, R>(
    self: Effect.Effect<A, E, R>,
    classOf: (error: E) => FailureClass | "answer"
  ): Effect.Effect<A, E | CallWithheld, R> {
    const { peer: key } = this
    const others = { key, classify: classifier("other", classOf) }
    const throughOthers = Effect.mapError(this.#ofOthers.execute(self, others), (error) => {
      if (isRefusal(error)) return this.#withheld("its circuit is open")
      if (classOf(error) === "security") this.#lastFailure = String(error)
      return error
    })
    const throughBoth = Effect.mapError(
      this.#ofSecurity.execute(throughOthers, { key, classify: classifier("security", classOf) }),
      (error) =>
        isRefusal(error)
          ? this.#withheld(`its circuit is open after failures of security, the last was: ${this.#lastFailure}`)
          : error
    )
    return this.#limit === undefined ? throughBoth : Effect.andThen(this.#withinLimit(this.#limit), throughBoth)
  }

  #withinLimit(
    { calls, perSecond }: { readonly calls: TokenBucket.TokenBucket; readonly perSecond: number }
  ): Effect.Effect<void, CallWithheld> {
    return Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
      if (calls.take(nowMillis)) return Effect.void
      const withheld = Effect.fail(this.#withheld(`more than ${perSecond} calls a second`))
      if (!this.#events.take(nowMillis)) return withheld
      const event = SecurityEvent.RateLimitExceeded.make({ peer: this.peer, perSecond })
      return Effect.andThen(this.#services.monitor.record(event), withheld)
    })
  }

  /** Another certificate may be what was wanted. */
  #closeAgain(): void {
    const now = Context.get(this.#services.context, Clock.Clock).currentTimeMillisUnsafe()
    for (const to of ["closed", "auto"] as const) this.#ofSecurity.forceAt(now, this.peer, to)
  }

  #open(): Effect.Effect<void, CredentialsError> {
    const { context, credentials } = this.#services
    return Effect.flatMap(ConnectionSecurity.dialling(this.#security, this.#address), (effective) => {
      if (effective._tag === "None") return Effect.void
      return Effect.flatMap(credentials.open(ConnectionSecurity.originOf(effective)), (source) => {
        this.#certificates = Option.some(source)
        return Effect.acquireRelease(
          Effect.sync(() => source.onChange(() => this.#closeAgain())),
          (stop) => Effect.sync(stop)
        )
      })
    }).pipe(Effect.provideContext(context), Effect.asVoid)
  }

  /** Whoever connects says why there are none. */
  #openLater(): Effect.Effect<void> {
    return Effect.delay(this.#open(), certificatesAgainEvery).pipe(
      Effect.retry(Schedule.forever),
      Effect.andThen(Effect.sync(() => this.#closeAgain())),
      // The schedule has no end, which its type cannot say.
      Effect.orDie
    )
  }

  #tell({ because, to }: CircuitBreaker.CircuitEvent): Effect.Effect<void> {
    return Effect.andThen(
      SecurityMetrics.circuitChanged(to, because),
      to === "open"
        ? this.#services.monitor.record(
          SecurityEvent.CircuitOpened.make({ agent: this.peer, failures: this.rules.circuit.securityFailures })
        )
        : Effect.void
    )
  }
}

type Circuit<Class extends FailureClass> = CircuitBreaker.CircuitBreaker<Class>

interface Services {
  readonly monitor: SecurityMonitor["Service"]
  readonly credentials: Credentials["Service"]
  readonly context: Context.Context<Scope.Scope>
}

const rulesOf = (security: SecurityConfig): PeerRules => security._tag === "None" ? anyPeer : security.peers

const isRefusal = (error: unknown): error is CircuitBreaker.CircuitBreakerError =>
  error instanceof CircuitBreaker.CircuitBreakerError

export const make = Effect.fnUntraced(function*(
  options: SecurityContextOptions
): Effect.fn.Return<SecurityContext, never, SecurityMonitor | Credentials | Scope.Scope> {
  const services = {
    monitor: yield* SecurityMonitor,
    credentials: yield* Credentials,
    context: yield* Effect.context<Scope.Scope>()
  }
  const { circuit: rules } = rulesOf(options.security)
  return new Guarded(options, services, {
    ofSecurity: yield* circuit("security", rules.securityFailures, openingsOf(rules)),
    ofOthers: yield* circuit("other", rules.otherFailures, otherOpenDuration)
  })
})

/**
 * Turns a request for a check into a checker, by a table with one entry per service type.
 *
 * Asks the target once and without retries, so the result is what was observed. A checker may hold things between two
 * checks (a connection, the last CPU counters): they live in the scope in which it was prepared. Preparing must not
 * wait on the network, so that misuse is known at once.
 */
import type { Duration, Scope } from "effect"
import { Clock, Context, Duration as Durations, Effect, Layer, Option, Schema } from "effect"
import { failed, type ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import type { InvalidTarget } from "../../domain/monitoring/checks/ProbeTarget.ts"

/** No checker is known for the service type. */
export class UnknownServiceType extends Schema.TaggedError<UnknownServiceType>()("UnknownServiceType", {
  serviceType: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Unknown service type ${JSON.stringify(this.serviceType)}: expected one of ${this.known.join(", ")}`
  }
}

/** Neither `fping` nor `ping` can be found, so no echo request can be sent. */
export class PingUnavailable extends Schema.TaggedError<PingUnavailable>()("PingUnavailable", {
  searched: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `No ping program found (looked for fping and ping in ${
      this.searched.join(", ") || "an empty PATH"
    }): install ` +
      "one with \"apt-get install iputils-ping\" or \"apt-get install fping\" (\"apk add fping\", \"dnf install iputils\")"
  }
}

/** Why no probe was made. What a probe observed is never an error. */
export type ProbeError = InvalidTarget | UnknownServiceType | PingUnavailable

export interface CheckRequest {
  readonly serviceType: string
  readonly serviceName: string
  /** The checker's argument; empty where a checker needs none. */
  readonly details: string
  /** Sent by pollers for type `port` and, as in the Go agent, without effect when `details` names a port. */
  readonly port: number
  readonly agentId: string
  readonly pollerId: string
}

export interface Checker {
  /** How long one check may take before it counts as failed. */
  readonly timeout: Duration.Duration
  /** Checks once. May hang or die: whoever runs it sets the limit. */
  readonly check: Effect.Effect<ProbeResult>
  /**
   * The same without a fiber, where a check is no more than a few events of a socket: tells what it found, once and
   * within its time, and gives back how to end it before. What it throws at once is a defect of the checker.
   */
  readonly direct?: (done: (result: ProbeResult) => void) => () => void
  /** Whether the check itself comes to an end within its time: then nobody needs to hold a clock beside it. */
  readonly isBounded?: boolean
  /** The result in this checker's own words for a check that did not come to an end. */
  readonly failed: (reason: string) => ProbeResult
}

/** Makes the checker of one type. */
export type Prepare<R = never> = (request: CheckRequest) => Effect.Effect<Checker, ProbeError, R | Scope.Scope>

/** Checkers that come and go while the agent runs; what the table has counts before them. */
export interface MoreKinds {
  readonly types: () => ReadonlyArray<string>
  readonly find: (serviceType: string) => Prepare | undefined
}

const noMore: MoreKinds = { types: () => [], find: () => undefined }

export class Prober extends Context.Service<Prober, {
  /** The types that the table has. */
  readonly serviceTypes: ReadonlyArray<string>
  readonly prepare: Prepare
}>()("serviceradar/services/agent/Prober") {
  static readonly make = (table: Readonly<Record<string, Prepare>>, more: MoreKinds = noMore) =>
    Prober.of({
      serviceTypes: Object.keys(table),
      prepare: (request) => {
        const { serviceType } = request
        const prepare = Object.hasOwn(table, serviceType) ? table[serviceType] : more.find(serviceType)
        return prepare === undefined
          ? Effect.fail(new UnknownServiceType({ serviceType, known: [...Object.keys(table), ...more.types()] }))
          : prepare(request)
      }
    })

  static readonly layer = (table: Readonly<Record<string, Prepare>>): Layer.Layer<Prober> =>
    Layer.succeed(Prober, Prober.make(table))
}

/** Runs the checker within its time limit; a check that hangs or dies has a result that says so. */
export const checkWithin = (checker: Checker, limit: Duration.Duration): Effect.Effect<ProbeResult> =>
  Effect.gen(function*() {
    const startedNanos = yield* Clock.monotonicTimeNanos
    const result = yield* Effect.timeoutOption(checker.check, limit)
    const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
    return Option.getOrElse(result, () => ({
      ...checker.failed(`timed out after ${Durations.format(limit)}`),
      responseTimeNanos: elapsedNanos
    }))
  })

/** One probe from beginning to end, for a caller that keeps nothing between two. */
export const probeOnce = Effect.fn("Prober.probeOnce")(function*(request: CheckRequest, limit?: Duration.Duration) {
  const prober = yield* Prober
  const checker = yield* prober.prepare(request)
  return yield* checkWithin(checker, limit ?? checker.timeout)
}, Effect.scoped)

/** The result for a checker whose code broke. */
export const brokenResult = (checker: Pick<Checker, "failed">, defect: string): ProbeResult =>
  checker.failed(`the checker broke: ${defect}`)

/** The result that a poller gets for a check that cannot be made. */
export const errorResult = (error: ProbeError): ProbeResult => failed(error.message)

/**
 * `grpc`: is an external checker well, and what does it say?
 *
 * Checkers that speak `AgentService` are asked twice, as the Go agent asks them: once for health, once for details that
 * are passed on byte by byte. All others answer the standard health check. A checker that was unhealthy is not asked
 * again for a while (`CheckBackoff`).
 */
import { Clock, DateTime, Duration, Effect, Predicate, Result, Schema } from "effect"
import * as CheckBackoff from "../../domain/monitoring/checks/CheckBackoff.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import { isSysmonName } from "../../domain/monitoring/ServiceKinds.ts"
import type { CheckRequest, Prepare } from "../../services/monitoring/Prober.ts"
import { type CheckerConnection, GrpcCheckers } from "./GrpcCheckers.ts"
import type { Kind } from "./ProbeKit.ts"
import * as SysmonProbe from "./SysmonProbe.ts"

/** What of the exchange did not work, in the words of the Go agent. */
class CheckerUnwell extends Schema.TaggedError<CheckerUnwell>()("CheckerUnwell", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/**
 * Two calls of a slow checker fit, and a poller waits 30 s. Nothing is tried twice, unlike in the Go agent: the channel
 * connects again by itself, and the next check finds it connected.
 */
const timeout = Duration.seconds(15)

const agentSpeakers = new Set(["mapper", "sync"])

/** Beyond the Go agent: every `sysmon-…` has metrics too, because core accepts the names. */
const speaksAgentService = (serviceName: string): boolean => agentSpeakers.has(serviceName) || isSysmonName(serviceName)

const unwell = (prefix: string) => (error: { readonly message: string }) =>
  new CheckerUnwell({ reason: `${prefix}: ${error.message}` })

const ask = (connection: CheckerConnection, serviceName: string, prefix: string) =>
  connection.agent.getStatus({ serviceName, serviceType: "grpc", agentId: "", pollerId: "", details: "", port: 0 })
    .pipe(
      Effect.mapError(unwell(prefix))
    )

const noJson = () => new CheckerUnwell({ reason: "Failed to get status: the checker answered no JSON" })
const decodeDocument = Schema.decodeResult(Schema.fromJsonString(Schema.Unknown))

/** As the checker wrote it. `null` ends existing pollers, and of texts and numbers nobody can read a field. */
const documentOf = (message: Uint8Array): Result.Result<string, CheckerUnwell> => {
  const text = Buffer.from(message).toString("utf8")
  return decodeDocument(text).pipe(
    Result.map((document) => Predicate.isObjectOrArray(document) ? text : JSON.stringify({ message: document })),
    Result.mapError(noJson)
  )
}

/** Asked once for everything: this old checker knows neither health nor a second question. */
const rperf = Effect.fnUntraced(function*(connection: CheckerConnection, request: CheckRequest) {
  const response = yield* connection.agent.getStatus({
    serviceName: "",
    serviceType: "grpc",
    agentId: request.agentId,
    pollerId: "",
    details: "",
    port: 0
  }).pipe(Effect.mapError(unwell("Failed to get status")))
  const message = yield* Effect.fromResult(documentOf(response.message))
  return { available: response.available, message, responseTimeNanos: response.responseTime }
})

const agentService = Effect.fnUntraced(function*(connection: CheckerConnection, request: CheckRequest) {
  const health = yield* ask(connection, request.serviceName, "Health check failed")
  if (!health.available) return yield* new CheckerUnwell({ reason: "Service reported unhealthy" })
  const details = yield* ask(connection, request.serviceName, "Failed to get status")
  const message = yield* Effect.fromResult(documentOf(details.message))
  return { available: details.available, message, responseTimeNanos: details.responseTime }
})

const standardHealth = Effect.fnUntraced(function*(connection: CheckerConnection, request: CheckRequest) {
  const grpcService = request.serviceName === "kv" ? "datasvc" : ""
  const startedNanos = yield* Clock.monotonicTimeNanos
  const status = yield* connection.health.check(grpcService).pipe(Effect.mapError(unwell("Health check failed")))
  if (status !== "SERVING") return yield* new CheckerUnwell({ reason: "Service reported unhealthy" })
  const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
  const checkedAt = DateTime.formatIso(yield* DateTime.now)
  return ProbeResult.grpcServing(
    { serviceName: request.serviceName, grpcService, checkedAt, address: connection.address },
    elapsedNanos
  )
})

const exchangeOf = (serviceName: string) =>
  serviceName === "rperf-checker" ? rperf : speaksAgentService(serviceName) ? agentService : standardHealth

const prepare: Prepare<GrpcCheckers> = Effect.fnUntraced(function*(request) {
  const checkers = yield* GrpcCheckers
  const address = yield* Effect.fromResult(checkers.addressOf(request.serviceName, request.details))
  const exchange = exchangeOf(request.serviceName)
  let backoff = CheckBackoff.healthy

  const attempt = checkers.connect(request.serviceName, address).pipe(
    Effect.mapError(unwell("Failed to connect")),
    Effect.flatMap((connection) => exchange(connection, request)),
    Effect.scoped,
    Effect.result
  )

  return {
    timeout,
    failed: (reason) => ProbeResult.failed(`Health check failed: ${reason}`),
    check: Effect.gen(function*() {
      const startedNanos = yield* Clock.monotonicTimeNanos
      if (CheckBackoff.isCached(backoff, startedNanos)) return ProbeResult.failed("Service unhealthy (cached status)")
      const result = yield* attempt
      const nowNanos = yield* Clock.monotonicTimeNanos
      if (Result.isSuccess(result)) {
        backoff = CheckBackoff.healthy
        return result.success
      }
      backoff = CheckBackoff.failed(backoff, nowNanos)
      return ProbeResult.failed(result.failure.message, nowNanos - startedNanos)
    })
  }
})

/**
 * A sysmon name and no address anywhere means this host: so core, which takes metrics only from type `grpc`, gets them
 * without an external checker.
 */
export const kind: Kind = {
  about: "Is an external checker well, and what does it say?",
  notes:
    "The address may stand in a file of the same name in the agent's `checkers_dir` instead. Checkers called `sysmon`, " +
    "`sysmon-…`, `mapper`, `sync` and `rperf-checker` are asked over `AgentService` and their message is passed on as it " +
    "is; all others answer the standard health check (`kv`: for `datasvc`), with `service`, `grpc_service`, `status`, " +
    "`checked_at`, `address` and `cached_status` in the message. One that was not well is not asked again for 5 s, and for " +
    "longer the longer that lasts, up to 150 s.",
  details: { bareForm: "host:port" },
  examples: [
    { details: "127.0.0.1:50080", about: "Is it well?" }
  ],
  prepare: (kit) => {
    const sysmon = SysmonProbe.kind.prepare(kit)
    return (request) =>
      request.details.trim() === "" && isSysmonName(request.serviceName)
        && Result.isFailure(kit.checkers.addressOf(request.serviceName, ""))
        ? sysmon(request)
        : Effect.provideService(prepare(request), GrpcCheckers, kit.checkers)
  }
}

/**
 * `AgentService` of the agent: what pollers ask.
 *
 * `available` is what the probe observed, unless the agent is told to answer as the Go agent does (`Availability`). That
 * says `true` for whatever produced a document, even `{"error": …}`; peers copy the field without looking further. For the
 * same reason a check that cannot be made (wrong target, unknown type) is answered with its error instead of an empty
 * response. Unchanged: the agent puts its own id into every answer, and results are known for type `grpc` only, where
 * request and response pass through as they are. `sweep` joins with the sweep service; until then it is as unknown as
 * any other.
 */
import { Clock, Effect, Result, Stream } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as Availability from "../../domain/agent/Availability.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import {
  AgentServiceService,
  type ResultsRequest,
  type ResultsResponse,
  type StatusRequest
} from "../../gen/monitoring/monitoring.ts"
import { CheckRunner } from "../../services/agent/CheckRunner.ts"
import { errorResult, type ProbeError } from "../../services/monitoring/Prober.ts"
import { Internal, ResourceExhausted, Unavailable, Unimplemented } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import { GrpcCheckers } from "../probes/GrpcCheckers.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"

const unknownPoller = "unknown-poller"

/** A check that could be made, and what it found. */
const made = (result: ProbeResult) => ({ result, found: result.available })
/** One that could not. */
const unmade = (error: ProbeError) => Effect.succeed({ result: errorResult(error), found: undefined })

const getStatus = ({ agentId, availability }: Identity) => (request: StatusRequest) =>
  Effect.gen(function*() {
    const runner = yield* CheckRunner
    const startedNanos = yield* Clock.monotonicTimeNanos
    const pollerId = request.pollerId === "" ? unknownPoller : request.pollerId
    const { found, result } = yield* runner.run({ ...request, agentId, pollerId }).pipe(
      Effect.map(made),
      Effect.catchTags({
        InvalidTarget: unmade,
        UnknownServiceType: unmade,
        PingUnavailable: unmade,
        AgentBusy: (error) => Effect.fail(new ResourceExhausted({ detail: error.message })),
        AgentNotReady: (error) => Effect.fail(new Unavailable({ detail: error.message }))
      })
    )
    const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
    return {
      available: Availability.reported(availability, found),
      message: Buffer.from(result.message),
      serviceName: request.serviceName,
      serviceType: request.serviceType,
      // What a check measured, or how long it took where there was nothing to measure.
      responseTime: result.responseTimeNanos === 0n ? elapsedNanos : result.responseTimeNanos,
      agentId,
      pollerId
    }
  })

const notForwarded = (serviceType: string) =>
  new Unimplemented({ detail: `no results for service type ${JSON.stringify(serviceType)}` })

const connect = Effect.fnUntraced(function*(request: ResultsRequest) {
  if (request.serviceType !== "grpc") return yield* notForwarded(request.serviceType)
  const checkers = yield* GrpcCheckers
  const address = checkers.addressOf(request.serviceName, request.details)
  if (Result.isFailure(address)) return yield* new Internal({ detail: address.failure.message })
  return yield* checkers.connect(request.serviceName, address.success).pipe(
    Effect.mapError((error) => new Unavailable({ detail: error.message }))
  )
})

const unavailableResults = (request: ResultsRequest, error: string): ResultsResponse => ({
  available: false,
  data: Buffer.from(JSON.stringify({ error })),
  serviceName: request.serviceName,
  serviceType: request.serviceType,
  responseTime: 0n,
  agentId: request.agentId,
  pollerId: request.pollerId,
  timestamp: 0n,
  currentSequence: "",
  hasNewData: false,
  sweepCompletion: undefined
})

const getResults = (request: ResultsRequest) =>
  Effect.scoped(Effect.flatMap(connect(request), (connection) => connection.agent.getResults(request))).pipe(
    // As the Go agent: failures of the checker travel inside the response, only the type is an error.
    Effect.catch((error) =>
      request.serviceType === "grpc" ? Effect.succeed(unavailableResults(request, error.message)) : Effect.fail(error)
    )
  )

const streamResults = (request: ResultsRequest) =>
  Stream.unwrap(Effect.map(connect(request), (connection) => connection.agent.streamResults(request))).pipe(
    Stream.mapError((error) =>
      error._tag === "Unavailable" || error._tag === "Unimplemented" ? error : new Internal({ detail: error.message })
    )
  )

/** Who answers, and what its answers say of a target that is not well. */
export type Identity = Pick<AgentConfig, "agentId" | "availability">

export const make = (identity: Identity) =>
  GrpcServer.service(AgentServiceService, { getStatus: getStatus(identity), getResults, streamResults })

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "poll",
  getResults: "poll",
  streamResults: "poll"
})

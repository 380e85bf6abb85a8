/**
 * `AgentService` of the agent: what pollers ask.
 *
 * `available` is what the probe observed. The Go agent says `true` for whatever produced a document, even
 * `{"error": …}`; peers copy the field without looking further, so the honest value is safe and useful. For the same
 * reason a check that cannot be made (wrong target, unknown type) is answered with its error instead of an empty
 * response. Unchanged: the agent puts its own id into every answer, and results are known for type `grpc` only, where
 * request and response pass through as they are. `sweep` joins with the sweep service; until then it is as unknown as
 * any other.
 */
import { Effect, Result, Stream } from "effect"
import {
  AgentServiceService,
  type ResultsRequest,
  type ResultsResponse,
  type StatusRequest
} from "../../gen/monitoring/monitoring.ts"
import { CheckRunner } from "../../services/agent/CheckRunner.ts"
import { errorResult } from "../../services/monitoring/Prober.ts"
import { Internal, ResourceExhausted, Unavailable, Unimplemented } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import { GrpcCheckers } from "../probes/GrpcCheckers.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"

const unknownPoller = "unknown-poller"

const getStatus = (agentId: string) => (request: StatusRequest) =>
  Effect.gen(function*() {
    const runner = yield* CheckRunner
    const pollerId = request.pollerId === "" ? unknownPoller : request.pollerId
    const result = yield* runner.run({ ...request, agentId, pollerId }).pipe(
      Effect.catchTags({
        InvalidTarget: (error) => Effect.succeed(errorResult(error)),
        UnknownServiceType: (error) => Effect.succeed(errorResult(error)),
        PingUnavailable: (error) => Effect.succeed(errorResult(error)),
        AgentBusy: (error) => Effect.fail(new ResourceExhausted({ detail: error.message })),
        AgentNotReady: (error) => Effect.fail(new Unavailable({ detail: error.message }))
      })
    )
    return {
      available: result.available,
      message: Buffer.from(result.message),
      serviceName: request.serviceName,
      serviceType: request.serviceType,
      responseTime: result.responseTimeNanos,
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

export const make = (agentId: string) =>
  GrpcServer.service(AgentServiceService, { getStatus: getStatus(agentId), getResults, streamResults })

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "poll",
  getResults: "poll",
  streamResults: "poll"
})

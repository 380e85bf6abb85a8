/**
 * `AgentService` of the agent: what pollers ask.
 *
 * `available` is what the probe observed, unless the agent is told to answer as the Go agent does (`Availability`). That
 * says `true` for whatever produced a document, even `{"error": …}`; peers copy the field without looking further. For the
 * same reason a check that cannot be made (wrong target, unknown type) is answered with its error instead of an empty
 * response. Unchanged: the agent puts its own id into every answer, and results are known for type `sweep`, of the agent's
 * own sweep, and for type `grpc`, where request and response pass through as they are.
 */
import { Effect } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as Availability from "../../domain/agent/Availability.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { AgentServiceService, type ResultsRequest, type StatusRequest } from "../../gen/monitoring/monitoring.ts"
import { CheckRunner } from "../../services/agent/CheckRunner.ts"
import type { AgentBusy, AgentNotReady, CheckerBusy } from "../../services/monitoring/CheckError.ts"
import { errorResult, type ProbeError } from "../../services/monitoring/Prober.ts"
import { ResourceExhausted, Unavailable } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"
import * as ExternalResults from "./external/ExternalResults.ts"
import * as SweepAnswers from "./sweep/SweepAnswers.ts"

const unknownPoller = "unknown-poller"

/** A check that could be made, and what it found. */
const made = (result: ProbeResult) => ({ result, found: result.available })
/** One that could not. */
const unmade = (error: ProbeError) => Effect.succeed({ result: errorResult(error), found: undefined })

const getStatus = (identity: Identity) => (request: StatusRequest) =>
  request.serviceType === SweepAnswers.serviceType ? SweepAnswers.status(identity)(request) : check(identity)(request)

const refusals = {
  InvalidTarget: unmade,
  UnknownServiceType: unmade,
  PingUnavailable: unmade,
  AgentBusy: (error: AgentBusy) => Effect.fail(new ResourceExhausted({ detail: error.message })),
  CheckerBusy: (error: CheckerBusy) => Effect.fail(new ResourceExhausted({ detail: error.message })),
  AgentNotReady: (error: AgentNotReady) => Effect.fail(new Unavailable({ detail: error.message }))
}

const check = ({ agentId, availability }: Identity) => (request: StatusRequest) =>
  Effect.flatMap(CheckRunner, ({ run }) =>
    Effect.clockWith((clock) => {
      const startedNanos = clock.monotonicTimeNanosUnsafe()
      const pollerId = request.pollerId === "" ? unknownPoller : request.pollerId
      return run({ ...request, agentId, pollerId }).pipe(
        Effect.map(made),
        Effect.catchTags(refusals),
        Effect.map(({ found, result }) => ({
          available: Availability.reported(availability, found),
          message: Buffer.from(result.message),
          serviceName: request.serviceName,
          serviceType: request.serviceType,
          // What a check measured, or how long it took where there was nothing to measure.
          responseTime: result.responseTimeNanos === 0n
            ? clock.monotonicTimeNanosUnsafe() - startedNanos
            : result.responseTimeNanos,
          agentId,
          pollerId
        }))
      )
    }))

const getResults = (identity: Identity) => (request: ResultsRequest) =>
  request.serviceType === SweepAnswers.serviceType
    ? SweepAnswers.results(identity)(request)
    : ExternalResults.getResults(request)

const streamResults = (request: ResultsRequest) =>
  request.serviceType === SweepAnswers.serviceType
    ? SweepAnswers.stream(request)
    : ExternalResults.streamResults(request)

/** Who answers, and what its answers say of a target that is not well. */
export type Identity = Pick<AgentConfig, "agentId" | "availability">

export const make = (identity: Identity) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: getStatus(identity),
    getResults: getResults(identity),
    streamResults
  })

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "poll",
  getResults: "poll",
  streamResults: "poll"
})

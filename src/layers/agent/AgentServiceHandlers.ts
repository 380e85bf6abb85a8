/**
 * `AgentService` of the agent: what pollers ask.
 *
 * `available` is what the probe observed, unless the agent is told to answer as the Go agent does (`Availability`). That
 * says `true` for whatever produced a document, even `{"error": …}`; peers copy the field without looking further. For the
 * same reason a check that cannot be made (wrong target, unknown type) is answered with its error instead of an empty
 * response. Unchanged: the agent puts its own id into every answer, and results are known for type `sweep`, of the agent's
 * own sweep, and for type `grpc`, where request and response pass through as they are.
 */
import { Cause, Clock, Context, Effect, Exit, Option } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as Availability from "../../domain/agent/Availability.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import * as CleanText from "../../domain/monitoring/reports/CleanText.ts"
import {
  AgentServiceService,
  type ResultsRequest,
  type StatusRequest,
  type StatusResponse
} from "../../gen/monitoring/monitoring.ts"
import { CheckRunner } from "../../services/agent/CheckRunner.ts"
import type { CheckError } from "../../services/monitoring/CheckError.ts"
import { errorResult, type ProbeError } from "../../services/monitoring/Prober.ts"
import { type GrpcError, ResourceExhausted, Unavailable } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"
import * as ExternalResults from "./external/ExternalResults.ts"
import * as SweepAnswers from "./sweep/SweepAnswers.ts"

const unknownPoller = "unknown-poller"

/** A check that could be made, and what it found. */
const made = (result: ProbeResult) => ({ result, found: result.available })
/** One that could not. */
const unmade = (error: ProbeError) => ({ result: errorResult(error), found: undefined })

type Judged = Exit.Exit<{ readonly result: ProbeResult; readonly found: boolean | undefined }, GrpcError>

/** Checks that are made or cannot be, and calls that are refused. */
const judged = (answer: Exit.Exit<ProbeResult, CheckError>): Judged => {
  if (Exit.isSuccess(answer)) return Exit.succeed(made(answer.value))
  const failure = Cause.findErrorOption(answer.cause)
  return Option.isSome(failure) ? ofError(failure.value) : Exit.die(Cause.squash(answer.cause))
}

const ofError = (error: CheckError): Judged => {
  switch (error._tag) {
    case "AgentBusy":
    case "CheckerBusy":
      return Exit.fail(new ResourceExhausted({ detail: error.message }))
    case "AgentNotReady":
      return Exit.fail(new Unavailable({ detail: error.message }))
    default:
      return Exit.succeed(unmade(error))
  }
}

/** Asked a thousand times a second, so nothing here has a fiber but what a sweep found. */
const getStatus = (identity: Identity) =>
  GrpcServer.direct((context: Context.Context<CheckRunner>) => {
    const { ask } = Context.get(context, CheckRunner)
    const clock = Context.get(context, Clock.Clock)
    return (request: StatusRequest, told: (response: Exit.Exit<StatusResponse, GrpcError>) => void) => {
      if (request.serviceType === SweepAnswers.serviceType) {
        return Effect.runCallbackWith(context)(SweepAnswers.status(identity)(request), { onExit: told })
      }
      const { agentId, availability } = identity
      const startedNanos = clock.monotonicTimeNanosUnsafe()
      const pollerId = request.pollerId === "" ? unknownPoller : request.pollerId
      return ask({ ...request, agentId, pollerId }, (answer) =>
        told(Exit.map(judged(answer), ({ found, result }) => ({
          available: Availability.reported(availability, found),
          // A checker, a program or a peer may have said what no database between here and a screen keeps.
          message: Buffer.from(CleanText.cleanJson(CleanText.clean(result.message))),
          serviceName: request.serviceName,
          serviceType: request.serviceType,
          // What a check measured, or how long it took where there was nothing to measure.
          responseTime: result.responseTimeNanos <= 0n
            ? clock.monotonicTimeNanosUnsafe() - startedNanos
            : result.responseTimeNanos,
          agentId,
          pollerId
        }))))
    }
  })

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

/**
 * Results of external checkers, which pass through as they are, each in its turn (`SyncResults`).
 *
 * A checker that cannot be reached three times in a row is left alone for a while (`GrpcCheckers`): then calls fail at once.
 * Codes are those of the existing agent: what fails of `GetResults` travels inside the response, and of `StreamResults` all
 * that comes of the checker is `INTERNAL`, a refused connection too, because that one dials when it asks.
 */
import { Duration, Effect, Result, Stream } from "effect"
import type { ResultsRequest, ResultsResponse } from "../../../gen/monitoring/monitoring.ts"
import { type ResultsError, SyncResults } from "../../../services/agent/SyncResults.ts"
import {
  DeadlineExceeded,
  type GrpcError,
  Internal,
  ResourceExhausted,
  Unavailable,
  Unimplemented
} from "../../grpc/GrpcError.ts"
import { GrpcCheckers } from "../../probes/GrpcCheckers.ts"

const notForwarded = (serviceType: string) =>
  new Unimplemented({ detail: `no results for service type ${JSON.stringify(serviceType)}` })

const connect = Effect.fnUntraced(function*(request: ResultsRequest) {
  const checkers = yield* GrpcCheckers
  const address = checkers.addressOf(request.serviceName, request.details)
  if (Result.isFailure(address)) return yield* new Internal({ detail: address.failure.message })
  const connection = yield* checkers.connect(request.serviceName, address.success).pipe(
    Effect.mapError((error) => new Unavailable({ detail: error.message }))
  )
  return { connection, circuit: checkers.circuitOf(request.serviceName, address.success) }
})

/** One that hangs must not keep its turn. */
const silenceMax = Duration.minutes(1)

const spoken = <A>(chunks: Stream.Stream<A, GrpcError>) =>
  Stream.timeoutOrElse(chunks, {
    duration: silenceMax,
    orElse: () =>
      Stream.fail(new DeadlineExceeded({ detail: `the checker has said nothing for ${Duration.format(silenceMax)}` }))
  })

/** What is no checker's fault. */
const noTurn = (error: ResultsError) =>
  error._tag === "ResultsBusy"
    ? new ResourceExhausted({ detail: error.message })
    : new Unavailable({ detail: error.message })

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

export const getResults = (request: ResultsRequest) => {
  const results = connect(request).pipe(
    Effect.flatMap(({ circuit, connection }) => circuit.guard(connection.agent.getResults(request))),
    Effect.scoped,
    Effect.catch((error) => Effect.succeed(unavailableResults(request, error.message)))
  )
  if (request.serviceType !== "grpc") return Effect.fail(notForwarded(request.serviceType))
  return Effect.flatMap(SyncResults, ({ one }) => one(results)).pipe(
    Effect.catchTags({ ResultsBusy: (error) => noTurn(error), ResultsNotReady: (error) => noTurn(error) })
  )
}

export const streamResults = (request: ResultsRequest) => {
  const results = Stream.unwrap(
    Effect.map(
      connect(request),
      ({ circuit, connection }) =>
        circuit.guardStream(spoken(connection.agent.streamResults(request))).pipe(
          Stream.mapError((error) => new Internal({ detail: error.message }))
        )
    )
  )
  if (request.serviceType !== "grpc") return Stream.fail(notForwarded(request.serviceType))
  return Stream.unwrap(SyncResults.useSync(({ many }) => many(results))).pipe(
    Stream.catchTags({
      ResultsBusy: (error) => Stream.fail(noTurn(error)),
      ResultsNotReady: (error) => Stream.fail(noTurn(error))
    })
  )
}

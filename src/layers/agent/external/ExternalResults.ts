/**
 * Results of external checkers, which pass through as they are.
 *
 * A checker that cannot be reached three times in a row is left alone for a while (`GrpcCheckers`): then calls fail at once.
 * Codes are those of the existing agent: what fails of `GetResults` travels inside the response, and of `StreamResults` all
 * that comes of the checker is `INTERNAL`, a refused connection too, because that one dials when it asks.
 */
import { Effect, Result, Stream } from "effect"
import type { ResultsRequest, ResultsResponse } from "../../../gen/monitoring/monitoring.ts"
import { Internal, Unavailable, Unimplemented } from "../../grpc/GrpcError.ts"
import { GrpcCheckers } from "../../probes/GrpcCheckers.ts"

const notForwarded = (serviceType: string) =>
  new Unimplemented({ detail: `no results for service type ${JSON.stringify(serviceType)}` })

const connect = Effect.fnUntraced(function*(request: ResultsRequest) {
  if (request.serviceType !== "grpc") return yield* notForwarded(request.serviceType)
  const checkers = yield* GrpcCheckers
  const address = checkers.addressOf(request.serviceName, request.details)
  if (Result.isFailure(address)) return yield* new Internal({ detail: address.failure.message })
  const connection = yield* checkers.connect(request.serviceName, address.success).pipe(
    Effect.mapError((error) => new Unavailable({ detail: error.message }))
  )
  return { connection, circuit: checkers.circuitOf(request.serviceName, address.success) }
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

export const getResults = (request: ResultsRequest) =>
  connect(request).pipe(
    Effect.flatMap(({ circuit, connection }) => circuit.guard(connection.agent.getResults(request))),
    Effect.scoped,
    Effect.catch((error) =>
      error._tag === "Unimplemented" && request.serviceType !== "grpc"
        ? Effect.fail(error)
        : Effect.succeed(unavailableResults(request, error.message))
    )
  )

export const streamResults = (request: ResultsRequest) =>
  Stream.unwrap(
    Effect.map(connect(request), ({ circuit, connection }) =>
      circuit.guardStream(connection.agent.streamResults(request)).pipe(
        Stream.mapError((error) =>
          new Internal({ detail: error.message })
        )
      ))
  )

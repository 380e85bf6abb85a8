/**
 * What an agent answers of its sweep, as the Go agent does: the summary by GetStatus, the hosts by GetResults and
 * StreamResults.
 *
 * Unlike there, what is answered is always a whole sweep: the last one that came to its end. A sweep that runs shows in
 * `sweep_completion` alone. Before the first one has come to its end there is an empty summary, as there. Results that do
 * not fit into one message are refused by GetResults with the advice to ask for the stream, which takes any number.
 */
import { Clock, DateTime, Effect, Option, Stream } from "effect"
import type { AgentConfig } from "../../../domain/agent/AgentConfig.ts"
import * as Availability from "../../../domain/agent/Availability.ts"
import * as SweepReport from "../../../domain/agent/sweep/SweepReport.ts"
import {
  type ResultsChunk,
  type ResultsRequest,
  type ResultsResponse,
  type StatusRequest,
  type StatusResponse,
  type SweepCompletionStatus,
  SweepCompletionStatus_Status
} from "../../../gen/monitoring/monitoring.ts"
import { Sweeper, type SweepSnapshot } from "../../../services/agent/sweep/Sweeper.ts"
import * as SweepTurns from "../../../services/agent/sweep/SweepTurns.ts"
import { NotFound } from "../../grpc/GrpcError.ts"

export const serviceType = "sweep"
const serviceName = "network_sweep"
const notConfigured = "No sweep service configured"
/** Of one message, with room for what stands beside the hosts; 4 MiB is what gRPC takes. */
const messageBytesMax = 4 * 1_048_576 - 65_536
const never = 2n ** 63n - 1n

type Identity = Pick<AgentConfig, "agentId" | "availability">

type Configured = SweepSnapshot & { readonly swept: ReadonlyArray<string> }

/** What there is to tell; none where nothing is to be swept. */
const current = Effect.gen(function*() {
  const sweeper = yield* Effect.serviceOption(Sweeper)
  if (Option.isNone(sweeper)) return Option.none<Configured>()
  const snapshot = yield* sweeper.value.snapshot
  return Option.map(snapshot.networks, (swept): Configured => ({ ...snapshot, swept }))
})

const failed = (error: string): Buffer => Buffer.from(JSON.stringify({ error }))

export const status = ({ agentId, availability }: Identity) =>
  Effect.fnUntraced(function*(request: StatusRequest) {
    const startedNanos = yield* Clock.monotonicTimeNanos
    const found = yield* current
    const answer: StatusResponse = {
      available: false,
      message: failed(notConfigured),
      serviceName,
      serviceType,
      responseTime: never,
      agentId,
      pollerId: request.pollerId
    }
    if (Option.isNone(found)) {
      const responseTime = (yield* Clock.monotonicTimeNanos) - startedNanos
      return { ...answer, responseTime, serviceName: request.serviceName }
    }
    const { last, problem, sequence, swept } = found.value
    const findings = Option.getOrUndefined(last)?.findings
    const nowMillis = yield* Clock.currentTimeMillis
    return {
      ...answer,
      available: Availability.reported(availability, problem === ""),
      message: Buffer.from(SweepReport.summary({ networks: swept, findings, sequence })),
      // As the Go agent: not how long it took, but how long ago it was.
      responseTime: findings === undefined ? never : BigInt(Math.max(0, nowMillis - findings.newestMillis)) * 1_000_000n
    }
  })

/** Of the last sweep, or of the one that runs. */
const completionOf = ({ last, problem, progress, sequence }: SweepSnapshot): SweepCompletionStatus => {
  const running = Option.getOrUndefined(progress)
  const findings = Option.getOrUndefined(last)?.findings
  const done = SweepCompletionStatus_Status
  return {
    status: running !== undefined
      ? done.IN_PROGRESS
      : problem !== ""
      ? done.FAILED
      : findings === undefined
      ? done.NOT_STARTED
      : done.COMPLETED,
    completionTime: findings === undefined ? 0n : BigInt(Math.floor(findings.newestMillis / 1000)),
    targetSequence: `${sequence}`,
    totalTargets: running?.totalHosts ?? findings?.plan.hosts ?? 0,
    completedTargets: running?.doneHosts ?? findings?.hosts ?? 0,
    errorMessage: problem
  }
}

const nowSeconds = Effect.map(DateTime.now, (now) => BigInt(Math.floor(now.epochMilliseconds / 1000)))

export const results = ({ agentId }: Identity) =>
  Effect.fnUntraced(function*(request: ResultsRequest) {
    const found = yield* current
    const answer: ResultsResponse = {
      available: false,
      data: failed(notConfigured),
      serviceName,
      serviceType,
      responseTime: 0n,
      agentId,
      pollerId: request.pollerId,
      timestamp: yield* nowSeconds,
      currentSequence: "",
      hasNewData: false,
      sweepCompletion: undefined
    }
    if (Option.isNone(found)) return answer
    const { last, sequence } = found.value
    const told = { ...answer, currentSequence: `${sequence}`, sweepCompletion: completionOf(found.value) }
    if (request.lastSequence === told.currentSequence) return { ...told, data: Buffer.alloc(0) }
    const layout = Option.getOrUndefined(last)
    if (layout !== undefined && layout.bytes > messageBytesMax) {
      const error = `the results have ${layout.bytes} bytes, which is too much for one message: use StreamResults`
      return { ...told, data: failed(error) }
    }
    const document = layout === undefined ? SweepReport.nothing : yield* SweepTurns.run(SweepReport.whole(layout))
    return { ...told, available: true, hasNewData: true, data: Buffer.from(document) }
  })

/** As the Go agent: a chunk without hosts, and no time. */
const nothingNew = (sequence: string): ResultsChunk => ({
  data: Buffer.from("{}"),
  isFinal: true,
  chunkIndex: 0,
  totalChunks: 1,
  currentSequence: sequence,
  timestamp: 0n
})

/** Each chunk is made when the one before it has been taken. */
export const stream = (request: ResultsRequest) =>
  Stream.unwrap(Effect.gen(function*() {
    const found = yield* current
    if (Option.isNone(found)) return yield* new NotFound({ detail: notConfigured })
    const currentSequence = `${found.value.sequence}`
    if (request.lastSequence === currentSequence) return Stream.succeed(nothingNew(currentSequence))
    const timestamp = yield* nowSeconds
    const layout = Option.getOrUndefined(found.value.last)
    const totalChunks = layout?.parts.length ?? 1
    return Stream.range(0, totalChunks - 1, 1).pipe(
      Stream.mapEffect((chunkIndex) =>
        Effect.map(
          layout === undefined
            ? Effect.succeed(SweepReport.nothing)
            : SweepTurns.run(SweepReport.chunk(layout, chunkIndex)),
          (document): ResultsChunk => ({
            data: Buffer.from(document),
            isFinal: chunkIndex === totalChunks - 1,
            chunkIndex,
            totalChunks,
            currentSequence,
            timestamp
          })
        )
      )
    )
  }))

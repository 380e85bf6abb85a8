/**
 * `monitoring.AgentService` of the sync service: what pollers and agents ask.
 *
 * Every peer gets the full list, as from the Go service: Go pollers always send `last_sequence` and forward whatever
 * comes. Chunks are cut by bytes, not by a count of devices, and the next one is read when the peer has taken the last.
 * A source that serves an older run is no error here; it is named in `GetStatus`.
 */
import { Clock, Effect, Option, Stream } from "effect"
import {
  AgentServiceService,
  type ResultsChunk,
  type ResultsRequest,
  type StatusRequest
} from "../../gen/monitoring/monitoring.ts"
import { type OpenSet, ResultsStore } from "../../services/sync/ResultsStore.ts"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as SyncStatus from "../../services/sync/SyncStatus.ts"
import { ResourceExhausted, Unavailable } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import * as MessageSize from "../grpc/MessageSize.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"

const serviceType = "sync"

/** Go's zero time, which the Go service gives before its first discovery. */
const noSequence = "-62135596800"

/** What the fields around the data may take. */
const envelopeBytes = 4_096

const unavailable = (error: SpoolError) => new Unavailable({ detail: error.message })

const nowSeconds = Effect.map(Clock.currentTimeMillis, (millis) => BigInt(Math.floor(millis / 1000)))

const getStatus = (agentId: string, sources: ReadonlyArray<string>) => (request: StatusRequest) =>
  Effect.map(Effect.mapError(SyncStatus.read(sources), unavailable), (status) => ({
    available: true,
    message: Buffer.from(JSON.stringify(status)),
    serviceName: request.serviceName,
    serviceType,
    responseTime: 0n,
    agentId,
    pollerId: ""
  }))

const sequenceOf = (open: Option.Option<OpenSet>): string =>
  Option.match(open, { onNone: () => noSequence, onSome: ({ set }) => String(set.sequence) })

/** All chunks, which are JSON arrays, as one array. */
const joinedData = Effect.fnUntraced(function*({ chunk, set }: OpenSet) {
  const parts: Array<Uint8Array> = []
  for (const index of set.chunks.keys()) {
    const bytes = yield* chunk(index)
    parts.push(Buffer.from(index === 0 ? "[" : ","), bytes.subarray(1, -1))
  }
  return Buffer.concat([...parts, Buffer.from("]")])
})

const getResults = (agentId: string) => (request: ResultsRequest) =>
  Effect.scoped(Effect.gen(function*() {
    const store = yield* ResultsStore
    const open = yield* Effect.mapError(store.open, unavailable)
    const { maxSendBytes } = yield* MessageSize.fromEnvironment
    const bytes = Option.match(open, {
      onNone: () => 0,
      onSome: ({ set }) => set.chunks.reduce((sum, length) => sum + length, 0)
    })
    if (bytes + envelopeBytes > maxSendBytes) {
      return yield* new ResourceExhausted({
        detail: `the list has ${bytes} bytes, a message ${maxSendBytes}: ask StreamResults`
      })
    }
    return {
      available: true,
      data: Option.isNone(open) || open.value.set.devices === 0
        ? Buffer.from("null")
        : yield* Effect.mapError(joinedData(open.value), unavailable),
      serviceName: request.serviceName,
      serviceType,
      responseTime: 0n,
      agentId,
      pollerId: request.pollerId,
      timestamp: yield* nowSeconds,
      currentSequence: sequenceOf(open),
      hasNewData: true,
      sweepCompletion: undefined
    }
  }))

const chunksOf = ({ chunk, set }: OpenSet, timestamp: bigint): Stream.Stream<ResultsChunk, SpoolError> => {
  const totalChunks = set.chunks.length
  return Stream.range(0, totalChunks - 1).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((chunkIndex) =>
      Effect.map(chunk(chunkIndex), (bytes) => ({
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        isFinal: chunkIndex === totalChunks - 1,
        chunkIndex,
        totalChunks,
        currentSequence: String(set.sequence),
        timestamp
      }))
    ),
    // The next one is read while this one is on its way.
    Stream.buffer({ capacity: 1 })
  )
}

const nothingYet = (timestamp: bigint): Stream.Stream<ResultsChunk> =>
  Stream.succeed({
    data: Buffer.from("[]"),
    isFinal: true,
    chunkIndex: 0,
    totalChunks: 1,
    currentSequence: noSequence,
    timestamp
  })

const streamResults = () =>
  Stream.unwrap(Effect.gen(function*() {
    const store = yield* ResultsStore
    const open = yield* store.open
    const timestamp = yield* nowSeconds
    return Option.match(open, {
      onNone: () => nothingYet(timestamp),
      onSome: (one) => chunksOf(one, timestamp)
    })
  })).pipe(Stream.mapError(unavailable))

export const make = (agentId: string, sources: ReadonlyArray<string>) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: getStatus(agentId, sources),
    getResults: getResults(agentId),
    streamResults
  })

/** What a caller needs: agents, who pass results on to pollers, may read and no more. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "read",
  getResults: "read",
  streamResults: "read"
})

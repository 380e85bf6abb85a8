/**
 * `monitoring.AgentService` of the sync service: what pollers and agents ask.
 *
 * Every peer gets the full list, as from the Go service: Go pollers always send `last_sequence` and forward whatever
 * comes. Only one that asks for it by metadata (`DeltaChunks`) gets the difference. Chunks are cut by bytes, not by a count of devices, and the next one is read when the peer has taken the last.
 * A source that serves an older run is no error here; it is named in `GetStatus`.
 */
import { Clock, Effect, Option, Stream } from "effect"
import { inventoryType } from "../../domain/monitoring/ServiceKinds.ts"
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
import * as GrpcMetadata from "../grpc/GrpcMetadata.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import * as MessageSize from "../grpc/MessageSize.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"
import * as DeltaChunks from "./DeltaChunks.ts"

const serviceType = inventoryType

/** Go's zero time, which the Go service gives before its first discovery. */
const noSequence = "-62135596800"

/** What the fields around the data may take. */
const envelopeBytes = 4_096

const unavailable = (error: SpoolError) => new Unavailable({ detail: error.message })

const nowSeconds = Effect.map(Clock.currentTimeMillis, (millis) => BigInt(Math.floor(millis / 1000)))

/** What the service says of itself; a configuration that is read again may change it. */
export interface Self {
  readonly agentId: string
  /** Names of those that are configured. */
  readonly sources: ReadonlyArray<string>
}

const getStatus = (self: Effect.Effect<Self>) =>
  Effect.fnUntraced(function*(request: StatusRequest) {
    const { agentId, sources } = yield* self
    const status = yield* Effect.mapError(SyncStatus.read(sources), unavailable)
    return {
      available: true,
      message: Buffer.from(JSON.stringify(status)),
      serviceName: request.serviceName,
      serviceType,
      responseTime: 0n,
      agentId,
      pollerId: ""
    }
  })

const sequenceOf = (open: Option.Option<OpenSet>): string =>
  Option.match(open, { onNone: () => noSequence, onSome: ({ set }) => String(set.sequence) })

const asksForDeltas = (metadata: GrpcMetadata.GrpcMetadata): boolean =>
  GrpcMetadata.text(metadata, DeltaChunks.metadataKey) === "1"

const tooLarge = (bytes: number, maxSendBytes: number) =>
  new ResourceExhausted({ detail: `the list has ${bytes} bytes, a message ${maxSendBytes}: ask StreamResults` })

/** JSON arrays as one. */
const joined = (arrays: ReadonlyArray<Uint8Array>): Buffer => {
  const parts: Array<Uint8Array> = []
  for (const array of arrays) {
    if (array.length > 2) parts.push(Buffer.from(parts.length === 0 ? "[" : ","), array.subarray(1, -1))
  }
  return Buffer.concat(parts.length === 0 ? [Buffer.from("[]")] : [...parts, Buffer.from("]")])
}

const isEmpty = ({ devices, retractions = 0 }: OpenSet["set"]): boolean => devices + retractions === 0

/** As one message, if it fits into one. */
const listOf = Effect.fnUntraced(function*(open: OpenSet, maxSendBytes: number) {
  const bytes = open.set.chunks.reduce((sum, length) => sum + length, 0)
  if (bytes + envelopeBytes > maxSendBytes) return yield* tooLarge(bytes, maxSendBytes)
  if (isEmpty(open.set)) return Buffer.from("null")
  return joined(yield* Effect.mapError(Effect.forEach(open.set.chunks.keys(), open.chunk), unavailable))
})

const deltaListOf = Effect.fnUntraced(function*(open: OpenSet, lastSequence: string, maxSendBytes: number) {
  const chunks = yield* Effect.mapError(DeltaChunks.make(open, lastSequence), unavailable)
  if (Option.isNone(chunks)) return yield* listOf(open, maxSendBytes)
  const parts: Array<Uint8Array> = []
  let bytes = 0
  yield* Stream.runForEach(Stream.mapError(chunks.value, unavailable), ({ data }) => {
    bytes += data.length
    parts.push(data)
    return bytes + envelopeBytes > maxSendBytes ? Effect.fail(tooLarge(bytes, maxSendBytes)) : Effect.void
  })
  return joined(parts)
})

const getResults =
  (self: Effect.Effect<Self>) =>
  (request: ResultsRequest, { metadata }: { readonly metadata: GrpcMetadata.GrpcMetadata }) =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* ResultsStore
      const { agentId } = yield* self
      const open = yield* Effect.mapError(store.open, unavailable)
      const { maxSendBytes } = yield* MessageSize.fromEnvironment
      return {
        available: true,
        data: Option.isNone(open)
          ? Buffer.from("null")
          : asksForDeltas(metadata)
          ? yield* deltaListOf(open.value, request.lastSequence, maxSendBytes)
          : yield* listOf(open.value, maxSendBytes),
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

/** How many they are is known with the last one only. */
const deltaChunksOf = (
  { set }: OpenSet,
  chunks: Stream.Stream<DeltaChunks.DeltaChunk, SpoolError>,
  timestamp: bigint
): Stream.Stream<ResultsChunk, SpoolError> =>
  Stream.zipWithIndex(chunks).pipe(
    Stream.rechunk(1),
    Stream.map(([{ data, isFinal }, chunkIndex]) => ({
      data,
      isFinal,
      chunkIndex,
      totalChunks: isFinal ? chunkIndex + 1 : 0,
      currentSequence: String(set.sequence),
      timestamp
    }))
  )

const nothingYet = (timestamp: bigint): Stream.Stream<ResultsChunk> =>
  Stream.succeed({
    data: Buffer.from("[]"),
    isFinal: true,
    chunkIndex: 0,
    totalChunks: 1,
    currentSequence: noSequence,
    timestamp
  })

const streamResults = (
  { lastSequence }: ResultsRequest,
  { metadata }: { readonly metadata: GrpcMetadata.GrpcMetadata }
) =>
  Stream.unwrap(Effect.gen(function*() {
    const store = yield* ResultsStore
    const open = yield* store.open
    const timestamp = yield* nowSeconds
    if (Option.isNone(open)) return nothingYet(timestamp)
    const delta = asksForDeltas(metadata) ? yield* DeltaChunks.make(open.value, lastSequence) : Option.none()
    return Option.isSome(delta) ? deltaChunksOf(open.value, delta.value, timestamp) : chunksOf(open.value, timestamp)
  })).pipe(Stream.mapError(unavailable))

export const make = (self: Effect.Effect<Self>) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: getStatus(self),
    getResults: getResults(self),
    streamResults
  })

/** What a caller needs: agents, who pass results on to pollers, may read and no more. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "read",
  getResults: "read",
  streamResults: "read"
})

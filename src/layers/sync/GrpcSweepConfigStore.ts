/** Agents' keys and objects through the data service of ServiceRadar. */
import { Duration, Effect, Layer, Option, Stream } from "effect"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import { DataServiceService, type ObjectInfo, type ObjectUploadChunk } from "../../gen/proto/data_service.ts"
import { KVServiceService } from "../../gen/proto/kv.ts"
import {
  NoObjectStore,
  type ObjectUpload,
  type StoredObject,
  SweepConfigStore,
  SweepConfigStoreError
} from "../../services/sync/SweepConfigStore.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"

export interface GrpcSweepConfigStoreOptions {
  readonly address: string
  readonly security: SecurityConfig
}

const unaryDeadline = Duration.seconds(10)

/** For each upload: large objects on slow lines take minutes, a server that is stuck takes for ever. */
const uploadDeadline = Duration.minutes(5)

const bytesPerMessage = 256 * 1024

const failed = (step: string, key: string) => (error: GrpcError) =>
  new SweepConfigStoreError({ step, key, detail: error.message })

const storedOf = ({ chunks, sha256, size }: ObjectInfo): StoredObject => ({
  bytes: Number(size),
  sha256,
  chunks: Number(chunks)
})

/** Pieces of exactly a message's size, but for the last: JavaScript keeps no more than one of them. */
const messagesOf = (upload: ObjectUpload) => {
  const total = Math.max(1, Math.ceil(upload.bytes / bytesPerMessage))
  return Stream.zipWithIndex(upload.content).pipe(
    Stream.map(([data, chunkIndex]): ObjectUploadChunk => ({
      metadata: chunkIndex > 0 ? undefined : {
        key: upload.key,
        domain: "",
        contentType: "application/json",
        compression: "",
        sha256: upload.sha256,
        totalSize: BigInt(upload.bytes),
        attributes: { agent_id: upload.agentId, service: "sweep" }
      },
      data: Buffer.from(data),
      chunkIndex,
      isFinal: chunkIndex === total - 1
    }))
  )
}

const make = Effect.fnUntraced(function*({ address, security }: GrpcSweepConfigStoreOptions) {
  const credentials = yield* GrpcCredentials.client(security, address)
  const channel = yield* GrpcChannel.make({ target: address, credentials, deadline: unaryDeadline })
  const keys = GrpcClient.fromChannel(KVServiceService, channel)
  const objects = GrpcClient.fromChannel(DataServiceService, channel)
  return SweepConfigStore.of({
    read: (key) =>
      keys.get({ key }).pipe(
        Effect.mapError(failed("reading", key)),
        Effect.map(({ found, value }) => found ? Option.some(value) : Option.none())
      ),
    put: (key, value) =>
      Effect.asVoid(Effect.mapError(
        keys.put({ key, value: Buffer.from(value), ttlSeconds: 0n }),
        failed("writing", key)
      )),
    stat: (key) =>
      objects.getObjectInfo({ key }).pipe(
        Effect.map(({ found, info }) => found ? Option.map(Option.fromUndefinedOr(info), storedOf) : Option.none()),
        Effect.catchTags({
          NotFound: () => Effect.succeedNone,
          Unimplemented: () => Effect.succeedNone
        }),
        Effect.mapError(failed("looking for", key))
      ),
    upload: (upload) =>
      objects.uploadObject(messagesOf(upload), { deadline: uploadDeadline }).pipe(
        Effect.flatMap(({ info }) =>
          info === undefined
            ? Effect.fail(
              new SweepConfigStoreError({ step: "uploading", key: upload.key, detail: "the answer says nothing of it" })
            )
            : Effect.succeed(storedOf(info))
        ),
        Effect.catchTags({
          Unimplemented: () => Effect.fail(new NoObjectStore())
        }),
        Effect.mapError((error) =>
          error._tag === "NoObjectStore" || error._tag === "SpoolError" || error._tag === "SweepConfigStoreError"
            ? error
            : failed("uploading", upload.key)(error)
        )
      ),
    removeObject: (key) =>
      objects.deleteObject({ key }).pipe(
        Effect.catchTag("NotFound", () => Effect.void),
        Effect.mapError(failed("removing", key)),
        Effect.asVoid
      )
  })
})

export const layer = (options: GrpcSweepConfigStoreOptions) => Layer.effect(SweepConfigStore, make(options))

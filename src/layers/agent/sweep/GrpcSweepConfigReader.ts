/** An agent's sweep config through the data service of ServiceRadar: its key as it changes, and the objects beside it. */
import { Effect, Layer, Option, Stream } from "effect"
import * as crypto from "node:crypto"
import type { SecurityConfig } from "../../../domain/security/SecurityConfig.ts"
import { DataServiceService } from "../../../gen/proto/data_service.ts"
import { KVServiceService } from "../../../gen/proto/kv.ts"
import {
  type Content,
  SweepConfigReader,
  SweepConfigUnavailable
} from "../../../services/agent/sweep/SweepConfigReader.ts"
import * as GrpcChannel from "../../grpc/GrpcChannel.ts"
import * as GrpcClient from "../../grpc/GrpcClient.ts"
import type { GrpcError } from "../../grpc/GrpcError.ts"
import * as GrpcCredentials from "../../security/GrpcCredentials.ts"

const readDeadline = "10 seconds"
const downloadDeadline = "2 minutes"
/** As sync writes them at most. */
const bytesMax = 192 * 1024 * 1024

const contentOf = (bytes: Uint8Array): Content => ({
  bytes,
  sha256: crypto.createHash("sha256").update(bytes).digest("hex")
})

/** A key that was removed has no value. */
const valueOf = (value: Uint8Array): Option.Option<Content> =>
  value.length === 0 ? Option.none() : Option.some(contentOf(value))

const make = Effect.fnUntraced(function*(
  { address, security }: { readonly address: string; readonly security: SecurityConfig }
) {
  const credentials = yield* GrpcCredentials.client(security, address)
  const channel = yield* GrpcChannel.make({ target: address, credentials })
  const keys = GrpcClient.fromChannel(KVServiceService, channel)
  const objects = GrpcClient.fromChannel(DataServiceService, channel)
  const unavailable = (key: string) => (error: GrpcError) => new SweepConfigUnavailable({ key, detail: error.message })

  return SweepConfigReader.of({
    values: (key) =>
      // The store says nothing of a key that is not there; nor do we, for there is nothing that was deleted.
      Stream.concat(
        Stream.fromEffect(keys.get({ key }, { deadline: readDeadline })).pipe(
          Stream.filter(({ found }) => found),
          Stream.map(({ value }) => valueOf(value))
        ),
        Stream.map(keys.watch({ key }), ({ value }) => valueOf(value))
      ).pipe(Stream.mapError(unavailable(key))),
    object: Effect.fnUntraced(function*(key) {
      const pieces: Array<Uint8Array> = []
      let bytes = 0
      yield* objects.downloadObject({ key }, { deadline: downloadDeadline }).pipe(
        Stream.mapError(unavailable(key)),
        Stream.runForEach(({ data }) => {
          bytes += data.length
          pieces.push(data)
          return bytes <= bytesMax
            ? Effect.void
            : Effect.fail(new SweepConfigUnavailable({ key, detail: `it has more than ${bytesMax} bytes` }))
        })
      )
      return contentOf(Buffer.concat(pieces))
    })
  })
})

export const layer = (options: { readonly address: string; readonly security: SecurityConfig }) =>
  Layer.effect(SweepConfigReader, make(options))

/** Configuration in the key-value store of ServiceRadar's data service. */
import { Effect, Layer, Option, Stream } from "effect"
import type { SecurityConfig } from "../../../domain/security/SecurityConfig.ts"
import { KVServiceService } from "../../../gen/proto/kv.ts"
import { ConfigOverlay, OverlayUnavailable } from "../../../services/command/ConfigOverlay.ts"
import * as GrpcChannel from "../../grpc/GrpcChannel.ts"
import * as GrpcClient from "../../grpc/GrpcClient.ts"
import type { GrpcError } from "../../grpc/GrpcError.ts"
import * as GrpcCredentials from "../../security/GrpcCredentials.ts"

export interface Options {
  readonly address: string
  readonly security: SecurityConfig
}

const readDeadline = "10 seconds"

/** A key that was removed has no value, and one without a value says nothing. */
const textOf = (value: Uint8Array): Option.Option<string> =>
  value.length === 0 ? Option.none() : Option.some(new TextDecoder().decode(value))

const make = Effect.fnUntraced(function*({ address, security }: Options) {
  const credentials = yield* GrpcCredentials.client(security, address)
  const channel = yield* GrpcChannel.make({ target: address, credentials })
  const client = GrpcClient.fromChannel(KVServiceService, channel)
  const unavailable = (key: string) => (error: GrpcError) =>
    new OverlayUnavailable({ address, key, detail: error.message })
  const read = (key: string) =>
    client.get({ key }, { deadline: readDeadline }).pipe(
      Effect.map(({ found, value }) => found ? textOf(value) : Option.none()),
      Effect.mapError(unavailable(key))
    )
  return ConfigOverlay.of({
    read,
    values: (key) =>
      // The store says nothing of a key that is not there.
      Stream.concat(
        Stream.fromEffect(read(key)),
        client.watch({ key }).pipe(
          Stream.map(({ value }) => textOf(value)),
          Stream.mapError(unavailable(key))
        )
      )
  })
})

export const layer = (options: Options) => Layer.effect(ConfigOverlay, make(options))

/**
 * Metadata (headers and trailers of a call) as plain values.
 *
 * Names are lower case. A name ending in `-bin` carries bytes, every other name printable ASCII text: gRPC refuses
 * anything else, so `toWire` can fail.
 */
import * as grpc from "@grpc/grpc-js"
import { Result, Schema } from "effect"

const Value = Schema.Union([Schema.String, Schema.Uint8Array])

export const GrpcMetadata = Schema.Record(Schema.String, Schema.Array(Value))

/** All values of each name, in the order of arrival. */
export type GrpcMetadata = typeof GrpcMetadata.Type

/** What a caller writes: one value or several per name. */
export type Input = Readonly<Record<string, string | Uint8Array | ReadonlyArray<string | Uint8Array>>>

/** The first text under `name`; bytes do not count. */
export const text = (metadata: GrpcMetadata, name: string): string | undefined =>
  metadata[name.toLowerCase()]?.find((value) => typeof value === "string")

const isSeveral = (value: Input[string]): value is ReadonlyArray<string | Uint8Array> => Array.isArray(value)

const add = (wire: grpc.Metadata, input: Input): grpc.Metadata => {
  for (const [name, given] of Object.entries(input)) {
    for (const value of isSeveral(given) ? given : [given]) {
      wire.add(name, typeof value === "string" ? value : Buffer.from(value))
    }
  }
  return wire
}

/** Fails with the reason when a name or value may not travel as metadata. */
export const toWire = (input: Input, options?: grpc.MetadataOptions): Result.Result<grpc.Metadata, string> =>
  Result.try({
    try: () => add(new grpc.Metadata(options), input),
    catch: (cause) => cause instanceof Error ? cause.message : String(cause)
  })

export const fromWire = (wire: grpc.Metadata): GrpcMetadata =>
  Object.fromEntries(Object.keys(wire.getMap()).map((name) => [name, wire.get(name)]))

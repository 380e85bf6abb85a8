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

/** Bytes of one `-bin` header: several values may be joined by commas. */
const bytesOf = (value: string): ReadonlyArray<Uint8Array> =>
  value.split(",").map((one) => Buffer.from(one.trim(), "base64"))

/**
 * From header names and values in turn, as they arrived on the wire, without those of HTTP/2 itself and those that
 * `isReserved` names. A name that comes several times is a list.
 */
export const fromRaw = (raw: ReadonlyArray<string>, isReserved: (name: string) => boolean): GrpcMetadata => {
  const metadata: Record<string, Array<string | Uint8Array>> = {}
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase()
    const value = raw[index + 1] ?? ""
    if (name.startsWith(":") || isReserved(name)) continue
    const values = Object.hasOwn(metadata, name) ? metadata[name] ?? [] : []
    if (name.endsWith("-bin")) values.push(...bytesOf(value))
    else values.push(value)
    Object.defineProperty(metadata, name, { value: values, enumerable: true, configurable: true, writable: true })
  }
  return metadata
}

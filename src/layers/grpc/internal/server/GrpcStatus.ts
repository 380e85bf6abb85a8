/**
 * How a call's end is written: status, detail and trailers, within what peers accept.
 *
 * Peers limit a header block to between 8 and 64 KiB and break the whole connection, other calls included, when one is
 * longer; so a long detail is cut, and trailers beyond the limit are left out.
 */
import { Result } from "effect"
import type { OutgoingHttpHeaders } from "node:http2"
import { type GrpcError, statusCode } from "../../GrpcError.ts"
import * as GrpcMetadata from "../../GrpcMetadata.ts"

/** Characters of `grpc-message` as sent. */
const detailLengthMax = 2048

/** Bytes of all trailers of a call as HTTP/2 counts them: name, value and 32 for each. */
const trailersBytesMax = 6144

const isPlain = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e && byte !== 0x25

/** No header begins or ends with a space: the whole detail would be lost on the way. */
const withoutEdges = (encoded: string): string => encoded.replace(/^ | $/g, "%20")

/** Percent-encoded bytes of UTF-8, as the protocol says; never cut inside a character. */
export const encodeDetail = (detail: string): string => {
  let encoded = ""
  for (const character of detail) {
    let one = ""
    for (const byte of Buffer.from(character)) {
      one += isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
    }
    if (encoded.length + one.length > detailLengthMax) {
      return withoutEdges(`${encoded}... (${detail.length} characters in all)`)
    }
    encoded += one
  }
  return withoutEdges(encoded)
}

const sizeOf = (headers: OutgoingHttpHeaders): number => {
  let bytes = 0
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) bytes += name.length + String(value).length + 32
  }
  return bytes
}

const none: OutgoingHttpHeaders = {}

const custom = (input: GrpcMetadata.Input): OutgoingHttpHeaders => {
  if (Object.keys(input).length === 0) return none
  const wire = GrpcMetadata.toWire(input)
  if (Result.isFailure(wire)) return {}
  const headers = wire.success.toHttp2Headers()
  return sizeOf(headers) > trailersBytesMax ? {} : headers
}

export const ok = (trailers: GrpcMetadata.Input): OutgoingHttpHeaders => ({ ...custom(trailers), "grpc-status": "0" })

export const failed = (error: GrpcError): OutgoingHttpHeaders => ({
  ...custom(error.trailers),
  "grpc-status": String(statusCode(error)),
  "grpc-message": encodeDetail(error.detail)
})

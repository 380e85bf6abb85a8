/**
 * A signature as metadata of a call.
 *
 * Each value has one spelling only: lower-case hexadecimal, whole decimal numbers, base64 that encodes back to itself.
 * Otherwise bits could change that no signature covers.
 */
import { Option, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import { MalformedMessage, nonceBytes, type SignedMessage } from "./SignedMessage.ts"

export const headers = {
  sender: "serviceradar-sender",
  timestamp: "serviceradar-timestamp",
  nonce: "serviceradar-nonce",
  signature: "serviceradar-signature",
  certificate: "serviceradar-certificate"
} as const

/** All that a signer says beside the message. */
export interface Envelope extends Omit<SignedMessage, "payload"> {
  /** As `encodeCertificates` has it. Decoded by whoever has not seen the text before. */
  readonly certificates: string
}

const keys = Object.values(headers)

/** Of RSA with 8,192 bits; the others are far shorter. */
const signatureBytesMax = 1_024
const certificateLengthMax = 16_384
const certificatesMax = 5

/** Names may hold any character, metadata printable ASCII alone. */
export const encodeSender = (sender: string): string => encodeURIComponent(sender.toWellFormed())

/** DER, the sender's first, then those between it and a root; at least one. */
export const encodeCertificates = (certificates: ReadonlyArray<Uint8Array>): string =>
  certificates.map((one) => Base64.encode(one)).join(" ")

export const encode = (envelope: Envelope): Record<string, string> => ({
  [headers.sender]: encodeSender(envelope.sender),
  [headers.timestamp]: String(envelope.timestampSeconds),
  [headers.nonce]: Hex.encode(envelope.nonce),
  [headers.signature]: Hex.encode(envelope.signature),
  [headers.certificate]: envelope.certificates
})

type Metadata = Readonly<Record<string, ReadonlyArray<string | Uint8Array>>>

export const isPresent = (metadata: Metadata): boolean => keys.some((key) => Object.hasOwn(metadata, key))

const malformed = (field: string, expectation: string) => Result.fail(new MalformedMessage({ field, expectation }))

const textOf = (metadata: Metadata, field: string): Result.Result<string, MalformedMessage> => {
  const values = Object.hasOwn(metadata, field) ? metadata[field] ?? [] : []
  const [value] = values
  return values.length === 1 && typeof value === "string" ? Result.succeed(value) : malformed(field, "given once")
}

const hexOf = (field: string, text: string, bytesMax: number): Result.Result<Uint8Array, MalformedMessage> => {
  const isHex = /^(?:[0-9a-f]{2})+$/.test(text) && text.length <= 2 * bytesMax
  return isHex
    ? Result.mapError(
      Hex.decode(text),
      () => new MalformedMessage({ field, expectation: "hexadecimal" })
    )
    : malformed(field, `lower-case hexadecimal of at most ${bytesMax} bytes`)
}

export const decodeCertificates = (
  text: string
): Result.Result<ReadonlyArray<Uint8Array>, MalformedMessage> => {
  const expectation = `at most ${certificatesMax} certificates, each DER in base64, a space between them`
  const parts = text.length > certificateLengthMax ? [] : text.split(" ")
  if (parts.length === 0 || parts.length > certificatesMax) return malformed(headers.certificate, expectation)
  const decoded = parts.flatMap((part) => {
    const bytes = Option.getOrUndefined(Result.getSuccess(Base64.decode(part)))
    return bytes === undefined || bytes.length === 0 || Base64.encode(bytes) !== part ? [] : [bytes]
  })
  return decoded.length === parts.length ? Result.succeed(decoded) : malformed(headers.certificate, expectation)
}

const senderOf = (text: string): Result.Result<string, MalformedMessage> => {
  const sender = Result.getOrElse(Result.try(() => decodeURIComponent(text)), () => "")
  return sender !== "" && encodeSender(sender) === text
    ? Result.succeed(sender)
    : malformed(headers.sender, "a percent-encoded common name or SPIFFE id")
}

const timestampOf = (text: string): Result.Result<number, MalformedMessage> =>
  /^(?:0|[1-9]\d{0,14})$/.test(text)
    ? Result.succeed(Number(text))
    : malformed(headers.timestamp, "a whole number of seconds since the epoch")

export const decode = (metadata: Metadata): Result.Result<Envelope, MalformedMessage> =>
  Result.gen(function*() {
    const sender = yield* senderOf(yield* textOf(metadata, headers.sender))
    const timestampSeconds = yield* timestampOf(yield* textOf(metadata, headers.timestamp))
    const nonce = yield* hexOf(headers.nonce, yield* textOf(metadata, headers.nonce), nonceBytes)
    const signature = yield* hexOf(
      headers.signature,
      yield* textOf(metadata, headers.signature),
      signatureBytesMax
    )
    return { sender, timestampSeconds, nonce, signature, certificates: yield* textOf(metadata, headers.certificate) }
  })

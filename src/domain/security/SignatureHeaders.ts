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

/** Reads a field that is given once; `read` answers undefined for what is not spelled so. */
const fieldOf = <A>(
  metadata: Metadata,
  field: string,
  expectation: string,
  read: (text: string) => A | undefined
): Result.Result<A, MalformedMessage> => {
  const values = Object.hasOwn(metadata, field) ? metadata[field] ?? [] : []
  const [value] = values
  if (values.length !== 1 || typeof value !== "string") return malformed(field, "given once")
  const found = read(value)
  return found === undefined ? malformed(field, expectation) : Result.succeed(found)
}

const digitOf = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  return code >= 97 && code <= 102 ? code - 87 : -1
}

/** One pass, because this runs for each signed call: `Hex.decode` also takes upper case, and four times as long. */
const hexOf = (bytesMax: number) => (text: string): Uint8Array | undefined => {
  const length = text.length / 2
  if (!Number.isInteger(length) || length === 0 || length > bytesMax) return undefined
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) {
    const high = digitOf(text.charCodeAt(2 * index))
    const low = digitOf(text.charCodeAt(2 * index + 1))
    if (high < 0 || low < 0) return undefined
    bytes[index] = high * 16 + low
  }
  return bytes
}

const nonceOf = hexOf(nonceBytes)
const signatureOf = hexOf(signatureBytesMax)

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

const senderOf = (text: string): string | undefined => {
  const sender = Result.getOrElse(Result.try(() => decodeURIComponent(text)), () => "")
  return sender !== "" && encodeSender(sender) === text ? sender : undefined
}

const timestampOf = (text: string): number | undefined => /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined

const hexadecimal = (bytesMax: number): string => `lower-case hexadecimal of at most ${bytesMax} bytes`

export const decode = (metadata: Metadata): Result.Result<Envelope, MalformedMessage> =>
  Result.all({
    sender: fieldOf(metadata, headers.sender, "a percent-encoded common name or SPIFFE id", senderOf),
    timestampSeconds: fieldOf(
      metadata,
      headers.timestamp,
      "a whole number of seconds since the epoch",
      timestampOf
    ),
    nonce: fieldOf(metadata, headers.nonce, hexadecimal(nonceBytes), nonceOf),
    signature: fieldOf(metadata, headers.signature, hexadecimal(signatureBytesMax), signatureOf),
    certificates: fieldOf(metadata, headers.certificate, "", (text) => text)
  })

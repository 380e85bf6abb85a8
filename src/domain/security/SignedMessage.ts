/**
 * A message that says who sent it, when, and that it was not changed.
 *
 * The signature covers payload, timestamp and nonce in a canonical encoding, and who sent it: without the sender, a
 * message could be passed off as that of another holder of the same key. Checks have an order, each with an error of its
 * own: time, nonce, signature, permission, rate. The later ones cost more, and only a message whose signature is valid is
 * remembered: whoever forges must not be able to fill the memory or to spend a nonce of somebody else.
 */
import { Result, Schema } from "effect"
import * as Hex from "effect/encoding/Hex"
import { ByteWriter } from "./ByteWriter.ts"
import type { NonceMemory } from "./NonceMemory.ts"

export interface SignedMessage {
  readonly payload: Uint8Array
  readonly sender: string
  /** Seconds since the epoch. */
  readonly timestampSeconds: number
  readonly nonce: Uint8Array
  readonly signature: Uint8Array
}

export const nonceBytes = 16

export interface TimePolicy {
  readonly ageMaxSeconds: number
  /** How far the sender's clock may be ahead. */
  readonly skewMaxSeconds: number
}

/** The design allows no skew; 5 s is what two machines with a time service need. */
export const timePolicyDefault: TimePolicy = { ageMaxSeconds: 300, skewMaxSeconds: 5 }

const timing = {
  sender: Schema.String,
  timestampSeconds: Schema.Number,
  nowSeconds: Schema.Number
}

export class FromTheFuture extends Schema.TaggedError<FromTheFuture>()("FromTheFuture", timing) {
  override get message(): string {
    return `message of ${this.sender} is from the future: ${this.timestampSeconds}, and it is ${this.nowSeconds}`
  }
}

export class TooOld extends Schema.TaggedError<TooOld>()("TooOld", { ...timing, ageMaxSeconds: Schema.Number }) {
  override get message(): string {
    return `message of ${this.sender} is older than ${this.ageMaxSeconds} s: ${this.timestampSeconds}, and it is ${this.nowSeconds}`
  }
}

export class Replayed extends Schema.TaggedError<Replayed>()("Replayed", { sender: Schema.String }) {
  override get message(): string {
    return `message of ${this.sender} was received before`
  }
}

/** Not what any signer makes: a field is missing or of the wrong size. */
export class MalformedMessage extends Schema.TaggedError<MalformedMessage>()("MalformedMessage", {
  field: Schema.String,
  expectation: Schema.String
}) {
  override get message(): string {
    return `signed message: ${this.field} is not ${this.expectation}`
  }
}

export class InvalidSignature extends Schema.TaggedError<InvalidSignature>()("InvalidSignature", {
  sender: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `signature of ${this.sender} is not valid: ${this.reason}`
  }
}

/** The peer must sign and has not. */
export class NotSigned extends Schema.TaggedError<NotSigned>()("NotSigned", { sender: Schema.String }) {
  override get message(): string {
    return `${this.sender} must sign its calls, and this one has no signature`
  }
}

export type SignatureError = MalformedMessage | FromTheFuture | TooOld | Replayed | InvalidSignature | NotSigned

const version = new TextEncoder().encode("serviceradar-signed-message-1")
const timestampBytes = 8

/**
 * The bytes that are signed: each part with its length in front, so that no two messages have the same encoding. Valid
 * until `writer` is started again.
 */
export const canonical = (message: Omit<SignedMessage, "signature">, writer = new ByteWriter()): Uint8Array => {
  const { nonce, payload, sender, timestampSeconds } = message
  return writer.start()
    .part(version)
    .text(sender)
    .uint32(timestampBytes)
    // 64 bits in halves: a bigint would cost more than the whole encoding.
    .uint32(Math.floor(timestampSeconds / 0x1_0000_0000))
    .uint32(timestampSeconds)
    .part(nonce)
    .part(payload)
    .written()
}

/** The second check: too old is also what may have been received and forgotten since. */
export const checkNonce = (
  { nonce, sender, timestampSeconds }: Pick<SignedMessage, "nonce" | "sender" | "timestampSeconds">,
  memory: NonceMemory,
  nowSeconds: number
): Result.Result<void, TooOld | Replayed> => {
  const forgottenSeconds = memory.forgottenSeconds(sender)
  if (timestampSeconds <= forgottenSeconds) {
    const ageMaxSeconds = Math.max(0, nowSeconds - forgottenSeconds)
    return Result.fail(new TooOld({ sender, timestampSeconds, nowSeconds, ageMaxSeconds }))
  }
  return memory.isSeen(sender, Hex.encode(nonce), timestampSeconds)
    ? Result.fail(new Replayed({ sender }))
    : Result.void
}

/** After the signature was found valid. */
export const remember = (
  { nonce, sender, timestampSeconds }: Pick<SignedMessage, "nonce" | "sender" | "timestampSeconds">,
  memory: NonceMemory,
  nowSeconds: number
): Result.Result<void, Replayed> =>
  memory.remember(sender, Hex.encode(nonce), timestampSeconds, nowSeconds)
    ? Result.void
    : Result.fail(new Replayed({ sender }))

/** The first check: of the form, and of the time. */
export const checkTime = (
  message: Pick<SignedMessage, "nonce" | "sender" | "timestampSeconds">,
  nowSeconds: number,
  policy: TimePolicy = timePolicyDefault
): Result.Result<void, MalformedMessage | FromTheFuture | TooOld> => {
  const { nonce, sender, timestampSeconds } = message
  if (sender === "") return Result.fail(new MalformedMessage({ field: "sender", expectation: "a common name" }))
  if (nonce.length !== nonceBytes) {
    return Result.fail(new MalformedMessage({ field: "nonce", expectation: `${nonceBytes} bytes` }))
  }
  if (!Number.isSafeInteger(timestampSeconds)) {
    return Result.fail(new MalformedMessage({ field: "timestamp", expectation: "a whole number of seconds" }))
  }
  if (timestampSeconds > nowSeconds + policy.skewMaxSeconds) {
    return Result.fail(new FromTheFuture({ sender, timestampSeconds, nowSeconds }))
  }
  const { ageMaxSeconds } = policy
  return nowSeconds - timestampSeconds > ageMaxSeconds
    ? Result.fail(new TooOld({ sender, timestampSeconds, nowSeconds, ageMaxSeconds }))
    : Result.void
}

/**
 * A call's signature at both ends: the headers that its sender adds, and what the receiver makes of them.
 *
 * Both run once per call, beside 60 µs that Ed25519 itself takes: no generators here, and nothing is copied twice.
 */
import { Result } from "effect"
import { ByteWriter } from "../../../domain/security/ByteWriter.ts"
import type { NonceMemory } from "../../../domain/security/NonceMemory.ts"
import * as SignatureHeaders from "../../../domain/security/SignatureHeaders.ts"
import * as SignedCall from "../../../domain/security/SignedCall.ts"
import * as SignedMessage from "../../../domain/security/SignedMessage.ts"
import * as MessageSigner from "./MessageSigner.ts"

/** Of one call at a time: nothing here waits. */
const payloadBytes = new ByteWriter()

type Call = Omit<SignedCall.SignedCall, "certificateDigest">

export const sign = (signer: MessageSigner.Signer, call: Call, nowSeconds: number): Record<string, string> => {
  const { certificateDigest, certificates } = signer
  const { method, request } = call
  const { nonce, sender, signature, timestampSeconds } = signer.sign(
    SignedCall.payload({ method, certificateDigest, request }, payloadBytes),
    nowSeconds
  )
  return SignatureHeaders.encode({ sender, timestampSeconds, nonce, signature, certificates })
}

/** What one receiver knows and asks. */
export interface Receiver {
  readonly nonces: NonceMemory
  readonly senders: MessageSigner.SenderBook
  readonly time: SignedMessage.TimePolicy
}

export interface ReceivedCall extends Call {
  readonly metadata: Parameters<typeof SignatureHeaders.decode>[0]
  /** Whose connection it came over. */
  readonly peer: string
}

/** In the documented order: time, nonce, signature. */
export const verify = (
  { nonces, senders, time }: Receiver,
  { metadata, method, peer, request }: ReceivedCall,
  nowMillis: number
): Result.Result<void, SignedMessage.SignatureError> => {
  const nowSeconds = Math.floor(nowMillis / 1_000)
  const decoded = SignatureHeaders.decode(metadata)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const envelope = decoded.success
  const { certificates, nonce, sender, signature, timestampSeconds } = envelope
  const timely = SignedMessage.checkTime(envelope, nowSeconds, time)
  if (Result.isFailure(timely)) return timely
  const unseen = SignedMessage.checkNonce(envelope, nonces, nowSeconds)
  if (Result.isFailure(unseen)) return unseen
  const known = senders.find(certificates)
  if (Result.isFailure(known)) {
    return Result.fail(new SignedMessage.InvalidSignature({ sender, reason: known.failure }))
  }
  const { certificateDigest } = known.success
  const payload = SignedCall.payload({ method, certificateDigest, request }, payloadBytes)
  const message = { payload, sender, timestampSeconds, nonce, signature }
  const checked = MessageSigner.checkSignature(message, known.success, peer, nowMillis)
  return Result.isFailure(checked) ? checked : SignedMessage.remember(envelope, nonces, nowSeconds)
}

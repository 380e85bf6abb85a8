/**
 * Signatures of gRPC calls, as metadata: peers that do not sign, or do not look, never notice.
 *
 * The signing end signs each attempt anew, the last thing before it goes out. The other end checks in the order of
 * `SignedMessage`, before permission and rate. What it refuses ends with `Unauthenticated`, and the trailer
 * `serviceradar-signature-error` names the check that was not passed.
 */
import { Clock, Effect, Option, Result, Stream } from "effect"
import * as CertificateIdentity from "../../../domain/security/CertificateIdentity.ts"
import * as NonceMemory from "../../../domain/security/NonceMemory.ts"
import type { Mtls, Spiffe } from "../../../domain/security/SecurityConfig.ts"
import * as SecurityEvent from "../../../domain/security/SecurityEvent.ts"
import * as SignatureHeaders from "../../../domain/security/SignatureHeaders.ts"
import * as SignedMessage from "../../../domain/security/SignedMessage.ts"
import * as SigningPolicy from "../../../domain/security/SigningPolicy.ts"
import * as TokenBucket from "../../../domain/security/TokenBucket.ts"
import type { CredentialSet, CredentialSource } from "../../../services/security/Credentials.ts"
import type { SecurityMonitor } from "../../../services/security/SecurityMonitor.ts"
import type { CallOptions } from "../../grpc/GrpcCallOptions.ts"
import { type GrpcError, Internal, Unauthenticated, Unavailable } from "../../grpc/GrpcError.ts"
import type { ClientInterceptor, OutgoingCall } from "../../grpc/GrpcInterceptor.ts"
import type { ServerInterceptor } from "../../grpc/GrpcServer.ts"
import * as PeerCertificate from "../PeerCertificate.ts"
import * as PeerRules from "../PeerRules.ts"
import * as CallSignature from "./CallSignature.ts"
import * as MessageSigner from "./MessageSigner.ts"

const errorTrailer = "serviceradar-signature-error"

const signed = (source: CredentialSource, call: OutgoingCall): Effect.Effect<CallOptions, GrpcError> =>
  Effect.flatMap(Clock.currentTimeMillis, (nowMillis): Effect.Effect<CallOptions, GrpcError> => {
    const { method, target: peer } = call
    const set = source.current()
    if (Option.isNone(set)) return Effect.fail(new Unavailable({ method, peer, detail: source.trouble() }))
    const options = Result.gen(function*() {
      const signer = yield* MessageSigner.signerOf(set.value)
      const request = yield* Result.try({
        try: () => Option.getOrUndefined(Option.map(call.request, (bytes) => bytes())),
        catch: () => "the request cannot be written as the method's message"
      })
      const headers = CallSignature.sign(signer, { method, request }, Math.floor(nowMillis / 1_000))
      return { ...call.options, metadata: { ...call.options.metadata, ...headers } }
    })
    return Effect.fromResult(
      Result.mapError(
        options,
        (reason) => new Internal({ method, peer, detail: `the call cannot be signed: ${reason}` })
      )
    )
  })

/** Signs every call with the certificate of the moment. */
export const client = (source: CredentialSource): ClientInterceptor => ({
  effect: (call, next) => Effect.flatMap(signed(source, call), next),
  stream: (call, next) => Stream.unwrap(Effect.map(signed(source, call), next))
})

export interface ServerOptions {
  readonly security: Mtls | Spiffe
  readonly source: CredentialSource
  readonly monitor: SecurityMonitor["Service"]
  /** `open`: nobody need sign. */
  readonly kindOf: (method: string) => "open" | "single" | "stream"
}

type ServerCall = Parameters<ServerInterceptor>[0]

/** For one server: nonces and certificates that were seen. */
class Verifier {
  readonly #options: ServerOptions
  readonly #policy: SigningPolicy.SigningPolicy
  readonly #nonces: NonceMemory.NonceMemory
  #book: { readonly set: CredentialSet; readonly senders: MessageSigner.SenderBook } | undefined

  constructor(options: ServerOptions) {
    const policy = options.security.peers.signing
    this.#options = options
    this.#policy = policy
    this.#nonces = NonceMemory.make({ countMax: policy.noncesMax, ageMaxSeconds: policy.time.ageMaxSeconds })
  }

  /** What is asked of this peer for this call. */
  verificationOf(peer: string, call: ServerCall): "skip" | "verify" | "missing" {
    const verification = SigningPolicy.verificationOf(this.#policy, peer)
    if (verification === "off" || this.#options.kindOf(call.method) === "open") return "skip"
    if (SignatureHeaders.isPresent(call.metadata)) return "verify"
    return verification === "require" ? "missing" : "skip"
  }

  verify(
    peer: string,
    { metadata, method }: ServerCall,
    request: Uint8Array | undefined,
    nowMillis: number
  ): Result.Result<void, SignedMessage.SignatureError> {
    const receiver = { nonces: this.#nonces, senders: this.#senders(), time: this.#policy.time }
    return CallSignature.verify(receiver, { metadata, method, peer, request }, nowMillis)
  }

  #senders(): MessageSigner.SenderBook {
    const { security, source } = this.#options
    const set = source.current()
    if (Option.isNone(set)) return new MessageSigner.SenderBook("")
    if (this.#book?.set !== set.value) {
      const roots = PeerRules.rootsOfClients(security, set.value)
      this.#book = { set: set.value, senders: new MessageSigner.SenderBook(roots) }
    }
    return this.#book.senders
  }
}

/** Events of refused signatures: the log must not be in anybody's hand. */
const eventRate: TokenBucket.TokenBucketOptions = { perSecond: 10, burst: 100 }

const nameOf = (call: ServerCall): string =>
  Option.match(call.peerCertificate, {
    onNone: () => "",
    onSome: (certificate) => CertificateIdentity.nameOf(PeerCertificate.identityOf(certificate))
  })

export const server = (options: ServerOptions): ServerInterceptor => {
  const verifier = new Verifier(options)
  const events = TokenBucket.make(eventRate)

  const refuse = Effect.fnUntraced(
    function*(sender: string, error: SignedMessage.SignatureError, nowMillis: number) {
      if (events.take(nowMillis)) {
        yield* options.monitor.record(
          SecurityEvent.SignatureInvalid.make({ sender, error: error._tag, reason: error.message })
        )
      }
      return yield* new Unauthenticated({ detail: error.message, trailers: { [errorTrailer]: [error._tag] } })
    }
  )

  return (call, handle) =>
    Effect.gen(function*() {
      const peer = nameOf(call)
      const verification = verifier.verificationOf(peer, call)
      if (verification === "skip") return yield* handle
      const nowMillis = yield* Clock.currentTimeMillis
      if (verification === "missing") {
        return yield* refuse(peer, new SignedMessage.NotSigned({ sender: peer }), nowMillis)
      }
      const request = options.kindOf(call.method) === "single"
        ? Option.getOrUndefined(yield* call.firstRequest)
        : undefined
      const verified = verifier.verify(peer, call, request, nowMillis)
      if (Result.isFailure(verified)) return yield* refuse(peer, verified.failure, nowMillis)
      return yield* handle
    })
}

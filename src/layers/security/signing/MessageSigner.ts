/**
 * Signs with the key of our certificate, and verifies with the keys of certificates that chain to our roots.
 *
 * Ed25519; ECDSA on P-256 with SHA-256, as two numbers of fixed size, because DER has several forms for one signature;
 * RSA-PSS with SHA-256. Certificates are judged once and known by their text from then on, as long as our own set, and
 * with it the roots, is the same.
 */
import { Effect, Option, Redacted, Result } from "effect"
import * as crypto from "node:crypto"
import { ByteWriter } from "../../../domain/security/ByteWriter.ts"
import * as CertificateExpiry from "../../../domain/security/CertificateExpiry.ts"
import * as CertificateIdentity from "../../../domain/security/CertificateIdentity.ts"
import * as SignatureHeaders from "../../../domain/security/SignatureHeaders.ts"
import * as SignedMessage from "../../../domain/security/SignedMessage.ts"
import { CredentialsError, type CredentialSet, type CredentialSource } from "../../../services/security/Credentials.ts"
import * as CertificateSet from "../CertificateSet.ts"
import * as PeerCertificate from "../PeerCertificate.ts"
import * as Ed25519 from "./Ed25519.ts"

/** How keys of one type sign and verify. */
type Algorithm = Pick<Ed25519.Ed25519, "signWith" | "verifyWith">

const withSha256 = (options: Omit<crypto.SigningOptions, "key">): Algorithm => ({
  signWith: (key) => (bytes) => crypto.sign("sha256", bytes, { ...options, key }),
  verifyWith: (key) => (bytes, signature) => crypto.verify("sha256", bytes, { ...options, key }, signature)
})

const ecdsa = withSha256({ dsaEncoding: "ieee-p1363" })
const rsa = withSha256({
  padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
  saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST
})

const algorithmOf = (key: crypto.KeyObject): Result.Result<Algorithm, string> => {
  const curve = key.asymmetricKeyDetails?.namedCurve
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return Result.succeed(Ed25519.best())
    case "rsa":
      return Result.succeed(rsa)
    case "ec":
      if (curve === "prime256v1") return Result.succeed(ecdsa)
      return Result.fail(`a key on the curve ${curve} signs no messages; Ed25519, EC P-256 and RSA do`)
    default:
      return Result.fail(`a key of type ${key.asymmetricKeyType} signs no messages; Ed25519, EC P-256 and RSA do`)
  }
}

export interface Signer {
  readonly sender: string
  /** As it travels. */
  readonly certificates: string
  /** SHA-256 of `certificates`. */
  readonly certificateDigest: Uint8Array
  readonly sign: (payload: Uint8Array, nowSeconds: number) => SignedMessage.SignedMessage
}

const digestOf = (text: string): Uint8Array => crypto.createHash("sha256").update(text).digest()

/** Random bytes in stock: asking for 16 at a time costs more than all the rest of a message but the signature. */
const nonceStock = new Uint8Array(256 * SignedMessage.nonceBytes)
let nonceAt = nonceStock.length

const newNonce = (): Uint8Array => {
  if (nonceAt === nonceStock.length) {
    crypto.randomFillSync(nonceStock)
    nonceAt = 0
  }
  const from = nonceAt
  nonceAt += SignedMessage.nonceBytes
  return nonceStock.slice(from, nonceAt)
}

/** Of one message at a time: signing and verifying take what they need before they return. */
const canonicalBytes = new ByteWriter()

const makeSigner = (set: CredentialSet): Result.Result<Signer, string> =>
  Result.gen(function*() {
    const privateKey = crypto.createPrivateKey(Redacted.value(set.key))
    const sign = (yield* algorithmOf(privateKey)).signWith(privateKey)
    const found = yield* Result.mapError(
      CertificateSet.certificates({ file: "", text: set.cert }),
      ({ message }) => message
    )
    const certificates = SignatureHeaders.encodeCertificates(found.map(({ raw }) => raw))
    const sender = CertificateIdentity.nameOf(set.identity)
    return {
      sender,
      certificates,
      certificateDigest: digestOf(certificates),
      sign: (payload, nowSeconds) => {
        const message = {
          payload,
          sender,
          timestampSeconds: nowSeconds,
          nonce: newNonce()
        }
        return { ...message, signature: sign(SignedMessage.canonical(message, canonicalBytes)) }
      }
    }
  })

const signers = new WeakMap<CredentialSet, Result.Result<Signer, string>>()

/** Fails with why the key of the set cannot sign. */
export const signerOf = (set: CredentialSet): Result.Result<Signer, string> => {
  const known = signers.get(set)
  if (known !== undefined) return known
  const made = makeSigner(set)
  signers.set(set, made)
  return made
}

/** Said when credentials are opened, not at the first call. Where there is no set yet there is nothing to say. */
export const checkKey = (source: CredentialSource): Effect.Effect<void, CredentialsError> =>
  Option.match(source.current(), {
    onNone: () => Effect.void,
    onSome: (set) =>
      Effect.asVoid(Effect.fromResult(
        Result.mapError(signerOf(set), (reason) => new CredentialsError({ file: "", reason: `signing: ${reason}` }))
      ))
  })

/** Whose key a certificate text is, as far as the roots say. */
export interface KnownSender {
  readonly name: string
  readonly validity: CertificateExpiry.Validity
  readonly certificateDigest: Uint8Array
  readonly verify: (message: SignedMessage.SignedMessage) => boolean
}

/** A fleet renews its certificates now and then; more texts than this are forgotten oldest first. */
const sendersMax = 2_000

/** Judges certificates by roots in PEM. */
export class SenderBook {
  readonly #roots: ReadonlyArray<crypto.X509Certificate>
  readonly #known = new Map<string, KnownSender>()

  constructor(roots: string) {
    this.#roots = Result.getOrElse(CertificateSet.certificates({ file: "", text: roots }), () => [])
  }

  /** Fails with what is wrong with the certificates. */
  find(text: string): Result.Result<KnownSender, string> {
    const known = this.#known.get(text)
    if (known !== undefined) return Result.succeed(known)
    const found = this.#judge(text)
    if (Result.isSuccess(found)) {
      if (this.#known.size >= sendersMax) {
        const [oldest] = this.#known.keys()
        if (oldest !== undefined) this.#known.delete(oldest)
      }
      this.#known.set(text, found.success)
    }
    return found
  }

  #judge(text: string): Result.Result<KnownSender, string> {
    const roots = this.#roots
    return Result.gen(function*() {
      const raw = yield* Result.mapError(SignatureHeaders.decodeCertificates(text), ({ message }) => message)
      const presented = yield* Result.try({
        try: () => raw.map((one) => new crypto.X509Certificate(one)),
        catch: () => "its certificate does not parse"
      })
      const chain = Option.getOrUndefined(CertificateSet.chainTo(presented, roots))
      const [leaf] = presented
      if (chain === undefined || leaf === undefined) {
        return yield* Result.fail("its certificate does not chain to a root that is known here")
      }
      const { publicKey } = leaf
      const verify = (yield* algorithmOf(publicKey)).verifyWith(publicKey)
      return {
        name: CertificateIdentity.nameOf(PeerCertificate.identityOfX509(leaf)),
        validity: CertificateSet.shortest(chain),
        certificateDigest: digestOf(text),
        verify: (message: SignedMessage.SignedMessage) =>
          verify(SignedMessage.canonical(message, canonicalBytes), message.signature)
      }
    })
  }
}

/** `peer` is who the connection is with: nobody may pass on what another has signed. */
export const checkSignature = (
  message: SignedMessage.SignedMessage,
  known: KnownSender,
  peer: string,
  nowMillis: number
): Result.Result<void, SignedMessage.InvalidSignature> => {
  const { sender } = message
  const invalid = (reason: string) => Result.fail(new SignedMessage.InvalidSignature({ sender, reason }))
  if (known.name !== sender) return invalid(`its certificate names ${known.name}`)
  if (sender !== peer) return invalid(`it came over the connection of ${peer}`)
  if (CertificateExpiry.isExpired(known.validity, nowMillis)) return invalid("its certificate has expired")
  if (CertificateExpiry.isNotYetValid(known.validity, nowMillis)) return invalid("its certificate is not valid yet")
  return known.verify(message) ? Result.void : invalid("it does not fit the message")
}

/**
 * Ed25519 with libsodium where the optional package `sodium-native` can be loaded, which takes two fifths of the
 * processor time; otherwise with `node:crypto`. Signatures are the same bytes (RFC 8032 leaves no choice).
 *
 * libsodium refuses more: keys and first halves of signatures that are of small order or not in their one canonical
 * form. No signer makes such; OpenSSL 3.0 lets some through, which fit many messages at once.
 */
import { Option, Result, Schema } from "effect"
import * as crypto from "node:crypto"
import { createRequire } from "node:module"

export interface Ed25519 {
  readonly name: "libsodium" | "node:crypto"
  readonly signWith: (privateKey: crypto.KeyObject) => (bytes: Uint8Array) => Uint8Array
  readonly verifyWith: (publicKey: crypto.KeyObject) => (bytes: Uint8Array, signature: Uint8Array) => boolean
}

/** A key is passed as it is: wrapped in an object of options it costs 20 µs more. */
export const node: Ed25519 = {
  name: "node:crypto",
  signWith: (privateKey) => (bytes) => crypto.sign(null, bytes, privateKey),
  verifyWith: (publicKey) => (bytes, signature) => crypto.verify(null, bytes, publicKey, signature)
}

type SignDetached = (signature: Uint8Array, bytes: Uint8Array, secretKey: Uint8Array) => void
type VerifyDetached = (signature: Uint8Array, bytes: Uint8Array, publicKey: Uint8Array) => boolean

const isFunction = (value: unknown): boolean => typeof value === "function"

/** What is used of `sodium-native`. */
const Sodium = Schema.Struct({
  crypto_sign_detached: Schema.declare((value): value is SignDetached => isFunction(value)),
  crypto_sign_verify_detached: Schema.declare((value): value is VerifyDetached => isFunction(value))
})

/** As JSON Web Key has it (RFC 8037): `d` the seed, `x` the point, each 32 bytes. */
const bytesOf = (text: string | undefined): Uint8Array => Buffer.from(text ?? "", "base64url")

const signatureBytes = 64

const withSodium = ({ crypto_sign_detached, crypto_sign_verify_detached }: typeof Sodium.Type): Ed25519 => ({
  name: "libsodium",
  signWith: (privateKey) => {
    const { d, x } = privateKey.export({ format: "jwk" })
    const secretKey = Buffer.concat([bytesOf(d), bytesOf(x)])
    return (bytes) => {
      const signature = new Uint8Array(signatureBytes)
      crypto_sign_detached(signature, bytes, secretKey)
      return signature
    }
  },
  verifyWith: (publicKey) => {
    const point = bytesOf(publicKey.export({ format: "jwk" }).x)
    return (bytes, signature) =>
      signature.length === signatureBytes && crypto_sign_verify_detached(signature, bytes, point)
  }
})

/** Whether it signs as `node:crypto` does, and says no to what was changed. */
const isSound = (ed25519: Ed25519): boolean => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ed25519")
  const bytes = crypto.randomBytes(signatureBytes)
  const signature = ed25519.signWith(privateKey)(bytes)
  const verify = ed25519.verifyWith(publicKey)
  if (!verify(bytes, signature) || !node.verifyWith(publicKey)(bytes, signature)) return false
  signature.set([(signature[0] ?? 0) ^ 1])
  return !verify(bytes, signature)
}

/** None where the package is not installed, has no binary for this machine, or does not do what it should. */
export const libsodium = (packageName = "sodium-native"): Option.Option<Ed25519> =>
  Result.getSuccess(Result.try((): unknown => createRequire(import.meta.url)(packageName))).pipe(
    Option.flatMap(Schema.decodeUnknownOption(Sodium)),
    Option.map(withSodium),
    Option.filter((ed25519) => Result.getOrElse(Result.try(() => isSound(ed25519)), () => false))
  )

let decided: Ed25519 | undefined

/** Decided once, when the first key is there: programs that sign nothing load nothing. */
export const best = (): Ed25519 => decided ??= Option.getOrElse(libsodium(), () => node)

/**
 * Issues certificates of a development CA, and the CA's own.
 *
 * Keys are EC P-256. A service's certificate may serve and dial (both extended key usages) and names the service by DNS
 * name and address; a workload's has a SPIFFE id. Not for production: the key of the CA lies in a file beside the others.
 */
import * as crypto from "node:crypto"
import * as net from "node:net"
import type { Validity } from "../../domain/security/CertificateExpiry.ts"
import * as Der from "./Der.ts"

export interface KeyPair {
  readonly publicKey: crypto.KeyObject
  readonly privateKey: crypto.KeyObject
}

export interface Issuer {
  /** DER of the issuer's name. */
  readonly name: Uint8Array
  readonly keys: KeyPair
}

export interface Subject {
  readonly commonName: string
  readonly dnsNames?: ReadonlyArray<string>
  readonly addresses?: ReadonlyArray<string>
  readonly spiffeId?: string
}

const organization = "ServiceRadar"
const ecdsaWithSha256 = Der.sequence(Der.objectId("1.2.840.10045.4.3.2"))
const serialBytes = 16

export const newKeys = (): KeyPair => crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })

export const keyPem = (keys: KeyPair): string => keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()

const attribute = (type: string, text: string) => Der.set(Der.sequence(Der.objectId(type), Der.utf8(text)))

/** `O=ServiceRadar, CN=…`; without a common name the organization alone. */
export const nameOf = (commonName: string): Buffer =>
  Der.sequence(
    attribute("2.5.4.10", organization),
    ...(commonName === "" ? [] : [attribute("2.5.4.3", commonName)])
  )

const extension = (id: string, value: Uint8Array, isCritical = false) =>
  Der.sequence(Der.objectId(id), ...(isCritical ? [Der.boolean(true)] : []), Der.octets(value))

const addressBytes = (address: string): Uint8Array => {
  if (net.isIPv4(address)) return Uint8Array.from(address.split(".").map(Number))
  // The URL parser expands what is short and turns a dotted end into groups.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::").map((half) =>
    half === "" ? [] : half.split(":")
  )
  const [head = [], tail = []] = groups
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0")
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  }))
}

const alternativeNames = ({ addresses = [], dnsNames = [], spiffeId }: Subject): ReadonlyArray<Buffer> => {
  const names = [
    ...dnsNames.map((name) => Der.implicit(2, Buffer.from(name))),
    ...(spiffeId === undefined ? [] : [Der.implicit(6, Buffer.from(spiffeId))]),
    ...addresses.map((address) => Der.implicit(7, addressBytes(address)))
  ]
  return names.length === 0 ? [] : [extension("2.5.29.17", Der.sequence(...names))]
}

const keyId = (key: crypto.KeyObject): Buffer =>
  crypto.createHash("sha1").update(key.export({ type: "spki", format: "der" })).digest()

const caExtensions = [
  extension("2.5.29.19", Der.sequence(Der.boolean(true)), true),
  // keyCertSign, cRLSign
  extension("2.5.29.15", Der.bits(Uint8Array.of(0x06), 1), true)
]

const leafExtensions = [
  extension("2.5.29.19", Der.sequence(), true),
  // digitalSignature, keyEncipherment
  extension("2.5.29.15", Der.bits(Uint8Array.of(0xa0), 5), true),
  // serverAuth, clientAuth
  extension("2.5.29.37", Der.sequence(Der.objectId("1.3.6.1.5.5.7.3.1"), Der.objectId("1.3.6.1.5.5.7.3.2")))
]

const issue = (
  issuer: Issuer,
  subject: Uint8Array,
  publicKey: crypto.KeyObject,
  validity: Validity,
  extensions: ReadonlyArray<Buffer>
): string => {
  const toBeSigned = Der.sequence(
    Der.explicit(0, Der.integer(Uint8Array.of(2))),
    Der.integer(crypto.randomBytes(serialBytes)),
    ecdsaWithSha256,
    issuer.name,
    Der.sequence(Der.time(validity.notBeforeMillis), Der.time(validity.notAfterMillis)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    Der.explicit(
      3,
      Der.sequence(
        ...extensions,
        extension("2.5.29.14", Der.octets(keyId(publicKey))),
        extension("2.5.29.35", Der.sequence(Der.implicit(0, keyId(issuer.keys.publicKey))))
      )
    )
  )
  const signature = crypto.sign("sha256", toBeSigned, issuer.keys.privateKey)
  return Der.pem("CERTIFICATE", Der.sequence(toBeSigned, ecdsaWithSha256, Der.bits(signature)))
}

/** A self-signed root, or with an issuer an intermediate. */
export const issueAuthority = (commonName: string, keys: KeyPair, validity: Validity, issuer?: Issuer): string => {
  const name = nameOf(commonName)
  return issue(issuer ?? { name, keys }, name, keys.publicKey, validity, caExtensions)
}

export const issueLeaf = (
  issuer: Issuer,
  subject: Subject,
  publicKey: crypto.KeyObject,
  validity: Validity
): string =>
  issue(issuer, nameOf(subject.commonName), publicKey, validity, [...leafExtensions, ...alternativeNames(subject)])

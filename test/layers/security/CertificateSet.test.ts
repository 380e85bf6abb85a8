/** What makes a set and what does not, of files as people have them. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as crypto from "node:crypto"
import * as CertificateAuthority from "../../../src/layers/security/CertificateAuthority.ts"
import * as CertificateSet from "../../../src/layers/security/CertificateSet.ts"
import { authority, validFor } from "../../support/authority.ts"

const day = 86_400_000

interface Texts {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** The common name, or what is wrong. */
const made = ({ ca, cert, key }: Texts): string =>
  Result.match(
    CertificateSet.make({
      cert: { file: "cert", text: cert },
      key: { file: "key", text: key },
      ca: { file: "ca", text: ca },
      clientCa: { file: "ca", text: ca },
      isRooted: true
    }, Date.now()),
    { onSuccess: ({ identity }) => identity.commonName, onFailure: ({ file, reason }) => `${file}: ${reason}` }
  )

const ca = authority()
const rsa = crypto.generateKeyPairSync("rsa", { modulusLength: 2_048 })
const issued = ca.issue({ commonName: "poller.serviceradar" })
const texts: Texts = { ...issued, ca: ca.root }
const privateKey = crypto.createPrivateKey(issued.key)

const cipher = "aes-256-cbc"
const passphrase = "secret"
const pem = (type: "pkcs8" | "sec1", options: object = {}) =>
  String(privateKey.export({ type, format: "pem", ...options }))
const derText = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
/** The curve by its name, as `openssl ecparam -genkey` puts it before the key. */
const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

const taken: Readonly<Record<string, Texts>> = {
  "as they are": texts,
  "with a byte order mark and the line ends of Windows": {
    cert: `\uFEFF${texts.cert.replaceAll("\n", "\r\n")}`,
    key: texts.key.replaceAll("\n", "\r\n"),
    ca: texts.ca.replaceAll("\n", "\r\n")
  },
  "with text around": {
    ...texts,
    cert: `subject=CN = poller - one\n-- for people --\n${texts.cert}\nthe end\n`,
    ca: `# the root\n${texts.ca}`
  },
  "certificate and key in one file, and that file twice": {
    ...texts,
    cert: `${texts.key}${texts.cert}`,
    key: `${texts.cert}${texts.key}`
  },
  "a key in SEC1 behind the parameters of its curve": { ...texts, key: `${parameters}${pem("sec1")}` },
  "an RSA key": (() => {
    const own = ca.issue({ commonName: "poller.serviceradar" }, undefined, rsa)
    return { ...texts, cert: own.cert, key: String(rsa.privateKey.export({ type: "pkcs1", format: "pem" })) }
  })(),
  "two roots, of which the second is ours": { ...texts, ca: `${authority("Other").root}${texts.ca}` },
  "two roots, of which the other has expired": {
    ...texts,
    ca: `${authority("Old", validFor(-2 * day, -day)).root}${texts.ca}`
  }
}

const refused: Readonly<Record<string, readonly [Partial<Texts>, RegExp]>> = {
  nothing: [{ cert: "" }, /^cert: holds no PEM block$/],
  "binary (DER) for a certificate": [
    { cert: derText(new crypto.X509Certificate(texts.cert).raw) },
    /^cert: holds no PEM block: it is DER .*openssl x509 -inform DER/
  ],
  "binary (DER) for a key": [
    { key: derText(privateKey.export({ type: "pkcs8", format: "der" })) },
    /^key: holds no PEM block: it is DER .*openssl pkey -inform DER/
  ],
  "a key with a passphrase": [{ key: pem("pkcs8", { cipher, passphrase }) }, /^key: is encrypted, .*openssl pkey/],
  "a key with a passphrase in the old way": [{ key: pem("sec1", { cipher, passphrase }) }, /^key: is encrypted, /],
  "a certificate for a key": [{ key: texts.cert }, /^key: holds no private key$/],
  "a public key for a key": [
    { key: String(crypto.createPublicKey(texts.key).export({ type: "spki", format: "pem" })) },
    /^key: holds no private key$/
  ],
  "a key for a certificate": [{ cert: texts.key }, /^cert: holds no certificate$/],
  "certificate and key the other way round": [{ cert: texts.key, key: texts.cert }, /^cert: holds no certificate$/],
  "half a certificate": [{ cert: texts.cert.slice(0, 400) }, /^cert: ends within a PEM block/],
  "half a key": [{ key: texts.key.slice(0, 100) }, /^key: ends within a PEM block/],
  "a second root that is not written to its end": [
    { ca: `${texts.ca}${authority("Next").root.slice(0, 300)}` },
    /^ca: ends within a PEM block/
  ],
  "a root that has lost its middle": [
    { ca: texts.ca.replace(/\n[^\n]+\n[^\n]+\n/, "\n") },
    /^ca: /
  ],
  "the roots of somebody else": [{ ca: authority("Other").root }, /^cert: does not chain to a certificate of ca$/]
}

describe("CertificateSet", () => {
  it.each(Object.entries(taken))("takes %s", (_, texts) => {
    assert.strictEqual(made(texts), "poller.serviceradar")
  })

  it.each(Object.entries(refused))("refuses %s, and says what it is", (_, [instead, reason]) => {
    assert.match(made({ ...texts, ...instead }), reason)
  })

  it("refuses a certificate whose root has expired: no peer would take it", () => {
    const old = authority("Old", validFor(-2 * day, -day))

    assert.match(made({ ...old.issue(), ca: old.root }), /^cert: chains to a certificate that has expired on /)
  })

  it("takes it where the root was renewed with the same key, whichever comes first", () => {
    const keys = CertificateAuthority.newKeys()
    const root = (from: number, to: number) => CertificateAuthority.issueAuthority("Root", keys, validFor(from, to))
    const [old, renewed] = [root(-2 * day, -day), root(-day, day)]
    const own = CertificateAuthority.newKeys()
    const issuer = { name: CertificateAuthority.nameOf("Root"), keys }
    const cert = CertificateAuthority.issueLeaf(
      issuer,
      { commonName: "core.serviceradar" },
      own.publicKey,
      validFor(-day, 2 * day)
    )
    const key = CertificateAuthority.keyPem(own)

    assert.strictEqual(made({ cert, key, ca: `${old}${renewed}` }), "core.serviceradar")
    assert.strictEqual(made({ cert, key, ca: `${renewed}${old}` }), "core.serviceradar")
  })

  it("ends with its root, where that ends first", () => {
    const soon = authority("Soon", validFor(-day, 3 * day))
    const { cert, key } = soon.issue({}, validFor(-day, 300 * day))
    const pems = { cert, key, ca: soon.root }
    const part = (file: keyof typeof pems) => ({ file, text: pems[file] })
    const set = CertificateSet.make(
      { cert: part("cert"), key: part("key"), ca: part("ca"), clientCa: part("ca"), isRooted: true },
      Date.now()
    )
    const left = Option.match(Result.getSuccess(set), {
      onNone: () => Number.NaN,
      onSome: ({ validity }) => validity.notAfterMillis - Date.now()
    })

    assert.approximately(left, 3 * day, 60_000)
  })
})

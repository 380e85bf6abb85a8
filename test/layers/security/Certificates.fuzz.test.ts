/** Certificate files with damage in the text and in the DER below it. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CertificateSet from "../../../src/layers/security/CertificateSet.ts"
import { CredentialsError } from "../../../src/services/security/Credentials.ts"
import { authority } from "../../support/authority.ts"
import * as Mutations from "../../support/mutations.ts"

const pieces = [
  "-----BEGIN CERTIFICATE-----\n",
  "-----END CERTIFICATE-----\n",
  "-----BEGIN PRIVATE KEY-----",
  "\0",
  "="
]
  .map((text) => Buffer.from(text))

const ders = /-----BEGIN ([A-Z ]+)-----\n([^-]+)-----END/g

/** Armour around what is damaged, so that the damage gets past it. */
const inside = (pem: string, random: Mutations.Random): string =>
  pem.replace(ders, (_, label: string, body: string) => {
    const damaged = Mutations.mutate(Buffer.from(body, "base64"), random).toString("base64")
    return `-----BEGIN ${label}-----\n${damaged.replace(/.{64}/g, "$&\n")}\n-----END`
  })

describe("Certificate files with damage", () => {
  it("are refused with the file and the reason, or are a set that belongs together", async () => {
    const ca = authority()
    const { cert, key } = ca.issue({ spiffeId: "spiffe://example.org/services/agent" })
    const whole = { cert: `${cert}${ca.root}`, key, ca: ca.root, clientCa: ca.root }
    const names = ["cert", "key", "ca", "clientCa"] as const
    const random = Mutations.generator()
    let accepted = 0
    const growth = await Mutations.heapGrowth(Mutations.mutations, () => {
      const name = names[random(names.length)] ?? "cert"
      const damaged = random(2) === 0
        ? Mutations.mutate(Buffer.from(whole[name]), random, pieces).toString("latin1")
        : inside(whole[name], random)
      const pem = (one: typeof names[number]) => ({ file: one, text: one === name ? damaged : whole[one] })
      const made = CertificateSet.make({
        cert: pem("cert"),
        key: pem("key"),
        ca: pem("ca"),
        clientCa: pem("clientCa"),
        isRooted: true
      }, Date.now())
      if (Result.isSuccess(made)) {
        accepted += 1
        return
      }
      assert.instanceOf(made.failure, CredentialsError)
      assert.include(names, made.failure.file)
      assert.notStrictEqual(made.failure.reason, "")
    })

    // Damage between the blocks, or in a root that is not needed, changes nothing.
    assert.isBelow(accepted, Mutations.mutations / 2)
    assert.isBelow(growth, Mutations.heapGrowthMax)
  })
})

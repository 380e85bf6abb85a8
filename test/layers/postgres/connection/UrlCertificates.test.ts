import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted } from "effect"
import * as UrlCertificates from "../../../../src/layers/postgres/connection/UrlCertificates.ts"

const take = (url: string) => {
  const { tls, url: left } = UrlCertificates.take(Redacted.make(url))
  return { url: Redacted.value(left), tls: Option.getOrUndefined(tls) }
}

const files = "sslcert=/c.pem&sslkey=/k.pem&sslrootcert=/r.pem"

describe("UrlCertificates", () => {
  it.each([
    ["without a mode", "", true],
    ["verify-full", "&sslmode=verify-full", true],
    ["verify-ca", "&sslmode=verify-ca", false]
  ])("takes the files out of the address: %s", (_, mode, verifiesName) => {
    assert.deepStrictEqual(take(`postgresql://u:p%40@db:5432/x?application_name=a&${files}${mode}`), {
      url: "postgresql://u:p%40@db:5432/x?application_name=a",
      tls: { certFile: "/c.pem", keyFile: "/k.pem", caFile: "/r.pem", verifiesName }
    })
  })

  it.each([
    "postgresql://u@db/x",
    "postgresql://u@db/x?sslmode=verify-full&sslrootcert=/r.pem",
    `postgresql://u@db/x?${files}&sslmode=disable`,
    "postgresql:"
  ])("leaves %s to the driver", (url) => {
    assert.deepStrictEqual(take(url), { url, tls: undefined })
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as CertificateIdentity from "../../../src/domain/security/CertificateIdentity.ts"

describe("The service that a common name names", () => {
  it.each(
    [
      ["poller.serviceradar", "poller"],
      // One of several; what it is called itself makes it nothing else.
      ["edge-7.poller.serviceradar", "poller"],
      ["core.poller.serviceradar", "poller"],
      ["core.edge.poller.serviceradar", ""],
      ["core.serviceradar.example.org", ""],
      ["core", ""],
      ["Poller.serviceradar", ""],
      [".poller.serviceradar", ""],
      ["", ""]
    ]
  )("of %j is %j", (commonName, service) => {
    const identity = { commonName, spiffeId: Option.none() }
    assert.strictEqual(Option.getOrElse(CertificateIdentity.serviceOf(identity), () => ""), service)
  })
})

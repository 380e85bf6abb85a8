import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as NatsSettings from "../../../../src/domain/events/settings/NatsSettings.ts"
import { anyPeer } from "../../../../src/domain/security/SecurityConfig.ts"

describe("NatsSettings", () => {
  it("takes one address or several, with a scheme where it is missing", () => {
    assert.deepStrictEqual(
      [
        "nats://127.0.0.1:4222",
        " tls://nats:4222 , nats-2",
        "nats://user:p%40ss@host:4222",
        "[fd00::1]:4222",
        "nats://host/"
      ].map((text) => Option.getOrUndefined(NatsSettings.parseUrl(text))),
      [
        "nats://127.0.0.1:4222",
        "tls://nats:4222,nats://nats-2",
        "nats://user:p%40ss@host:4222",
        "nats://[fd00::1]:4222",
        "nats://host/"
      ]
    )
  })

  it("refuses what is no address", () => {
    for (
      const text of ["", ",", "http://host:4222", "nats://", "nats://host:99999", "a b", "host:port", "nats://a,://b"]
    ) {
      assert.isTrue(Option.isNone(NatsSettings.parseUrl(text)), text)
    }
  })

  it("finds the certificates of the existing installations in a folder", () => {
    assert.deepStrictEqual(NatsSettings.ofCertificateDirectory("/etc/serviceradar/certs"), {
      _tag: "Mtls",
      certFile: "/etc/serviceradar/certs/core.pem",
      keyFile: "/etc/serviceradar/certs/core-key.pem",
      caFile: "/etc/serviceradar/certs/root.pem",
      clientCaFile: "/etc/serviceradar/certs/root.pem",
      serverName: Option.some("nats.serviceradar"),
      peers: anyPeer
    })
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted } from "effect"
import * as NatsSettings from "../../../../src/domain/events/settings/NatsSettings.ts"
import { none } from "../../../../src/domain/security/SecurityConfig.ts"
import * as NatsCredentials from "../../../../src/layers/nats/connection/NatsCredentials.ts"

const options = (credentials: NatsSettings.NatsCredentials, security = none) =>
  NatsCredentials.ofSettings({ url: Option.none(), credentials, security })

const seed = Redacted.make("SUAexample")
const jwt = Redacted.make("eyexample")
const password = Redacted.make("secret")

describe("Credentials from the settings", () => {
  it("hands to the connection who we are, and nothing else", () => {
    assert.deepStrictEqual(options({ _tag: "None" }), {})
    assert.deepStrictEqual(options({ _tag: "CredsFile", path: "a.creds" }), { credsFile: "a.creds" })
    assert.deepStrictEqual(options({ _tag: "Nkey", seed, jwt: Option.some(jwt) }), { nkeySeed: seed, jwt })
    assert.deepStrictEqual(options({ _tag: "User", user: "u", password }), { user: "u", password })
  })

  it("hands over certificates together with credentials", () => {
    assert.deepStrictEqual(
      options({ _tag: "CredsFile", path: "a.creds" }, NatsSettings.ofCertificateDirectory("/certs")),
      {
        credsFile: "a.creds",
        tls: {
          caFile: "/certs/root.pem",
          certFile: "/certs/core.pem",
          keyFile: "/certs/core-key.pem",
          serverName: "nats.serviceradar"
        }
      }
    )
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"

const decode = (block: unknown) =>
  SecurityConfig.fromBlock(Schema.decodeUnknownSync(SecurityConfig.SecurityBlock)(block))

const files = { cert_file: "p.pem", key_file: "p-key.pem", ca_file: "root.pem" }

const problemsOf = (block: unknown) => {
  const failure = Option.getOrThrow(
    Result.getFailure(ConfigDocument.decode(SecurityConfig.SecurityBlock, JSON.stringify(block)))
  )
  return failure._tag === "Invalid" ? failure.problems.map(({ expectation, key }) => `${key}: ${expectation}`) : []
}

describe("SecurityConfig", () => {
  it("is plain text when the object, its mode or the wish for security is absent", () => {
    assert.deepStrictEqual(SecurityConfig.fromBlock(undefined), SecurityConfig.none)
    assert.deepStrictEqual(decode({}), SecurityConfig.none)
    assert.deepStrictEqual(decode({ mode: "None", tls: files }), SecurityConfig.none)
  })

  it("finds relative files in cert_dir, joined once, and verifies clients with the CA unless told", () => {
    const expected: SecurityConfig.SecurityConfig = {
      _tag: "Mtls",
      certFile: "certs/p.pem",
      keyFile: "certs/p-key.pem",
      caFile: "certs/root.pem",
      clientCaFile: "certs/root.pem",
      serverName: Option.some("core.serviceradar"),
      peers: SecurityConfig.anyPeer
    }

    assert.deepStrictEqual(
      decode({ mode: "mTLS", cert_dir: "certs/", server_name: "core.serviceradar", tls: files }),
      expected
    )
  })

  it("leaves absolute files alone", () => {
    const config = decode({ mode: "mtls", cert_dir: "/certs", tls: { ...files, client_ca_file: "/other/ca.pem" } })

    assert.strictEqual(config._tag === "Mtls" ? config.clientCaFile : "", "/other/ca.pem")
  })

  it("names each missing file, an unknown role and an unknown mode", () => {
    assert.deepStrictEqual(problemsOf({ mode: "mtls", role: "boss", tls: { cert_file: "p.pem" } }), [
      "tls.key_file: a PEM file, because mode is mtls",
      "tls.ca_file: a PEM file, because mode is mtls",
      "role: one of poller, agent, core, kv, datasvc, checker"
    ])
    assert.deepStrictEqual(problemsOf({ mode: "tls" }), ["mode: \"none\", \"mtls\" or \"spiffe\""])
  })
})

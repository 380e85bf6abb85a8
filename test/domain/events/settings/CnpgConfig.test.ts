import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Redacted, Result, Schema } from "effect"
import * as fc from "fast-check"
import * as ConfigDocument from "../../../../src/domain/config/ConfigDocument.ts"
import * as CnpgConfig from "../../../../src/domain/events/settings/CnpgConfig.ts"

const block = (fields: object) =>
  Schema.decodeSync(CnpgConfig.CnpgBlock)({ host: "pg", username: "writer", database: "telemetry", ...fields })

const problemsOf = (value: unknown) => {
  const failure = Option.getOrThrow(
    Result.getFailure(ConfigDocument.decode(CnpgConfig.CnpgBlock, JSON.stringify(value)))
  )
  return failure._tag === "Invalid" ? failure.problems.map(({ expectation, key }) => `${key}: ${expectation}`) : []
}

const urlOf = (fields: object): string => Redacted.value(CnpgConfig.toUrl(CnpgConfig.address(block(fields))))

const files = { cert_file: "client.pem", key_file: "client-key.pem", ca_file: "/etc/root.pem" }

describe("CnpgConfig", () => {
  it("comes to an address, with the port of PostgreSQL unless told", () => {
    assert.strictEqual(urlOf({}), "postgresql://writer@pg:5432/telemetry")
    assert.strictEqual(
      urlOf({ host: " fd00::1 ", port: 6432, password: "p@ss/word", ssl_mode: "verify-full" }),
      "postgresql://writer:p%40ss%2Fword@[fd00::1]:6432/telemetry?sslmode=verify-full"
    )
    assert.strictEqual(
      urlOf({ host: "/var/run/postgresql" }),
      "postgresql://writer@localhost:5432/telemetry?host=%2Fvar%2Frun%2Fpostgresql"
    )
  })

  it("carries any name and password through the address", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((one) => one.trim() === one)
    const name = text.filter((one) => one !== "." && one !== "..")
    fc.assert(fc.property(text, name, fc.string({ minLength: 1 }), (username, database, password) => {
      const url = new URL(urlOf({ username, database, password }))

      assert.deepStrictEqual(
        [url.username, url.pathname.slice(1), url.password].map(decodeURIComponent),
        [username, database, password]
      )
    }))
  })

  it("names what is blank, out of range or contradictory", () => {
    assert.deepStrictEqual(
      problemsOf({ host: " ", username: "u", port: 0, tls: { cert_file: "a" }, ssl_mode: "on" }).map((one) =>
        one.split(":")[0]
      ).sort(),
      ["database", "host", "port", "ssl_mode", "tls.ca_file"].sort()
    )
    assert.deepStrictEqual(
      problemsOf({ host: "h", username: "u", database: "d", max_connections: 4, min_connections: 5 }),
      ["min_connections: at most 4, the value of max_connections"]
    )
    assert.deepStrictEqual(
      problemsOf({ host: "h", username: "u", database: ".." }),
      ["database: a name other than . and .., which no address can carry"]
    )
  })

  it("finds certificates in cert_dir and verifies the name unless the mode is content with less", () => {
    const tls = (fields: object) =>
      Option.getOrThrow(CnpgConfig.tls(block({ cert_dir: "/certs/", tls: files, ...fields })))

    assert.deepStrictEqual(tls({}), {
      certFile: "/certs/client.pem",
      keyFile: "/certs/client-key.pem",
      caFile: "/etc/root.pem",
      verifiesName: true
    })
    assert.deepStrictEqual(
      ["disable", "require", "verify-ca", "verify-full"].map((ssl_mode) => tls({ ssl_mode }).verifiesName),
      [true, false, false, true]
    )
    assert.isTrue(Option.isNone(CnpgConfig.tls(block({}))))
  })

  it("sets up the pool, where 0 means no limit of its own", () => {
    const pool = CnpgConfig.pool(block({
      application_name: "writer-1",
      max_connections: 4,
      max_conn_lifetime: "1h",
      health_check_period: "30s",
      statement_timeout: 0,
      runtime_params: { Search_Path: "platform" }
    }))

    assert.deepStrictEqual(pool, {
      applicationName: "writer-1",
      maxConnections: 4,
      minConnections: 0,
      connectionLife: Option.some(Duration.nanos(3_600_000_000_000n)),
      statementLimit: Option.none(),
      parameters: { search_path: "platform" }
    })
    assert.strictEqual(CnpgConfig.pool(block({ min_connections: 50 })).maxConnections, 50)
  })

  it("takes a CA alone, and the variables of the existing containers in the place of what the file says", () => {
    const alone = CnpgConfig.tls(block({ tls: { ca_file: "/certs/root.pem" } }))
    const none = { folder: undefined, caFile: undefined, certFile: undefined, keyFile: undefined, sslMode: undefined }

    assert.deepStrictEqual(Option.getOrUndefined(alone), {
      caFile: "/certs/root.pem",
      certFile: undefined,
      keyFile: undefined,
      verifiesName: true
    })
    assert.deepStrictEqual(
      Option.getOrUndefined(CnpgConfig.tlsOf({ ...none, caFile: "/other/ca.pem", sslMode: "verify-ca" }, alone)),
      { caFile: "/other/ca.pem", certFile: undefined, keyFile: undefined, verifiesName: false }
    )
    assert.deepStrictEqual(Option.getOrUndefined(CnpgConfig.tlsOf({ ...none, folder: "/c" }, Option.none())), {
      caFile: "/c/root.pem",
      certFile: "/c/cnpg-client.pem",
      keyFile: "/c/cnpg-client-key.pem",
      verifiesName: true
    })
    assert.isTrue(Option.isNone(CnpgConfig.tlsOf({ ...none, sslMode: "disable" }, alone)))
  })
})

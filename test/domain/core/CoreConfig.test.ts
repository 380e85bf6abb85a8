import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Redacted, Result } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import * as CoreConfig from "../../../src/domain/core/CoreConfig.ts"

const decode = (file: unknown) => ConfigDocument.decode(CoreConfig.CoreConfigFile, JSON.stringify(file))

const problemsOf = (file: unknown) => {
  const decoded = decode(file)
  return Result.isFailure(decoded) && decoded.failure._tag === "Invalid"
    ? decoded.failure.problems.map(({ expectation, key }) => `${key}: ${expectation}`)
    : []
}

/** As packaged with the existing core, with the parts that its charts add. */
const packaged = {
  listen_addr: ":8090",
  grpc_addr: ":50052",
  alert_threshold: "5m",
  known_pollers: ["default-poller"],
  metrics: { enabled: true, retention: 100, max_pollers: 10_000 },
  database: { addresses: ["proton:9440"], name: "default" },
  security: { mode: "none" },
  snmp: { enabled: false },
  write_buffer: { size: 10_000 },
  logging: { level: "info" },
  webhooks: [
    { enabled: false, url: "https://changeme", cooldown: "15m", template: "{{.alert.Title}}" },
    { enabled: true, url: "https://hooks.example.org/1", headers: [{ key: "Authorization", value: "Bearer x" }] }
  ]
}

describe("CoreConfig", () => {
  it("takes what it can serve of the existing core's file, and says what to use instead of the rest", () => {
    const { value, warnings } = Result.getOrThrow(decode(packaged))
    const config = CoreConfig.fromFile(value)

    assert.deepStrictEqual(config.http, Option.some({ host: "", port: 8090 }))
    assert.deepStrictEqual(Option.map(config.alertThreshold, Duration.toSeconds), Option.some(300))
    assert.deepStrictEqual(Option.map(config.knownPollers, (ids) => [...ids].length), Option.some(1))
    assert.deepStrictEqual(config.webhooks.map(({ headers, url }) => [Redacted.value(url), headers]), [
      ["https://hooks.example.org/1", { authorization: "Bearer x" }]
    ])
    assert.deepStrictEqual(warnings.map(({ key }) => key), ["metrics", "database", "snmp", "write_buffer"])
    assert.isTrue(warnings.every(({ key }) => Object.hasOwn(CoreConfig.ignoredKeys, key)))
  })

  it.each<readonly [Readonly<Record<string, unknown>>, RegExp]>([
    [{ cnpg: { host: "db", database: "serviceradar", username: "u" } }, /^cnpg: no such key: .*database_url/],
    [
      { auth: { local_users: { admin: "secret" } } },
      /^auth\.local_users\.admin: .*a hash of a password by bcrypt or argon2id/
    ],
    [{ auth: { mail: { url: "http://mail", from: "a@b" } } }, /^auth\.mail\.url: .*smtps:/],
    [{ auth: { public_url: "radar.example.org" } }, /^auth\.public_url: .*an http or https URL/],
    [{ nats: { url: "nats://nats:4222" } }, /^nats: no such key: .*NATS_URL/],
    [{ events: { enabled: true, stream_name: "events" } }, /^events.enabled: false/],
    [{ cors: { allowed_origins: ["https://a.example/"] } }, /^cors\.allowed_origins\[0\]: .*without a path/],
    [
      { cors: { allowed_origins: ["*"], allow_credentials: true } },
      /^cors.allowed_origins: origins by name: with allow_credentials/
    ],
    [{ rbac: { route_protection: { "/api/admin/*": "admin" } } }, /^rbac\.route_protection/],
    [{ webhooks: [{ enabled: true, url: "https://x", template: "{{.alert.Title}}" }] }, /^webhooks\[0\].template/],
    [{ webhooks: [{ enabled: true, url: "ftp://x" }] }, /^webhooks\[0\].url: an http or https URL/],
    [{ alert_threshold: "soon" }, /^alert_threshold: /]
  ])("refuses %j instead of taking half of it", (part, expected) => {
    const problems = problemsOf({ listen_addr: "127.0.0.1:8090", ...part })

    assert.lengthOf(problems, 1)
    assert.match(problems[0] ?? "", expected)
  })

  it("lets parts be that are switched off", () => {
    assert.deepStrictEqual(problemsOf({ cors: { allowed_origins: [] }, events: { enabled: false }, auth: null }), [])
  })
})

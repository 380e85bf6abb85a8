/** What is told of a configuration file that is wrong somewhere: never a secret that stands in it. */
import { assert, describe, it } from "@effect/vitest"
import { Result, type Schema } from "effect"
import { AgentConfigFile, CheckerFile } from "../../../src/domain/agent/AgentConfig.ts"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import { CoreConfigFile } from "../../../src/domain/core/CoreConfig.ts"
import { EventWriterConfigFile } from "../../../src/domain/events/settings/EventWriterConfig.ts"
import { PollerConfigFile } from "../../../src/domain/poller/PollerConfig.ts"
import * as SyncConfig from "../../../src/domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../../src/domain/sync/SyncConfigFile.ts"
import * as SyncConfigWarnings from "../../../src/domain/sync/SyncConfigWarnings.ts"
import * as PlantedSecrets from "../../support/plantedSecrets.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

const planted = PlantedSecrets.make()
const { at } = planted

const logging = {
  level: "info",
  otel: { endpoint: `https://otel:${at("otel password")}@otel.example`, headers: { "x-tenant": at("otel header") } }
}
const details = JSON.stringify({
  url: `https://u:${at("check password")}@web.example/?token=${at("check query")}`,
  headers: { authorization: `Bearer ${at("check header")}` },
  body: at("check body")
})

const files: ReadonlyArray<readonly [string, Schema.Decoder<unknown>, Json]> = [
  ["core", CoreConfigFile, {
    database_url: `postgresql://core:${at("database password")}@db.example:5432/core`,
    webhooks: [{
      enabled: true,
      url: `https://hooks.example/services/${at("webhook path")}?key=${at("webhook query")}`,
      headers: [{ key: "Authorization", value: `Bearer ${at("webhook header")}` }],
      cooldown: "1m"
    }],
    logging
  }],
  ["core of the existing kind", CoreConfigFile, {
    auth: { jwt_secret: at("jwt secret"), local_users: { admin: at("password hash") } },
    cnpg: { host: "db", password: at("cnpg password of core") },
    nats: { url: `nats://u:${at("nats password of core")}@nats.example` },
    snmp: { targets: [{ community: at("snmp community of core") }] }
  }],
  ["agent", AgentConfigFile, {
    agent_id: "a",
    listen_addr: ":50051",
    kv_address: `kv:${at("kv")}@kv.example:1`,
    logging
  }],
  ["checker", CheckerFile, {
    name: "snmp",
    type: "grpc",
    address: "127.0.0.1:50080",
    timeout: "30s",
    details: { targets: [{ name: "router", community: at("snmp community"), v3: { auth_password: at("snmp v3") } }] },
    additional: at("additional")
  }],
  ["poller", PollerConfigFile, {
    core_address: "core:50052",
    poller_id: "p",
    agents: {
      a: {
        address: "a:50051",
        checks: [{ service_type: "http", service_name: "web", details, port: 1, timeout: "1s" }]
      }
    },
    logging
  }],
  ["event writer", EventWriterConfigFile, {
    listen_addr: ":50041",
    nats_url: `nats://w:${at("nats password")}@nats.example:4222,tls://${at("nats token")}@other.example`,
    stream_name: "events",
    consumer_name: "writer",
    table: "events",
    cnpg: {
      host: "db",
      port: 5432,
      database: "d",
      username: "u",
      password: at("cnpg password"),
      runtime_params: { options: at("runtime parameter") }
    },
    logging
  }],
  ["sync", SyncConfigFile, {
    listen_addr: ":50058",
    nats_url: `nats://s:${at("nats password of sync")}@nats.example`,
    sources: {
      armis: {
        type: "armis",
        endpoint: `https://armis:${at("endpoint password")}@armis.example/api`,
        credentials: { secret_key: at("armis secret"), whatever: at("credential") },
        queries: [{ label: "all", query: "in:devices" }],
        poll_interval: "1m"
      }
    },
    logging
  }]
]

/** What somebody may have written by mistake in place of a value. */
const mistakes = (value: Json): ReadonlyArray<Json> => {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return [
    5,
    true,
    null,
    "",
    [value],
    [],
    {},
    { value },
    { [text.slice(0, 1)]: value },
    `${text} `,
    text.replace("://", ":/"),
    text.replace("://", "//"),
    text.replace(/^\w+:\/\//, ""),
    text.replace("@", " @"),
    `x${text}`,
    `${text},${text}`
  ]
}

/** Each form of the document in which one value is another. */
function* damaged(value: Json, rebuild: (changed: Json) => Json = (changed) => changed): Generator<Json> {
  for (const mistake of mistakes(value)) yield rebuild(mistake)
  if (typeof value !== "object" || value === null) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield* damaged(item, (changed) => rebuild(value.map((one, at) => at === index ? changed : one)))
    }
    return
  }
  for (const [key, item] of Object.entries(value)) {
    yield* damaged(item, (changed) => rebuild({ ...value, [key]: changed }))
    yield rebuild(
      Object.fromEntries(Object.entries(value).map(([name, one]) => [name === key ? `${key}s` : name, one]))
    )
    yield rebuild(Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)))
  }
}

const told = (schema: Schema.Decoder<unknown>, text: string): string =>
  Result.match(ConfigDocument.decode(schema, text), {
    onFailure: (failure) => JSON.stringify(failure),
    onSuccess: ({ warnings }) => JSON.stringify(warnings)
  })

describe("What is said of a damaged configuration", () => {
  it.each(files)("holds no secret of it: %s", (_, schema, document) => {
    const leaks = new Set<string>()
    let count = 0
    let refused = 0
    for (const changed of damaged(document)) {
      count += 1
      const text = told(schema, JSON.stringify(changed))
      if (text !== "[]") refused += 1
      for (const place of planted.foundIn(text)) leaks.add(`${place}: ${text.slice(0, 300)}`)
    }

    assert.deepStrictEqual([...leaks], [])
    assert.isAbove(count, 50)
    assert.isAbove(refused, 20)
  })

  it.each(files)("holds none either where the text breaks off or has a letter too many: %s", (_, schema, document) => {
    const text = JSON.stringify(document, undefined, 1)
    const leaks = new Set<string>()
    for (let index = 0; index < text.length; index++) {
      for (const changed of [text.slice(0, index), `${text.slice(0, index)}"${text.slice(index)}`]) {
        for (const place of planted.foundIn(told(schema, changed))) leaks.add(place)
      }
    }

    assert.deepStrictEqual([...leaks], [])
  })

  it("holds none in the warnings about a file that is fine", () => {
    const [, , document] = files.at(-1) ?? []
    const decoded = ConfigDocument.decode(SyncConfigFile, JSON.stringify(document))
    const warnings = SyncConfigWarnings.warningsOf(SyncConfig.fromFile(Result.getOrThrow(decoded).value), ["armis"])

    assert.match(warnings.join("\n"), /expected the address without "\/api"/)
    assert.deepStrictEqual(planted.foundIn(warnings.join("\n")), [])
  })
})

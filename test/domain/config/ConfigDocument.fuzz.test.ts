/** Configuration files of every program with damage. */
import { assert, describe, it } from "@effect/vitest"
import { Result, type Schema } from "effect"
import { AgentConfigFile } from "../../../src/domain/agent/AgentConfig.ts"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import { CoreConfigFile } from "../../../src/domain/core/CoreConfig.ts"
import { EventWriterConfigFile } from "../../../src/domain/events/settings/EventWriterConfig.ts"
import { PollerConfigFile } from "../../../src/domain/poller/PollerConfig.ts"
import { SyncConfigFile } from "../../../src/domain/sync/SyncConfigFile.ts"
import * as Mutations from "../../support/mutations.ts"

const security = {
  mode: "mtls",
  cert_dir: "/etc/serviceradar/certs",
  server_name: "core.serviceradar",
  role: "poller",
  tls: { cert_file: "poller.pem", key_file: "poller-key.pem", ca_file: "root.pem" },
  allowed_common_names: ["core.serviceradar"],
  rate_limits: { poller: { per_second: 1.5, burst: 3 } },
  signing: { send: true, verify: "accept", peers: { a: "off" }, max_age_seconds: 5 }
}
const logging = { level: "debug", output: "stdout", otel: { enabled: true, batch_timeout: "5s", headers: { a: "b" } } }

const files: ReadonlyArray<readonly [string, Schema.Decoder<unknown>, unknown]> = [
  ["core", CoreConfigFile, {
    listen_addr: ":8090",
    grpc_addr: "[::1]:50052",
    database_url: "postgresql://core@db:5432/core",
    known_pollers: ["poller-1", "pöller\u{1f600}"],
    alert_threshold: "1h30m",
    webhooks: [{ enabled: true, url: "https://a.example/x", headers: [{ key: "X", value: "y" }], cooldown: "1m" }],
    cors: { allowed_origins: ["https://radar.example"], allow_credentials: false },
    rbac: { route_protection: { "/api/admin/*": ["admin"], "/api/devices/*": { POST: ["operator"] } } },
    security,
    logging
  }],
  ["agent", AgentConfigFile, {
    agent_id: "a",
    listen_addr: ":50051",
    checkers_dir: "/etc/checkers",
    probe_targets: { allow: ["10.0.0.0/8", "*.example.org"], deny: ["10.9.0.0/16"], deny_defaults: true },
    security,
    logging
  }],
  ["poller", PollerConfigFile, {
    core_address: "core:50052",
    poller_id: "p",
    poll_interval: 30_000_000_000,
    agents: {
      "edge 1": {
        address: "edge:50051",
        security,
        checks: [{ service_type: "port", service_name: "ssh", details: "127.0.0.1:22", port: 22, timeout: "3s" }]
      }
    },
    security,
    logging
  }],
  ["event writer", EventWriterConfigFile, {
    listen_addr: ":50041",
    nats_url: "nats://a:4222,tls://b",
    stream_name: "events",
    consumer_name: "writer",
    streams: [{ subject: "events.>", table: "events" }],
    cnpg: {
      host: "db",
      port: 5432,
      database: "d",
      username: "u",
      ssl_mode: "verify-full",
      tls: { ca_file: "root.pem" },
      runtime_params: { a: "b" }
    },
    stream_settings: { LOGS: { batch_size: 10, batch_timeout: "1s" } },
    retention: { logs: "72h" },
    security,
    logging
  }],
  ["sync", SyncConfigFile, {
    listen_addr: ":50058",
    kv_address: "kv:50057",
    sources: {
      armis: {
        type: "armis",
        endpoint: "https://armis.example",
        credentials: { secret_key: "x" },
        queries: [{ label: "all", query: "in:devices", sweep_modes: ["icmp"] }],
        network_blacklist: ["10.0.0.0/8"],
        guard: { threshold: 80.5 }
      }
    },
    security,
    logging
  }]
]

const pieces = [
  "null",
  "{}",
  "[",
  "\"",
  "\\u0000",
  "\\ud800",
  "1e999",
  "-0",
  "\"__proto__\":{},",
  "99999999999999999999",
  ","
]
  .map((text) => Buffer.from(text))

describe("Configuration files with damage", () => {
  it.each(files)(
    "have a value, or problems with their place and what was expected: %s",
    async (_, schema, document) => {
      const text = Buffer.from(JSON.stringify(document, undefined, 1))
      assert.isTrue(Result.isSuccess(ConfigDocument.decode(schema, text.toString("utf8"))))
      const random = Mutations.generator()
      let refused = 0
      const growth = await Mutations.heapGrowth(Math.ceil(Mutations.mutations / files.length), () => {
        const decoded = ConfigDocument.decode(schema, Mutations.mutate(text, random, pieces).toString("utf8"))
        if (Result.isSuccess(decoded)) return
        refused += 1
        const problems = decoded.failure._tag === "NotJson"
          ? [{ ...decoded.failure.problem.at, expectation: decoded.failure.problem.expectation }]
          : decoded.failure.problems
        assert.isNotEmpty(problems)
        for (const { column, expectation, line } of problems) {
          assert.isAtLeast(line, 1)
          assert.isAtLeast(column, 1)
          assert.notStrictEqual(expectation, "")
        }
      })

      assert.isAbove(refused, 0)
      assert.isBelow(growth, Mutations.heapGrowthMax)
    }
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Redacted, Result } from "effect"
import * as ConfigDocument from "../../../../src/domain/config/ConfigDocument.ts"
import * as EventWriterConfig from "../../../../src/domain/events/settings/EventWriterConfig.ts"
import * as EventWriterSettings from "../../../../src/domain/events/settings/EventWriterSettings.ts"

const decode = (config: unknown) =>
  ConfigDocument.decode(EventWriterConfig.EventWriterConfigFile, JSON.stringify(config))

const minimal = {
  listen_addr: "0.0.0.0:50041",
  nats_url: "nats://127.0.0.1:4222",
  stream_name: "events",
  consumer_name: "db-event-writer",
  streams: [{ subject: "logs.>", table: "logs" }],
  cnpg: { host: "pg", username: "writer", database: "telemetry", password: "secret" }
}

const settingsOf = (config: unknown) =>
  EventWriterSettings.resolve([EventWriterConfig.toOptions(Result.getOrThrow(decode(config)).value)])

const problemsOf = (config: unknown) => {
  const failure = Option.getOrThrow(Result.getFailure(decode(config)))
  return failure._tag === "Invalid" ? failure.problems.map(({ expectation, key }) => `${key}: ${expectation}`) : []
}

const keysOf = (config: unknown) => problemsOf(config).map((problem) => problem.split(": ")[0]).sort()

describe("EventWriterConfig", () => {
  it("reads a full file of the Go writer without a warning, keys that nobody reads included", () => {
    const { value, warnings } = Result.getOrThrow(decode({
      ...minimal,
      partition: "default",
      agent_id: "agent-1",
      poller_id: "poller-1",
      gateway_id: "gateway-1",
      nats_url: "tls://nats:4222",
      nats_creds_file: "/etc/serviceradar/writer.creds",
      domain: "leaf",
      streams: [
        { subject: "logs.syslog.processed", table: "platform.logs" },
        { subject: "otel.metrics.raw", table: "otel_metrics" }
      ],
      security: {
        mode: "mtls",
        cert_dir: "/certs",
        server_name: "db-event-writer",
        role: "core",
        tls: { cert_file: "c.pem", key_file: "k.pem", ca_file: "r.pem", client_ca_file: "r.pem" }
      },
      nats_security: {
        mode: "mtls",
        cert_dir: "/certs",
        server_name: "nats.serviceradar",
        tls: { cert_file: "c.pem", key_file: "k.pem", ca_file: "r.pem" }
      },
      cnpg: {
        ...minimal.cnpg,
        port: 5433,
        application_name: "w",
        ssl_mode: "verify-full",
        cert_dir: "/certs",
        tls: { cert_file: "c.pem", key_file: "k.pem", ca_file: "r.pem" },
        max_connections: 8,
        min_connections: 1,
        max_conn_lifetime: "1h",
        health_check_period: "30s",
        statement_timeout: 30_000_000_000,
        runtime_params: { work_mem: "64MB" }
      },
      logging: {
        level: "info",
        debug: false,
        output: "stdout",
        time_format: "",
        otel: { enabled: false, endpoint: "", service_name: "w", batch_timeout: "5s", insecure: false, headers: {} }
      }
    }))
    const settings = EventWriterSettings.resolve([EventWriterConfig.toOptions(value)])

    assert.deepStrictEqual(warnings, [])
    assert.deepStrictEqual(EventWriterConfig.warnings(value), [])
    assert.deepStrictEqual(settings.grpc, Option.some({ host: "0.0.0.0", port: 50_041 }))
    assert.deepStrictEqual(settings.nats.credentials, { _tag: "CredsFile", path: "/etc/serviceradar/writer.creds" })
    assert.strictEqual(settings.nats.security._tag, "Mtls")
    assert.deepStrictEqual(settings.jetStream, Option.some("events"))
    assert.strictEqual(settings.consumer, "db-event-writer")
    assert.deepStrictEqual(settings.domain, Option.some("leaf"))
    assert.deepStrictEqual(settings.streams.map(({ stream }) => stream), ["OTEL_METRICS", "LOGS"])
    assert.deepStrictEqual(settings.superseded, new Set(["logs.syslog"]))
    assert.deepStrictEqual(settings.schema, Option.some("platform"))
    assert.strictEqual(
      Option.match(settings.database.url, { onNone: () => "", onSome: Redacted.value }),
      "postgresql://writer:secret@pg:5433/telemetry?sslmode=verify-full"
    )
    assert.deepStrictEqual(settings.database.pool.statementLimit, Option.some(Duration.nanos(30_000_000_000n)))
    assert.deepStrictEqual(settings.database.pool.parameters, { work_mem: "64MB" })
  })

  it("takes a file that knows no tenants for one with a single tenant", () => {
    assert.deepStrictEqual(settingsOf(minimal).tenantDefault, Option.some("default"))
    assert.deepStrictEqual(settingsOf({ ...minimal, tenant: "" }).tenantDefault, Option.none())
  })

  it("reads our own keys, per stream before all, and the documented defaults else", () => {
    const settings = settingsOf({
      ...minimal,
      streams: [{ subject: "logs.>", table: "logs" }, { subject: "telemetry.>", table: "timeseries_metrics" }],
      batch_size: 500,
      batch_timeout: "1s",
      stream_settings: {
        LOGS: { batch_size: 2_000, concurrency: 4 },
        SWEEP: { enabled: true },
        TELEMETRY: { enabled: false }
      },
      create_streams: true,
      dead_letter_stream: "GRAVEYARD",
      max_deliver: 3,
      ack_wait: "45s",
      tenant: "acme",
      tenant_prefixes: ["*"],
      flow_table: "netflow_metrics",
      rule_engine: true,
      schema: "radar",
      retention: { logs: "48h" }
    })

    assert.deepStrictEqual(
      settings.streams.map(({ batchSize, batchTimeout, concurrency, deliveriesMax, stream }) => [
        stream,
        batchSize,
        Duration.toMillis(batchTimeout),
        concurrency,
        deliveriesMax
      ]),
      [["SWEEP", 500, 1_000, EventWriterSettings.concurrencyDefault, 3], ["LOGS", 2_000, 1_000, 4, 3]]
    )
    assert.isTrue(settings.createStreams)
    assert.strictEqual(settings.deadLetterStream, "GRAVEYARD")
    assert.strictEqual(Duration.toSeconds(settings.ackWait), 45)
    assert.deepStrictEqual(settings.tenantDefault, Option.some("acme"))
    assert.deepStrictEqual(settings.tenantPrefixes, ["*"])
    assert.deepStrictEqual(settings.flowTable, Option.some("netflow_metrics"))
    assert.deepStrictEqual(settings.schema, Option.some("radar"))
    assert.strictEqual(Duration.toHours(settings.retention.logs ?? Duration.zero), 48)
    assert.isUndefined(settings.retention.ocsf_events)
  })

  it("names everything that is missing or wrong at once", () => {
    assert.deepStrictEqual(
      keysOf({
        nats_url: "http://nats",
        consumer_name: "a b",
        streams: [{ subject: "logs.>" }],
        nats_security: { mode: "none" },
        cnpg: { host: "" },
        batch_size: 0,
        batch_timeout: "0s"
      }),
      [
        "batch_size",
        "batch_timeout",
        "cnpg.database",
        "cnpg.host",
        "cnpg.username",
        "consumer_name",
        "listen_addr",
        "nats_security.mode",
        "nats_url",
        "stream_name",
        "streams[0].table"
      ]
    )
  })

  it("takes identities of a Workload API for NATS as well", () => {
    const spiffe = {
      mode: "spiffe",
      trust_domain: "example.org",
      server_spiffe_id: "spiffe://example.org/services/nats"
    }
    assert.isTrue(Result.isSuccess(decode({ ...minimal, nats_security: spiffe })))
    assert.deepStrictEqual(problemsOf({ ...minimal, nats_security: { ...spiffe, trust_domain: "not a domain" } }), [
      "nats_security.trust_domain: a trust domain such as example.org"
    ])
  })

  it("wants a single subject and table where there is no list, and takes a table alone", () => {
    assert.deepStrictEqual(problemsOf({ ...minimal, streams: [] }), ["table: a table, because streams has no subject"])
    assert.deepStrictEqual(problemsOf({ ...minimal, streams: [], table: "devices" }), [
      "table: a table that one of the streams is stored in"
    ])
    assert.deepStrictEqual(
      settingsOf({ ...minimal, streams: [], subject: "otel.traces", table: "otel_traces" }).streams.map((one) =>
        one.stream
      ),
      ["OTEL_TRACES"]
    )
    assert.deepStrictEqual(
      settingsOf({ ...minimal, streams: undefined, table: "netflow_metrics" }).streams.map((one) => one.stream),
      ["NETFLOW"]
    )
  })

  it("refuses a table that is not the subject's, and says which it is", () => {
    assert.deepStrictEqual(problemsOf({ ...minimal, streams: [{ subject: "logs.>", table: "otel_traces" }] }), [
      "streams[0].table: logs, where LOGS is stored"
    ])
  })

  it("warns of unknown keys, of the events table, and of certificates that a mode forgets", () => {
    const { value, warnings } = Result.getOrThrow(decode({
      ...minimal,
      consumer: "x",
      streams: [{ subject: "events.poller.health", table: "events" }],
      cnpg: { ...minimal.cnpg, ssl_mode: "disable", tls: { cert_file: "a", key_file: "b", ca_file: "c" } }
    }))

    assert.deepStrictEqual(warnings.map(({ key }) => key), ["consumer"])
    assert.deepStrictEqual(EventWriterConfig.warnings(value), [
      "events.poller.health go to events where the database is one of v1.0.76, else to ocsf_events (EVENT_WRITER_TABLES)",
      "cnpg.ssl_mode is \"disable\", but cnpg.tls names certificates: they are used"
    ])
  })
})

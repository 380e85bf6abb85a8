/**
 * Inputs of the field that were stored wrongly once came as files. Each concerns events, decoders, probes, peers, configurations or
 * databases, and a test that gives its right value names it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources } from "./SourceTree.ts"

const cases = [
  "ce-base64-text.json",
  "ce-binary-mode.json",
  "ce-scalar-data.json",
  "certificates.sh",
  "clock-back.mjs",
  "database-read-only.sql",
  "ecs-service-object.json",
  "flow-arp.bin",
  "flow-bytes-beyond-2p53.json",
  "flow-cloudevent.json",
  "flow-ip-arp-ip.bin",
  "flow-l2.ts",
  "flow-mac-number.json",
  "flow-mapped.bin",
  "flow-words.json",
  "fping-duplicates.sh",
  "grpc-max-connection-age.ts",
  "http-servers.mjs",
  "json-big-integer.json",
  "logs-bom.json",
  "no-default-partition.sql",
  "ocsf-activity-0.json",
  "otlp-as-double-quoted.json",
  "otlp-double-null.json",
  "otlp-double-quoted.json",
  "otlp-gauge-null.json",
  "otlp-int-beyond-2p53.json",
  "otlp-log-time-bare.json",
  "otlp-log-zero-trace-id.json",
  "otlp-nanos-bare.json",
  "otlp-no-recorded-value.json",
  "otlp-null-lists.json",
  "otlp-null-scope-logs.json",
  "ping-not-permitted.sh",
  "severity-pino.json",
  "severity-syslog-words.json",
  "severity-text-and-number.json",
  "snmp-counter64.json",
  "sweep-go-duration.json",
  "telemetry-cloudevent.json",
  "telemetry-unreadable.json",
  "time-forms.json",
  "time-no-clock.json",
  // Seen beside the Go writer.
  "ce-duplicate-id.json",
  "ce-poller-health-no-data.json",
  "ce-poller-health-times-differ.json",
  "core-event-remote-addr.json",
  "core-event-version.json",
  "gelf-no-level.json",
  "gelf-severity-very-high.json",
  "go-file-table-events.json",
  "lifecycle-alias-blanks.json",
  "lifecycle-blank-actor.json",
  "otlp-attributes-shape.json",
  "otlp-empty-export.json",
  "otlp-logs-export-retried.json",
  "otlp-logs-no-trace-context-adopted.json",
  "otlp-metrics-export-retried.json",
  "perf-metrics-null-item.json",
  "start-after-and-schema.json",
  "unlisted-otel-logs-processed.json",
  "unlisted-otel-metrics-processed.json",
  "unlisted-snmp-traps.json",
  // JetStream as it is run elsewhere, and gRPC.
  "01-grpc-answer-compressed-unknown-kills-process.ts",
  "02-grpc-connect-without-settings-hangs-for-ever.ts",
  "03-jetstream-small-disk-some-streams-never-made.ts",
  "04-jetstream-ack-floor-ahead-of-stream.ts",
  "06-jetstream-max-ack-pending-limit.ts",
  "07-jetstream-durable-headers-only.ts",
  "08-jetstream-durable-backoff.ts",
  "10-jetstream-delete-markers.ts",
  "11-nats-ack-not-permitted-floods-log.ts",
  "12-grpc-long-error-detail-breaks-connection.ts",
  "13-listen-colon-port-is-ipv4-only.ts",
  "14-grpc-ca-file-with-intermediate-only.ts",
  "15-grpc-proxy-environment.ts",
  "17-grpc-ipv6-zone.ts",
  "18-grpc-server-takes-compressed-flag-without-encoding.ts",
  // Messages of very many elements.
  "protobomb.mjs",
  "streambomb.mjs"
]

describe("Every case of the field", () => {
  it("is named by a test", () => {
    const root = path.resolve(import.meta.dirname, "../..")
    const text = readSources(root, "test").filter((file) => !file.path.startsWith("test/architecture/"))
      .map((file) => file.text).join("\n")

    assert.deepStrictEqual(cases.filter((name) => !text.includes(name)), [])
  })
})

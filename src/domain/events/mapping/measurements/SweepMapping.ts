/**
 * What a sweep found out about a host, as a row of `sweep_host_states`.
 *
 * Keys without a column go into `metadata`, so that nothing of a newer sweeper is lost.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import type { Element } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { documentWith, jsonb, type JsonObject } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import type { Reading } from "../../decode/Reading.ts"
import * as Scalar from "../../decode/Scalar.ts"
import type { SweepHostStateRow } from "../../rows/SweepHostStates.ts"
import type { RowContext } from "../../stream/EventMessage.ts"

const { json, scalar } = Payload
const ports = Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Union([Schema.Finite, Schema.String]))))

const Sweep = Schema.Struct({
  host_ip: Schema.String.check(Schema.isMinLength(1)),
  poller_id: scalar,
  agent_id: scalar,
  partition: scalar,
  network_cidr: scalar,
  hostname: scalar,
  mac: scalar,
  icmp_available: scalar,
  icmp_response_time_ns: scalar,
  icmp_packet_loss: scalar,
  tcp_ports_scanned: ports,
  tcp_ports_open: ports,
  port_scan_results: json,
  last_sweep_time: scalar,
  first_seen: scalar,
  metadata: json,
  execution_id: scalar,
  sweep_group_id: scalar,
  config_hash: scalar
})

const read = Payload.make(Sweep, { host_ip: ["ip"], poller_id: ["gateway_id"] })

const portNumbers = (
  reading: Reading,
  key: string,
  list: ReadonlyArray<number | string> | null | undefined
): string | null =>
  list === null || list === undefined || list.length === 0
    ? null
    : JSON.stringify(list.map((port) => reading.int4(key, port)))

const known: ReadonlySet<string> = new Set([
  ...Object.keys(Sweep.fields),
  "ip",
  "gateway_id",
  ...Object.keys(Sweep.fields).map(Payload.camel),
  "gatewayId"
])

/** These name the sweep that saw the host: no column has room for them. */
const extras = ["execution_id", "sweep_group_id", "config_hash"] as const

const metadataOf = (sweep: typeof Sweep.Type, object: JsonObject, claims: JsonObject): string | null => {
  const rest = Object.entries(object).filter(([key]) => !known.has(key))
  const named = extras.flatMap((key) => sweep[key] === undefined || sweep[key] === null ? [] : [[key, sweep[key]]])
  return documentWith(sweep.metadata, { ...Object.fromEntries([...rest, ...named]), ...claims }, "metadata")
}

/** Loss is in percent, whether or not it says so. */
const percent = (value: Scalar.Scalar): number | undefined =>
  Scalar.float8(typeof value === "string" ? value.replace(/\s*%\s*$/, "") : value)

const nanosOf = (reading: Reading, key: string, value: Scalar.Scalar): bigint | null => {
  const whole = Scalar.int8(value)
  if (whole !== undefined) return whole
  const nanos = reading.duration(key, value, 1)
  if (nanos === null || Number.isFinite(nanos)) return nanos === null ? null : Scalar.int8(nanos) ?? null
  return reading.refuse(key, "expected a finite duration")
}

export const map = (
  { envelope, payload }: Element,
  context: RowContext
): Result.Result<SweepHostStateRow, Problem> =>
  read(payload, (sweep, reading) => {
    const { claim, micros } = EventTime.first(context.storedAtMicros, sweep.last_sweep_time, envelope?.time)
    const seen = EventTime.first(context.storedAtMicros, sweep.first_seen)
    const claims = {
      ...(claim === undefined ? {} : { last_sweep_time: claim }),
      ...(seen.claim === undefined ? {} : { first_seen: seen.claim })
    }
    return {
      tenant_id: context.tenantId,
      host_ip: sweep.host_ip,
      poller_id: Scalar.text(sweep.poller_id) ?? "unknown",
      agent_id: Scalar.text(sweep.agent_id) ?? "unknown",
      partition: Scalar.text(sweep.partition) ?? "default",
      network_cidr: Scalar.text(sweep.network_cidr),
      hostname: Scalar.text(sweep.hostname),
      mac: Scalar.text(sweep.mac),
      icmp_available: reading.boolean("icmp_available", sweep.icmp_available),
      icmp_response_time_ns: nanosOf(reading, "icmp_response_time_ns", sweep.icmp_response_time_ns),
      icmp_packet_loss: reading.read("icmp_packet_loss", sweep.icmp_packet_loss, percent, "a percentage"),
      tcp_ports_scanned: portNumbers(reading, "tcp_ports_scanned", sweep.tcp_ports_scanned),
      tcp_ports_open: portNumbers(reading, "tcp_ports_open", sweep.tcp_ports_open),
      port_scan_results: jsonb(sweep.port_scan_results),
      last_sweep_time: micros,
      first_seen: seen.micros,
      metadata: metadataOf(sweep, payload, claims)
    }
  })

/**
 * What a sweep found out about a host, as a row of `sweep_host_states`.
 *
 * Keys without a column go into `metadata`, so that nothing of a newer sweeper is lost.
 */
import { Result, Schema } from "effect"
import type { Problem } from "../../decode/DecodeError.ts"
import { jsonb, type JsonObject } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { SweepHostStateRow } from "../../rows/SweepHostStates.ts"
import type { RowContext } from "../../stream/EventMessage.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)
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
  port_scan_results: Schema.optionalKey(Schema.Unknown),
  last_sweep_time: scalar,
  first_seen: scalar,
  metadata: Schema.optionalKey(Schema.Unknown),
  execution_id: scalar,
  sweep_group_id: scalar,
  config_hash: scalar
})

const decode = Payload.make(Sweep, { host_ip: ["ip"], poller_id: ["gateway_id"] })

const portNumbers = (list: ReadonlyArray<number | string> | null | undefined): string | null =>
  list === null || list === undefined || list.length === 0
    ? null
    : JSON.stringify(list.map((port) => Scalar.int4(port)).filter((port) => port !== null))

const known: ReadonlySet<string> = new Set([
  ...Object.keys(Sweep.fields),
  "ip",
  "gateway_id",
  ...Object.keys(Sweep.fields).map(Payload.camel),
  "gatewayId"
])

/** These name the sweep that saw the host: no column has room for them. */
const extras = ["execution_id", "sweep_group_id", "config_hash"] as const

const metadataOf = (sweep: typeof Sweep.Type, object: JsonObject): string | null => {
  const rest = Object.entries(object).filter(([key]) => !known.has(key))
  const named = extras.flatMap((key) => sweep[key] === undefined || sweep[key] === null ? [] : [[key, sweep[key]]])
  if (rest.length === 0 && named.length === 0) return jsonb(sweep.metadata)
  return JSON.stringify(Object.fromEntries([
    ...rest,
    ...named,
    ...(typeof sweep.metadata === "object" && sweep.metadata !== null ? Object.entries(sweep.metadata) : [])
  ]))
}

export const map = (object: JsonObject, context: RowContext): Result.Result<SweepHostStateRow, Problem> =>
  Result.map(decode(object), (sweep) => ({
    tenant_id: context.tenantId,
    host_ip: sweep.host_ip,
    poller_id: Scalar.text(sweep.poller_id) ?? "unknown",
    agent_id: Scalar.text(sweep.agent_id) ?? "unknown",
    partition: Scalar.text(sweep.partition) ?? "default",
    network_cidr: Scalar.text(sweep.network_cidr),
    hostname: Scalar.text(sweep.hostname),
    mac: Scalar.text(sweep.mac),
    icmp_available: Scalar.boolean(sweep.icmp_available),
    icmp_response_time_ns: Scalar.int8(sweep.icmp_response_time_ns),
    icmp_packet_loss: Scalar.float8(sweep.icmp_packet_loss),
    tcp_ports_scanned: portNumbers(sweep.tcp_ports_scanned),
    tcp_ports_open: portNumbers(sweep.tcp_ports_open),
    port_scan_results: jsonb(sweep.port_scan_results),
    last_sweep_time: Timestamp.micros(sweep.last_sweep_time) ?? context.storedAtMicros,
    first_seen: Timestamp.micros(sweep.first_seen) ?? context.storedAtMicros,
    metadata: metadataOf(sweep, object)
  }))

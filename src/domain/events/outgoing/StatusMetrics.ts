/**
 * A polled status as metrics for `telemetry.>`, one message each.
 *
 * Units and names follow the service's own: seconds, bytes, percent. The series are told apart by agent, device and
 * tags, so services of one type on one host stay apart.
 */
import { DateTime, Option, Schema } from "effect"
import { json, type Outgoing, token } from "./Outgoing.ts"
import { addressOf, documentOf, type Polled } from "./Polled.ts"
import * as SysmonMetrics from "./SysmonMetrics.ts"

const Ping = Schema.fromJsonString(Schema.Struct({ packet_loss: Schema.Finite }))
const decodePing = Schema.decodeUnknownOption(Ping)

/** What the check's document says in numbers, for the types that have some. */
const documented: Readonly<Record<string, (document: string) => ReadonlyArray<SysmonMetrics.Sample>>> = {
  sysmon: SysmonMetrics.read,
  icmp: (document) =>
    Option.match(decodePing(document), {
      onNone: () => [],
      onSome: ({ packet_loss }) => [{ name: "icmp_packet_loss_percent", value: packet_loss, unit: "%", tags: {} }]
    })
}

const measured = ({ status }: Polled): ReadonlyArray<SysmonMetrics.Sample> => [
  { name: "service_available", value: status.available ? 1 : 0, unit: "1", tags: {} },
  ...(status.available && status.responseTimeNanos > 0n
    ? [{ name: "service_response_time_seconds", value: Number(status.responseTimeNanos) / 1e9, unit: "s", tags: {} }]
    : [])
]

export const make = (polled: Polled): ReadonlyArray<Outgoing> => {
  const { measuredAtMillis, status } = polled
  const read = Object.hasOwn(documented, status.serviceType) ? documented[status.serviceType] : undefined
  const samples = [...measured(polled), ...(read === undefined ? [] : read(documentOf(polled)))]
  const subject = `telemetry.poller.${token(status.pollerId)}.${token(status.serviceType)}`
  const address = addressOf(polled)
  const common = {
    timestamp: DateTime.formatIso(DateTime.makeUnsafe(measuredAtMillis)),
    gateway_id: status.pollerId,
    agent_id: status.agentId,
    partition: status.partition,
    metric_type: "gauge",
    is_delta: false,
    ...(address === undefined ? {} : { device_id: `${status.partition}:${address}`, target_device_ip: address })
  }
  return samples.map(({ name, tags, unit, value }) =>
    json(subject, {
      ...common,
      metric_name: name,
      value,
      unit,
      tags: { service_type: status.serviceType, service_name: status.serviceName, ...tags }
    })
  )
}

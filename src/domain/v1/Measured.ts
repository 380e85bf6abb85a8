/**
 * What statuses measured, by kind: the existing core takes metrics from `icmp`, `snmp`, `rperf` and the system checker, and from
 * nothing else. Messages are kept as agents wrote them, so they are read here; one that says something else measured nothing.
 */
import { Option, Result, Schema } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import * as IpAddress from "../monitoring/IpAddress.ts"
import * as ServiceKinds from "../monitoring/ServiceKinds.ts"

const kinds = ["icmp", "snmp", "sysmon", "rperf"] as const
export type MetricKind = typeof kinds[number]

export const kindOf = (
  { serviceName, serviceType }: Pick<PastStatus, "serviceName" | "serviceType">
): MetricKind | undefined => {
  const kind = kinds.find((one) => one === serviceType)
  if (kind !== undefined || serviceType !== "grpc") return kind
  if (serviceName === "rperf-checker") return "rperf"
  return ServiceKinds.isSysmonName(serviceName) ? "sysmon" : undefined
}

const parse = (text: string): unknown => Result.getOrElse(Result.try((): unknown => JSON.parse(text)), () => null)

/** Of a status, as `schema` has it. */
export const reader = <A>(schema: Schema.Decoder<A>) => {
  const decode = Schema.decodeUnknownOption(schema)
  return ({ message }: Pick<PastStatus, "message">): Option.Option<A> => decode(parse(message))
}

const Host = Schema.Struct({ host_ip: Schema.optionalKey(Schema.Unknown), ip: Schema.optionalKey(Schema.Unknown) })
const Said = Schema.Struct({ ...Host.fields, status: Schema.optionalKey(Schema.Unknown) })
const readSaid = reader(Said)
const decodeHost = Schema.decodeUnknownOption(Host)
const readTargets = reader(Schema.Record(Schema.String, Schema.Unknown))

const addressOf = (value: unknown): string =>
  typeof value === "string" ? Option.getOrElse(IpAddress.parse(value.trim()), () => "") : ""

const addressIn = ({ host_ip, ip }: typeof Host.Type): string => addressOf(host_ip) || addressOf(ip)

/** The address that a check asked; empty where it says none. */
export const hostOf = (status: Pick<PastStatus, "message">): string =>
  Option.match(readSaid(status), {
    onNone: () => "",
    onSome: (said) => addressIn(said) || Option.match(decodeHost(said.status), { onNone: () => "", onSome: addressIn })
  })

/** Of an SNMP check those of its targets. */
export const hostsOf = (status: Pick<PastStatus, "message" | "serviceName" | "serviceType">): ReadonlyArray<string> =>
  kindOf(status) !== "snmp"
    ? [hostOf(status)].filter((ip) => ip !== "")
    : Option.match(readTargets(status), {
      onNone: () => [],
      onSome: (targets) =>
        Object.values(targets).flatMap((target) =>
          Option.match(decodeHost(target), { onNone: () => [], onSome: (host) => [addressIn(host)] })
        ).filter((ip) => ip !== "")
    })

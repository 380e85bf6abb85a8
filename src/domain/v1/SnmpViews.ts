/** What SNMP checks read, one entry for each object. */
import { DateTime, Option, Schema } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import * as IpAddress from "../monitoring/IpAddress.ts"
import { reader } from "./Measured.ts"

const Target = Schema.Struct({
  host_ip: Schema.optionalKey(Schema.String),
  oid_status: Schema.Record(
    Schema.String,
    Schema.Struct({ last_value: Schema.Unknown, last_update: Schema.optionalKey(Schema.String) })
  )
})

const read = reader(Schema.Record(Schema.String, Schema.Unknown))
const decodeTarget = Schema.decodeUnknownOption(Target)

interface SnmpReading {
  readonly status: PastStatus
  readonly ip: string
  readonly name: string
  readonly value: string | number | boolean
  readonly at: string
}

const isValue = (value: unknown): value is SnmpReading["value"] =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

export const readings = (statuses: ReadonlyArray<PastStatus>): ReadonlyArray<SnmpReading> =>
  statuses.flatMap((status) =>
    Object.values(Option.getOrElse(read(status), () => ({}))).flatMap((given) =>
      Option.match(decodeTarget(given), {
        onNone: () => [],
        onSome: ({ host_ip = "", oid_status }) =>
          Object.entries(oid_status).flatMap(([name, { last_update, last_value }]) =>
            isValue(last_value)
              ? [{
                status,
                ip: Option.getOrElse(IpAddress.parse(host_ip), () => ""),
                name,
                value: last_value,
                at: last_update ?? DateTime.formatIso(status.reportedAt)
              }]
              : []
          )
      })
    )
  )

export const typeOf = ({ value }: SnmpReading): string =>
  typeof value === "number" ? Number.isInteger(value) ? "integer" : "float" : typeof value

/** An agent has scaled its values and taken their differences already. */
export const view = (reading: SnmpReading) => ({
  oid_name: reading.name,
  value: reading.value,
  value_type: typeOf(reading),
  timestamp: reading.at,
  scale: 1,
  is_delta: false
})

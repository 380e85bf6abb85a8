/** The other names of a device as the existing core shows them: those that are held, the newest first. */
import { DateTime, Option, Schema } from "effect"
import { aliasTypes } from "../inventory/devices/Sighting.ts"
import type { Values } from "../records/Record.ts"

/** Of each kind. */
const entriesMax = 100

const Alias = Schema.Struct({
  aliasType: Schema.Literals(aliasTypes),
  aliasValue: Schema.String,
  lastSeenAt: Schema.DateTimeUtc
})
type Alias = typeof Alias.Type

const decode = Schema.decodeUnknownOption(Alias)

const timeOf = ({ lastSeenAt }: Alias): string => DateTime.formatIso(lastSeenAt)

/** Undefined where a device has none. */
export const make = (records: ReadonlyArray<Values>, ip: string) => {
  const all = records.flatMap((values) => Option.toArray(decode(values))).toSorted((a, b) =>
    DateTime.toEpochMillis(b.lastSeenAt) - DateTime.toEpochMillis(a.lastSeenAt)
  )
  const [last] = all
  if (last === undefined) return undefined
  const of = (type: Alias["aliasType"]) => all.filter(({ aliasType }) => aliasType === type).slice(0, entriesMax)
  const [services, ips, collectors] = [of("service_id"), of("ip"), of("collector_ip")]
  return {
    last_seen_at: timeOf(last),
    ...(collectors[0] === undefined ? {} : { collector_ip: collectors[0].aliasValue }),
    ...(services[0] === undefined ? {} : { current_service_id: services[0].aliasValue }),
    ...(ip === "" ? {} : { current_ip: ip }),
    ...(services.length === 0
      ? {}
      : { services: services.map((one) => ({ id: one.aliasValue, last_seen_at: timeOf(one) })) }),
    ...(ips.length === 0 ? {} : { ips: ips.map((one) => ({ ip: one.aliasValue, last_seen_at: timeOf(one) })) })
  }
}

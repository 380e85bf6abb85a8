/**
 * Other names of a device, as the existing programs say them in its metadata: `_alias_last_seen_ip`,
 * `_alias_last_seen_service_id`, `_alias_collector_ip`, and with the time at which it was seen so `ip_alias:IP` and
 * `service_alias:ID`.
 */
import { DateTime, Option } from "effect"
import { addressOf, textOf } from "./ReportedHost.ts"
import type { AliasType, SaidAlias } from "./Sighting.ts"

/** Of one device; more are passed over. */
const aliasesMax = 32

const valueMax = 1024

const plain: Readonly<Record<string, AliasType>> = {
  _alias_last_seen_ip: "ip",
  _alias_last_seen_service_id: "service_id",
  _alias_collector_ip: "collector_ip"
}

const timed: Readonly<Record<string, AliasType>> = { ip_alias: "ip", service_alias: "service_id" }

const valueOf = (type: AliasType, given: string): string => type === "service_id" ? given.trim() : addressOf(given)

const timeOf = (value: unknown): DateTime.Utc | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(textOf(value)), DateTime.toUtc))

export const ofMetadata = (metadata: Readonly<Record<string, unknown>>): ReadonlyArray<SaidAlias> => {
  const said = new Map<string, SaidAlias>()
  const say = (type: AliasType, given: string, seenAt: DateTime.Utc | undefined) => {
    const value = valueOf(type, given)
    const key = JSON.stringify([type, value])
    if (value === "" || value.length > valueMax || said.size >= aliasesMax || said.has(key)) return
    said.set(key, { type, value, ...(seenAt === undefined ? {} : { seenAt }) })
  }
  for (const [key, value] of Object.entries(metadata)) {
    const at = key.indexOf(":")
    const type = at < 0 ? undefined : timed[key.slice(0, at)]
    if (type !== undefined) say(type, key.slice(at + 1), timeOf(value))
  }
  const lastSeenAt = timeOf(metadata["_alias_last_seen_at"])
  for (const [key, type] of Object.entries(plain)) say(type, textOf(metadata[key]), lastSeenAt)
  return [...said.values()]
}

/**
 * Other names of a device, as the existing programs say them in its metadata: `_alias_last_seen_ip`,
 * `_alias_last_seen_service_id`, `_alias_collector_ip`, and with the time at which it was seen so `ip_alias:IP` and
 * `service_alias:ID`. Nobody has seen them later than the device was, and an address that every machine has names none.
 */
import { DateTime, Option } from "effect"
import { addressOf, isLoopback, textOf } from "./ReportedHost.ts"
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

const isEveryones = (address: string): boolean => isLoopback(address) || address === "0.0.0.0" || address === "::"

const valueOf = (type: AliasType, given: string): string => {
  if (type === "service_id") return given.trim()
  const address = addressOf(given)
  return isEveryones(address) ? "" : address
}

const timeOf = (value: unknown): DateTime.Utc | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(textOf(value)), DateTime.toUtc))

/** `latest` is when the device was seen. */
export const ofMetadata = (
  metadata: Readonly<Record<string, unknown>>,
  latest: DateTime.Utc
): ReadonlyArray<SaidAlias> => {
  const said = new Map<string, SaidAlias>()
  const say = (type: AliasType, given: string, seenAt: DateTime.Utc | undefined) => {
    const value = valueOf(type, given)
    const key = JSON.stringify([type, value])
    if (value === "" || value.length > valueMax || said.size >= aliasesMax || said.has(key)) return
    const isEarlier = seenAt !== undefined && DateTime.isLessThan(seenAt, latest)
    said.set(key, { type, value, ...(isEarlier ? { seenAt } : {}) })
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

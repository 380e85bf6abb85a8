/**
 * What becomes of a name that a device has beside its own: an address under which it was seen, a service of ours that runs on
 * it, a collector that sees it.
 *
 * An alias is detected when the device is seen under it, confirmed when it was often enough, stale when it was not for a
 * week, and archived after a month. One that is seen again afterwards begins anew, or where it was only stale is confirmed.
 * When somebody else has had an address or a service for an hour it is theirs; a collector sees many.
 */
import { DateTime } from "effect"
import type { Values } from "../../records/Record.ts"
import { sightingsMin } from "./DeviceAliasState.ts"
import { touchMillis } from "./SeenDevice.ts"
import { type AliasType, normalisedMac } from "./Sighting.ts"

/** Those that a device has itself: it is seen under them, nobody need say so. */
export const ownTypes = ["ip", "mac"] as const satisfies ReadonlyArray<AliasType>

/** Those that only one device has at a time. */
export const exclusiveTypes = ["ip", "mac", "service_id"] as const satisfies ReadonlyArray<AliasType>

export const isExclusive = (type: AliasType): boolean => type !== "collector_ip"

/** As aliases have it. */
export const valueOf = (type: AliasType, text: string): string => type === "mac" ? normalisedMac(text) : text

const staleMillis = 7 * 86_400_000
const archivedMillis = 30 * 86_400_000
const replacedMillis = 3_600_000

/** An action of `DeviceAliasState`; sightings alone are nothing to tell of. */
export interface AliasAct {
  readonly action: string
  readonly input: Readonly<Record<string, unknown>>
  readonly telling: "told" | "untold"
}

const told = (action: string, input: AliasAct["input"] = {}): AliasAct => ({ action, input, telling: "told" })

const lastMillis = ({ lastSeenAt }: Values): number =>
  DateTime.isDateTime(lastSeenAt) ? DateTime.toEpochMillis(lastSeenAt) : Number.NEGATIVE_INFINITY

/** It was seen; counted once in a while, as the device itself is. */
export const seen = (alias: Values, seenAt: DateTime.Utc): ReadonlyArray<AliasAct> => {
  const { sightingCount, state } = alias
  const atMillis = DateTime.toEpochMillis(seenAt)
  if (state === "replaced" || state === "archived") {
    return atMillis <= lastMillis(alias) ? [] : [told("detectAgain", { sightingCount: 1, lastSeenAt: seenAt })]
  }
  if (atMillis < lastMillis(alias) + touchMillis) return []
  const count = Number(sightingCount) + 1
  const counted: AliasAct = {
    action: "recordSighting",
    input: { sightingCount: count, lastSeenAt: seenAt },
    telling: "untold"
  }
  // The sighting comes last: it says when the device was seen, which is not now.
  if (state === "stale") return [told("reactivate"), counted]
  return state === "detected" && count >= sightingsMin ? [counted, told("confirm")] : [counted]
}

/** Its device was seen, but not there. What that makes of it is made at once, so that the same sighting changes nothing twice. */
export const unseen = (alias: Values, seenAt: DateTime.Utc): ReadonlyArray<AliasAct> => {
  const agoMillis = DateTime.toEpochMillis(seenAt) - lastMillis(alias)
  switch (alias["state"]) {
    case "detected":
    case "confirmed":
    case "updated":
      if (agoMillis <= staleMillis) return []
      return agoMillis > archivedMillis ? [told("markStale"), told("archive")] : [told("markStale")]
    case "stale":
    case "replaced":
      return agoMillis > archivedMillis ? [told("archive")] : []
    default:
      return []
  }
}

export const isHeld = ({ state }: Values): boolean => state !== "replaced" && state !== "archived"

/** Another device was seen under it, as an alias of its own or as its own address. */
export const taken = (alias: Values, seenAt: DateTime.Utc, by: string | undefined): ReadonlyArray<AliasAct> =>
  isHeld(alias) && DateTime.toEpochMillis(seenAt) - lastMillis(alias) > replacedMillis ? replaced(alias, by) : []

/** Its device turned out to be another. */
export const replaced = (alias: Values, by: string | undefined): ReadonlyArray<AliasAct> =>
  isHeld(alias) ? [told("replace", by === undefined ? {} : { replacedByAliasId: by })] : []

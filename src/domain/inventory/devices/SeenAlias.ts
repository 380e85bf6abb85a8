/**
 * What becomes of an address under which a device was seen beside the one that it has.
 *
 * An alias is detected when a device that is known by more than its address is seen at another, confirmed when it was seen
 * there often enough, stale when it was not for a week, and archived after a month. One that is seen again afterwards
 * begins anew, or where it was only stale is confirmed. When somebody else has had the address for an hour it is theirs.
 */
import { DateTime } from "effect"
import type { Values } from "../../records/Record.ts"
import { sightingsMin } from "./DeviceAliasState.ts"
import { touchMillis } from "./SeenDevice.ts"

export const aliasTypes = ["ip", "mac"] as const

export type AliasType = typeof aliasTypes[number]

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
  if (state === "stale") return [counted, told("reactivate")]
  return state === "detected" && count >= sightingsMin ? [counted, told("confirm")] : [counted]
}

/** Its device was seen, but not there. */
export const unseen = (alias: Values, seenAt: DateTime.Utc): ReadonlyArray<AliasAct> => {
  const agoMillis = DateTime.toEpochMillis(seenAt) - lastMillis(alias)
  switch (alias["state"]) {
    case "detected":
    case "confirmed":
    case "updated":
      return agoMillis > staleMillis ? [told("markStale")] : []
    case "stale":
    case "replaced":
      return agoMillis > archivedMillis ? [told("archive")] : []
    default:
      return []
  }
}

const isHeld = ({ state }: Values): boolean => state !== "replaced" && state !== "archived"

/** Another device was seen there, under an alias of its own or under its own address. */
export const taken = (alias: Values, seenAt: DateTime.Utc, by: string | undefined): ReadonlyArray<AliasAct> =>
  isHeld(alias) && DateTime.toEpochMillis(seenAt) - lastMillis(alias) > replacedMillis ? replaced(alias, by) : []

/** Its device turned out to be another. */
export const replaced = (alias: Values, by: string | undefined): ReadonlyArray<AliasAct> =>
  isHeld(alias) ? [told("replace", by === undefined ? {} : { replacedByAliasId: by })] : []

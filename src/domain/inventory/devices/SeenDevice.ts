/** What becomes of a device when it is seen: the newest sighting is right, and what it leaves empty stays. */
import { DateTime } from "effect"
import type { Values } from "../../records/Record.ts"
import type { Sighting } from "./Sighting.ts"

/** A device that is seen again and again is written once in this time, as long as nothing else is new. */
export const touchMillis = 60_000

const sourcesMax = 64

const millisOf = (value: Values[string] | undefined): number =>
  DateTime.isDateTime(value) ? DateTime.toEpochMillis(value) : Number.NEGATIVE_INFINITY

const listOf = (value: Values[string] | undefined): ReadonlyArray<string> =>
  typeof value === "object" && value !== null && !DateTime.isDateTime(value) ? value : []

const textMax = 1024

const told = (sighting: Sighting, isNewest: boolean, before: Values | null) => {
  const { agentId, hostname, ip, mac, pollerId, partition } = sighting
  const texts = { hostname, ip, mac, pollerId, agentId, partitionId: partition }
  return Object.fromEntries(
    Object.entries(texts).flatMap(([field, text]) => {
      const isTold = text !== "" && text.length <= textMax && (isNewest || (before?.[field] ?? null) === null)
      return isTold && before?.[field] !== text ? [[field, text] as const] : []
    })
  )
}

/** The input of `discover`. */
export const discovered = (uid: string, sighting: Sighting): Readonly<Record<string, unknown>> => ({
  uid,
  ...told(sighting, true, null),
  firstSeenTime: sighting.seenAt,
  lastSeenTime: sighting.seenAt,
  isAvailable: sighting.isAvailable ?? true,
  discoverySources: [sighting.source]
})

/** The input of `refresh`: empty where nothing is new. */
export const refreshed = (before: Values, sighting: Sighting): Readonly<Record<string, unknown>> => {
  const { isAvailable, seenAt, source } = sighting
  const lastMillis = millisOf(before["lastSeenTime"])
  const isNewest = DateTime.toEpochMillis(seenAt) >= lastMillis
  const sources = listOf(before["discoverySources"])
  const news = {
    ...told(sighting, isNewest, before),
    ...(isNewest && isAvailable !== undefined && isAvailable !== before["isAvailable"] ? { isAvailable } : {}),
    ...(sources.includes(source) || sources.length >= sourcesMax
      ? {}
      : { discoverySources: [...sources, source].toSorted() })
  }
  const isNew = Object.keys(news).length > 0
  const isDue = DateTime.toEpochMillis(seenAt) >= lastMillis + touchMillis
  return isNewest && (isNew || isDue) ? { ...news, lastSeenTime: seenAt } : news
}

/** Whether an input of `refresh` says more than that the device is still there. */
export const isNews = (input: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(input).some((field) => field !== "lastSeenTime")

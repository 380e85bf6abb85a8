/** What becomes of a network interface when it is seen: the newest sighting is right, and what it leaves out stays. */
import { DateTime } from "effect"
import type { Values } from "../../records/Record.ts"
import { touchMillis } from "./SeenDevice.ts"
import type { SeenInterface, Sighting } from "./Sighting.ts"

type By = Pick<Sighting, "agentId" | "pollerId" | "ip" | "seenAt">

const said = (seen: SeenInterface, { agentId, ip, pollerId }: By) => ({
  ...(agentId === "" ? {} : { agentId }),
  ...(pollerId === "" ? {} : { pollerId }),
  ...(ip === "" ? {} : { deviceIp: ip }),
  ...seen
})

/** The input of `record`. */
export const recorded = (deviceId: string, seen: SeenInterface, by: By): Readonly<Record<string, unknown>> => ({
  deviceId,
  timestamp: by.seenAt,
  ...said(seen, by)
})

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** The input of `refresh`: empty where nothing is new, and the device was not seen for the first time in a while. */
export const refreshed = (before: Values, seen: SeenInterface, by: By): Readonly<Record<string, unknown>> => {
  const last = before["timestamp"]
  const lastMillis = DateTime.isDateTime(last) ? DateTime.toEpochMillis(last) : Number.NEGATIVE_INFINITY
  const atMillis = DateTime.toEpochMillis(by.seenAt)
  if (atMillis < lastMillis) return {}
  const news = Object.fromEntries(
    Object.entries(said(seen, by)).filter(([name, value]) => !isSame(value, before[name]))
  )
  return Object.keys(news).length > 0 || atMillis >= lastMillis + touchMillis ? { ...news, timestamp: by.seenAt } : {}
}

/** Whether an input of `refresh` says more than that the interface is still there. */
export const isNews = (input: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(input).some((field) => field !== "timestamp")

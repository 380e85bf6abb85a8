/** When sync reads its source, and what it says of devices that are gone. */
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import type { World } from "../../../src/services/simulation/World.ts"

export interface ReadingTimes {
  readonly world: Pick<World, "nowMillis" | "violate">
  readonly plan: ReadonlyArray<Fault>
  readonly intervalMillis: number
  readonly parties: ReadonlyArray<string>
}

/** After a failure the pause is an interval at the longest, before its jitter. */
const jitter = 1.2
/** What a reading takes that has to be tried again, and a start. */
const readMillis = 30_000

/** The source was left alone, and so was who reads it, for as long as its last pause may have been. */
const isLeftAlone = ({ parties, plan, world }: ReadingTimes, forMillis: number): boolean =>
  plan.every(({ atMillis, lastsMillis, other, target }) =>
    atMillis > world.nowMillis || world.nowMillis - atMillis - lastsMillis > forMillis ||
    (!parties.includes(target) && !parties.includes(other ?? ""))
  )

/** Asked now and then; `lastMillis`: when the last reading began. */
export const look = (times: ReadingTimes, lastMillis: number): void => {
  const { intervalMillis, world } = times
  const most = jitter * intervalMillis + readMillis
  const since = world.nowMillis - Math.max(0, lastMillis)
  if (since <= most || !isLeftAlone(times, most)) return
  world.violate("a source is read in time", `it was read ${(since / 1_000).toFixed(0)} s ago`)
}

interface Had {
  readonly devices: ReadonlyMap<number, string>
}

/** Devices of a copy before that a copy has no more, and does not say that they are gone. */
export const unsaid = (before: Had, now: Had & { readonly retracted: ReadonlySet<number> }): number | undefined =>
  [...before.devices.keys()].find((id) => !now.devices.has(id) && !now.retracted.has(id))

/**
 * Which partitions of a table are to be made and which dropped: one per day in UTC, some days ahead.
 *
 * Rows of other days wait in a default partition. Days that the table still keeps get a partition when rows wait for
 * them; days further ahead than planned do not, as such rows come from wrong clocks.
 */
import { DateTime, Duration } from "effect"

const dayMillis = 86_400_000

export interface Partition {
  readonly name: string
  /** Midnight in UTC, and the next one. */
  readonly fromMillis: number
  readonly toMillis: number
}

interface PartitionPlan {
  readonly create: ReadonlyArray<Partition>
  readonly drop: ReadonlyArray<string>
}

const dayOf = (millis: number): number => Math.floor(millis / dayMillis) * dayMillis

const pattern = /^(.+)_p(\d{4})(\d\d)(\d\d)$/

/** `logs_p20260102`. */
const nameOf = (table: string, dayStartMillis: number): string =>
  `${table}_p${DateTime.formatIso(DateTime.makeUnsafe(dayStartMillis)).slice(0, 10).replaceAll("-", "")}`

const startOf = (table: string, name: string): number | undefined => {
  const found = pattern.exec(name)
  if (found === null || found[1] !== table) return undefined
  const start = Date.UTC(Number(found[2]), Number(found[3]) - 1, Number(found[4]))
  // A day that does not exist would be taken for another one.
  return nameOf(table, start) === name ? start : undefined
}

export const make = (options: {
  readonly table: string
  /** Names of the partitions that there are; foreign names are left alone. */
  readonly existing: ReadonlyArray<string>
  readonly nowMillis: number
  readonly retention: Duration.Duration
  readonly daysAhead: number
  /** Moments of rows in the default partition, at least one of each day. */
  readonly waitingMillis: ReadonlyArray<number>
}): PartitionPlan => {
  const { daysAhead, existing, nowMillis, retention, table, waitingMillis } = options
  const keptSinceMillis = nowMillis - Duration.toMillis(retention)
  const today = dayOf(nowMillis)
  const known = new Set(existing)
  // Yesterday too, for rows that come a little late.
  const planned = Array.from({ length: 2 + daysAhead }, (_, at) => today + (at - 1) * dayMillis)
  const lastPlanned = today + daysAhead * dayMillis
  const days = new Set([...planned, ...waitingMillis.map(dayOf).filter((day) => day <= lastPlanned)])
  const wanted = Array.from(days).sort((one, other) => one - other).map((fromMillis): Partition => ({
    name: nameOf(table, fromMillis),
    fromMillis,
    toMillis: fromMillis + dayMillis
  }))
  return {
    create: wanted.filter(({ name, toMillis }) => !known.has(name) && toMillis > keptSinceMillis),
    drop: existing.filter((name) => {
      const start = startOf(table, name)
      return start !== undefined && start + dayMillis <= keptSinceMillis
    })
  }
}

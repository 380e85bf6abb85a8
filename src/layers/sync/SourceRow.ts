/** A source's line in a table on a terminal. */
import type { SourceOverview } from "../../services/sync/SyncOverview.ts"
import type { InventoryRow } from "../terminal/InventoryTable.ts"

/** Of the run that is under way, or of the last; none before the first. */
export const devicesPerSecond = (
  { devices, fetchedAt, startedAt }: SourceOverview,
  nowMillis: number
): number | undefined =>
  startedAt === 0
    ? undefined
    : devices / Math.max(0.001, ((fetchedAt === 0 ? nowMillis : fetchedAt) - startedAt) / 1000)

export const make = (nowMillis: number) => (source: SourceOverview): InventoryRow => ({
  ...source,
  devicesPerSecond: devicesPerSecond(source, nowMillis),
  problem: source.detail
})

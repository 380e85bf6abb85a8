/**
 * Takes what was seen of devices into a tenant's inventory: which device a sighting is of is decided, then it is made or
 * brought up to date.
 *
 * When `sight` succeeds all of it is committed, in slices; the same sightings again change nothing. One that cannot be
 * taken is told in the log and left out, the others are not.
 */
import { Context, type Effect } from "effect"
import type { Sighting } from "../../domain/inventory/devices/Sighting.ts"
import type { RecordsRefused, RecordsUnavailable } from "../records/Records.ts"

export interface Sighted {
  readonly made: number
  readonly changed: number
  readonly merged: number
  /** What no rule of the inventory allows. */
  readonly refused: number
}

export const nothing: Sighted = { made: 0, changed: 0, merged: 0, refused: 0 }

export const sum = (a: Sighted, b: Sighted): Sighted => ({
  made: a.made + b.made,
  changed: a.changed + b.changed,
  merged: a.merged + b.merged,
  refused: a.refused + b.refused
})

export class DeviceRegistry extends Context.Service<DeviceRegistry, {
  /** In their order: of two that contradict each other the later is right, unless it was seen earlier. */
  readonly sight: (
    tenantId: string,
    sightings: ReadonlyArray<Sighting>
  ) => Effect.Effect<Sighted, RecordsUnavailable | RecordsRefused>
}>()("serviceradar/services/inventory/DeviceRegistry") {}

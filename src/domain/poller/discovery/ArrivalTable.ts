/**
 * The agents that came, and until when each is taken to be there.
 *
 * Whoever holds an id keeps it until its lease ends: nobody else, and nobody with another certificate, takes it over. The
 * ids of the configuration file are nobody's to take.
 */
import { Result } from "effect"
import type { AgentId } from "../../monitoring/Ids.ts"
import * as Arrival from "./Arrival.ts"

export interface Held {
  readonly arrival: Arrival.Arrival
  /** By a clock that only goes forward; infinite for those of a list, which stay as long as they are in it. */
  readonly expiresMillis: number
}

export interface ArrivalTable {
  readonly held: ReadonlyMap<AgentId, Held>
}

export interface Rules {
  readonly agentsMax: () => number
  readonly isConfigured: (agentId: AgentId) => boolean
}

/** `configured`: the file has that id. `taken`: somebody else holds it. `full`: there are as many as may be. */
export type Refusal = "configured" | "taken" | "full"

export const empty: ArrivalTable = { held: new Map() }

export const arrivals = ({ held }: ArrivalTable): ReadonlyArray<Arrival.Arrival> =>
  [...held.values()].map(({ arrival }) => arrival)

/** Those that must be heard of again before a time. */
export const leased = ({ held }: ArrivalTable): ReadonlyArray<Held> =>
  [...held.values()].filter(({ expiresMillis }) => Number.isFinite(expiresMillis))

const isHolder = (holder: Arrival.Arrival, { identity, source }: Pick<Arrival.Arrival, "identity" | "source">) =>
  holder.source === source && holder.identity === identity

export const announce = (
  { held }: ArrivalTable,
  arrival: Arrival.Arrival,
  expiresMillis: number,
  { agentsMax, isConfigured }: Rules
): Result.Result<ArrivalTable, Refusal> => {
  const before = held.get(arrival.agentId)
  if (isConfigured(arrival.agentId)) return Result.fail("configured")
  if (before !== undefined && !isHolder(before.arrival, arrival)) return Result.fail("taken")
  if (before === undefined && held.size >= agentsMax()) return Result.fail("full")
  // The very one that is known, where nothing is new of it: whoever looks for changes finds none.
  const known = before !== undefined && Arrival.isSame(before.arrival, arrival) ? before.arrival : arrival
  return Result.succeed({ held: new Map([...held, [arrival.agentId, { arrival: known, expiresMillis }]]) })
}

/** Only by who holds it. */
export const withdraw = (
  table: ArrivalTable,
  agentId: AgentId,
  by: Pick<Arrival.Arrival, "identity" | "source">
): Result.Result<ArrivalTable, Refusal> => {
  const before = table.held.get(agentId)
  if (before === undefined) return Result.succeed(table)
  if (!isHolder(before.arrival, by)) return Result.fail("taken")
  return Result.succeed({ held: new Map([...table.held].filter(([id]) => id !== agentId)) })
}

/** A list says all that there are of its source; what cannot be taken of it is left out. */
export const replace = (
  { held }: ArrivalTable,
  source: Arrival.ArrivalSource,
  found: ReadonlyArray<Arrival.Arrival>,
  rules: Rules
): ArrivalTable => {
  const there = new Set(found.map(({ agentId }) => agentId))
  const kept = new Map([...held].filter(([id, { arrival }]) => arrival.source !== source || there.has(id)))
  return found.reduce<ArrivalTable>(
    (table, arrival) => Result.getOrElse(announce(table, arrival, Infinity, rules), () => table),
    { held: kept }
  )
}

/** The same table when none has ended. */
export const expire = (table: ArrivalTable, nowMillis: number): ArrivalTable => {
  const kept = [...table.held].filter(([, { expiresMillis }]) => expiresMillis > nowMillis)
  return kept.length === table.held.size ? table : { held: new Map(kept) }
}

/** Whether the same agents are there, whatever their leases. */
export const isSame = (one: ArrivalTable, other: ArrivalTable): boolean =>
  one.held.size === other.held.size &&
  [...one.held].every(([agentId, { arrival }]) => other.held.get(agentId)?.arrival === arrival)

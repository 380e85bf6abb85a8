/** What promises are asked of. */
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import type { Network } from "../../../src/services/simulation/Network.ts"
import type { World } from "../../../src/services/simulation/World.ts"
import type { EventBooks, StatusBooks } from "../Books.ts"
import type { Measurements } from "../Measurements.ts"
import type { Nats } from "../parties/Nats.ts"
import type { Presence } from "../Presence.ts"
import type { Truth } from "../Truth.ts"

/** Where the file of an agent has a checker, since it was changed last. */
export interface Checker {
  readonly host: string
  readonly sinceMillis: number
}

export interface Parts {
  readonly world: World
  readonly network: Network
  readonly measurements: Measurements
  readonly statuses: StatusBooks
  readonly events: EventBooks
  readonly nats: Nats
  readonly agents: ReadonlyArray<string>
  readonly pollers: ReadonlyArray<string>
  readonly truth: Truth
  readonly presence: Presence
  readonly checks: ReadonlyArray<string>
  /** Of a check, where it has one of its own. */
  readonly ownIntervalOf: (check: string) => number | undefined
  readonly pollerOf: (agent: string) => string
  readonly plan: ReadonlyArray<Fault>
  readonly intervalMillis: number
  /** By agent. */
  readonly checkers: ReadonlyMap<string, Checker>
  /** How long the agent has been out of a file of its poller's that can be used. */
  readonly goneMillis: (agent: string) => number
  /** The least and the most that may count at a poller now. */
  readonly intervals: (poller: string) => readonly [least: number, most: number]
}

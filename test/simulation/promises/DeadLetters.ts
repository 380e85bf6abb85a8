/** What the event writer gives up as a dead letter: what nobody can store, and nothing that lay beside it. */
import type { World } from "../../../src/services/simulation/World.ts"

export interface Letter {
  readonly sequence: number
  readonly deliveries: number
  /** Of the writer: `decode`, `rejected` or `exhausted`. */
  readonly reason: string
  /** What was published. */
  readonly text: string
}

export interface Judging {
  readonly world: Pick<World, "violate">
  /** Sequences of messages that are no events. */
  readonly undecodable: ReadonlySet<number>
  readonly isForbidden: (text: string) => boolean
  /** Deliveries after which the writer gives up what could not be stored by then. */
  readonly deliveriesMax: number
}

export const judge = (
  { deliveriesMax, isForbidden, undecodable, world }: Judging,
  { deliveries, reason, sequence, text }: Letter
): void => {
  const isUnfit = undecodable.has(sequence) || isForbidden(text)
  if (isUnfit || (reason === "exhausted" && deliveries >= deliveriesMax)) return
  world.violate(
    "only what cannot be stored is given up",
    `message ${sequence} is a dead letter (${reason}) at delivery ${deliveries}: ${text.slice(0, 100)}`
  )
}

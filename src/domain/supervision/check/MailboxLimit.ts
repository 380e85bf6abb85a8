/** How much can wait for an actor, and what becomes of what comes then. */
export const whenFulls = ["wait", "refuse", "drop_oldest"] as const

/** Who sends to a full mailbox waits for a place, is refused, or drives the oldest message out. */
export type WhenFull = (typeof whenFulls)[number]

export interface MailboxLimit {
  /** Messages that can wait. */
  readonly capacity: number
  readonly whenFull: WhenFull
}

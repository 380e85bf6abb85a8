/** What of a stream waits for its writer, as JetStream tells it. */

export interface StreamLag {
  /** Messages that no writer has fetched yet. */
  readonly pending: number
  /** Messages that a writer has and has not settled. */
  readonly ackPending: number
  /** When the oldest message that waits was stored, in milliseconds; none when nothing waits. */
  readonly oldestMillis: number | undefined
}

/** Messages that are not stored yet. */
export const total = (lag: StreamLag): number => lag.pending + lag.ackPending

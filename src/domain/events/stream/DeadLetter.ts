/** A message that could not be stored, as it is kept for a person: the original and why. */
import type { StreamName } from "./Streams.ts"

export interface Failure {
  /** `decode`, `rejected` (by the database) or `exhausted` (too many deliveries). */
  readonly reason: "decode" | "rejected" | "exhausted"
  readonly error: string
  /** Where in the payload, or which column; empty when nothing is known. */
  readonly place: string
}

export interface DeadLetterSummary {
  /**
   * Unique, and the same however often the message is dead-lettered: `STREAM.jetStreamStream.sequence.storedAtMicros`, with
   * `.element` behind it for one element of a message.
   */
  readonly id: string
  /** Empty when its subject belongs to none. */
  readonly stream: StreamName | ""
  readonly subject: string
  readonly jetStream: string
  readonly sequence: number
  readonly storedAtMicros: number
  /** The place of the one element that the letter is about. */
  readonly element?: number
  readonly deliveries: number
  readonly failure: Failure
  readonly deadLetteredAtMillis: number
  readonly bytes: number
}

export interface DeadLetter extends DeadLetterSummary {
  readonly data: Uint8Array
  /** The original's headers, all values. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
}

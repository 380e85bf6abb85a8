/**
 * Where messages go that cannot be stored: kept whole, once each, until a person replays or drops them.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { DeadLetter, DeadLetterSummary, Failure } from "../../domain/events/stream/DeadLetter.ts"
import type { EventMessage } from "../../domain/events/stream/EventMessage.ts"
import type { StreamName } from "../../domain/events/stream/Streams.ts"

export class DeadLetterError extends Schema.TaggedError<DeadLetterError>()("DeadLetterError", {
  operation: Schema.String,
  detail: Schema.String,
  /** There is no dead letter of this id. */
  isMissing: Schema.Boolean
}) {
  override get message(): string {
    return `Dead letters, ${this.operation}: ${this.detail}`
  }
}

export interface DeadLetterFilter {
  readonly stream?: StreamName
  readonly reason?: Failure["reason"]
  /** Dead-lettered at or after. */
  readonly sinceMillis?: number
  /** Part of the error's text. */
  readonly error?: string
}

export class DeadLetters extends Context.Service<DeadLetters, {
  /** Durable when it succeeds. The same message again changes nothing. */
  readonly add: (
    letter: {
      readonly stream: StreamName | ""
      readonly message: EventMessage
      /** The one element that the letter is about, as a message of its own; none when it is about the whole message. */
      readonly part?: { readonly element: number; readonly data: Uint8Array } | undefined
      readonly deliveries: number
      readonly failure: Failure
    }
  ) => Effect.Effect<void, DeadLetterError>
  /** Oldest first, in pages of the server: never all in memory. */
  readonly list: (filter: DeadLetterFilter) => Stream.Stream<DeadLetterSummary, DeadLetterError>
  readonly get: (id: string) => Effect.Effect<DeadLetter, DeadLetterError>
  /** Publishes the original again on its own subject, then removes it here; once only, however often it is asked. */
  readonly replay: (id: string) => Effect.Effect<void, DeadLetterError>
  readonly drop: (id: string) => Effect.Effect<void, DeadLetterError>
  /** How many there are, by stream. */
  readonly counts: Effect.Effect<ReadonlyMap<string, number>, DeadLetterError>
}>()("serviceradar/services/event-writer/DeadLetters") {}

/**
 * Messages of the logical streams, at least once each, until they are settled.
 *
 * Settling is a call without an answer: what gets lost on its way makes the message come again, which the store bears. A
 * delivery that is neither settled nor extended within `ackWait` comes again too, maybe to another writer.
 */
import { Context, type Duration, type Effect, Schema, type Scope } from "effect"
import type { StreamLag } from "../../domain/events/reporting/StreamLag.ts"
import type { EventMessage } from "../../domain/events/stream/EventMessage.ts"
import type { StreamName } from "../../domain/events/stream/Streams.ts"

/** A message as it was delivered this time. */
export interface Delivery {
  readonly message: EventMessage
  /** 1 at the first delivery. */
  readonly deliveries: number
  /** Another consumer of this writer gets the same message for the stream that its subject belongs to; just ack it. */
  readonly isForeign: boolean
  readonly ack: () => void
  /** It comes again after the delay. */
  readonly nak: (delay: Duration.Duration) => void
  /** It never comes again. */
  readonly term: () => void
  /** Starts `ackWait` anew. */
  readonly extend: () => void
}

/** The server cannot be reached or does not answer; it is worth another try. */
export class SourceUnavailable extends Schema.TaggedError<SourceUnavailable>()("SourceUnavailable", {
  detail: Schema.String
}) {}

/** There is no stream for these subjects, or the account may not use it. */
export class SourceMissing extends Schema.TaggedError<SourceMissing>()("SourceMissing", {
  detail: Schema.String
}) {}

/** Another connection has taken the place of the one that this subscription was on, in order: subscribe again at once. */
export class SourceReplaced extends Schema.TaggedError<SourceReplaced>()("SourceReplaced", {
  detail: Schema.String
}) {}

export class EventSourceError extends Schema.TaggedError<EventSourceError>()("EventSourceError", {
  stream: Schema.String,
  reason: Schema.Union([SourceUnavailable, SourceMissing, SourceReplaced])
}) {
  override get message(): string {
    return `Stream ${this.stream}: ${this.reason.detail}`
  }
}

export interface Subscription {
  readonly ackWait: Duration.Duration
  /**
   * At most `demand` messages of together about `bytesMax` bytes, at least one if there is one; waits about a second for
   * the first, and answers with none when there is none.
   */
  readonly pull: (demand: number, bytesMax: number) => Effect.Effect<ReadonlyArray<Delivery>, EventSourceError>
}

export class EventSource extends Context.Service<EventSource, {
  /**
   * Makes the durable consumers of the stream, or brings them up to date, and takes part in them for as long as the
   * scope is open. `inFlightMax` is how many messages this writer may hold unsettled.
   */
  readonly subscribe: (
    stream: StreamName,
    options: { readonly inFlightMax: number }
  ) => Effect.Effect<Subscription, EventSourceError, Scope.Scope>
  readonly lag: (stream: StreamName) => Effect.Effect<StreamLag, EventSourceError>
}>()("serviceradar/services/event-writer/EventSource") {}

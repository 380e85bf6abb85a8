/**
 * Publishes messages to the event streams, for programs that tell of themselves.
 *
 * `offer` takes a message at once and never waits: what is told of a program must not slow it down. What finds no room
 * while the server is away is dropped, oldest first, and counted.
 */
import { Context, Effect, Layer } from "effect"

export interface OutgoingEvent {
  readonly subject: string
  readonly data: Uint8Array
}

export class EventPublisher extends Context.Service<EventPublisher, {
  readonly offer: (event: OutgoingEvent) => void
  /** The life of the publishing, for a supervisor: without it, what is offered only waits. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar/services/event-writer/EventPublisher") {
  /** For a program without a NATS server. */
  static readonly layerNone = Layer.succeed(this, { offer: () => undefined, keep: Effect.never })
}

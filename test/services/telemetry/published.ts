/** An EventPublisher that keeps what it is offered. */
import { Effect, Layer } from "effect"
import { EventPublisher, type OutgoingEvent } from "../../../src/services/events/EventPublisher.ts"

export const collecting = () => {
  const offered: Array<OutgoingEvent> = []
  const layer = Layer.succeed(EventPublisher, { offer: (event) => void offered.push(event), keep: Effect.never })
  return {
    layer,
    /** The documents with their subjects, and none of them twice. */
    taken: Effect.sync(() =>
      offered.splice(0).map(({ data, subject }) => {
        const document: Readonly<Record<string, unknown>> = JSON.parse(new TextDecoder().decode(data))
        return { subject, document }
      })
    )
  }
}

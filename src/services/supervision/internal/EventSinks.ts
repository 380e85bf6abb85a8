/**
 * Subscribers to a supervisor's events. Costs nothing while there are none; each has its own buffer, whose oldest
 * events give way when it is full.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"

/** Events that one subscriber can be behind. */
const bufferSize = 4096

export interface EventSinks {
  readonly publish: (event: SupervisionEvent) => void
  readonly stream: Stream.Stream<SupervisionEvent>
}

export const make = (): EventSinks => {
  const sinks = new Set<(event: SupervisionEvent) => void>()
  return {
    publish: (event) => {
      for (const sink of sinks) sink(event)
    },
    stream: Stream.callback<SupervisionEvent>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const sink = (event: SupervisionEvent): void => {
            Queue.offerUnsafe(queue, event)
          }
          sinks.add(sink)
          return sink
        }),
        (sink) => Effect.sync(() => sinks.delete(sink))
      ), { bufferSize, strategy: "sliding" })
  }
}

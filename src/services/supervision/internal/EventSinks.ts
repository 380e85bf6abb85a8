/**
 * Subscribers to what a supervisor or child does. Costs nothing while there are none; each has its own buffer, whose
 * oldest events give way when it is full.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Events that one subscriber can be behind. */
const bufferSize = 4096

export interface EventSinks<Event> {
  readonly publish: (event: Event) => void
  readonly isWatched: () => boolean
  readonly stream: Stream.Stream<Event>
}

export const make = <Event>(): EventSinks<Event> => {
  const sinks = new Set<(event: Event) => void>()
  return {
    publish: (event) => {
      for (const sink of sinks) sink(event)
    },
    isWatched: () => sinks.size > 0,
    stream: Stream.callback<Event>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const sink = (event: Event): void => {
            Queue.offerUnsafe(queue, event)
          }
          sinks.add(sink)
          return sink
        }),
        (sink) => Effect.sync(() => sinks.delete(sink))
      ), { bufferSize, strategy: "sliding" })
  }
}

/** What observers of a supervisor get to see, collected. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import type { SupervisionEvent } from "../../../src/domain/supervision/SupervisionEvent.ts"
import { settle } from "./Trace.ts"

/** Appends each log message to `lines`. */
export const collectLogs = (lines: Array<string>): Layer.Layer<never> =>
  Logger.layer([Logger.make(({ message }) => {
    lines.push(String(Array.isArray(message) ? message[0] : message))
  })])

/** The events while `effect` runs. */
export const during = <E2, A, E, R>(
  events: Stream.Stream<SupervisionEvent, E2>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<ReadonlyArray<SupervisionEvent>, E, R> =>
  Effect.gen(function*() {
    const seen: Array<SupervisionEvent> = []
    const fiber = yield* Effect.forkChild(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event))))
    yield* settle
    yield* effect
    yield* settle
    yield* Fiber.interrupt(fiber)
    return seen
  })

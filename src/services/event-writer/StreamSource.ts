/**
 * A stream's deliveries for its pipeline: subscribed again whenever the source fails, not asked while the database is
 * away, and bounded in bytes as well as in messages.
 *
 * It never fails: a server that is away, or a stream that is not there yet, is waited for and told in the status.
 */
import { Effect, Exit, Scope } from "effect"
import type { StreamName } from "../../domain/events/stream/Streams.ts"
import * as Pause from "../backoff/Pause.ts"
import * as ScopedLoop from "../backoff/ScopedLoop.ts"
import { type Delivery, EventSource, type EventSourceError, type Subscription } from "../events/EventSource.ts"
import * as Producer from "../pipeline/Producer.ts"
import { DatabaseHealth } from "./DatabaseHealth.ts"
import type { HeldDeliveries } from "./HeldDeliveries.ts"
import type { StreamRecord } from "./StreamRecord.ts"

export interface StreamSourceOptions {
  readonly stream: StreamName
  readonly inFlightMax: number
  readonly held: HeldDeliveries
  readonly record: StreamRecord
}

const backoff = { from: "100 millis", to: "5 seconds" } as const

interface Open {
  readonly scope: Scope.Closeable
  readonly subscription: Subscription
}

export const make = (options: StreamSourceOptions): Producer.Producer<Delivery, never, EventSource | DatabaseHealth> =>
  Producer.fromConnect(Effect.gen(function*() {
    const { held, inFlightMax, record, stream } = options
    const source = yield* EventSource
    const health = yield* DatabaseHealth
    let open: Open | undefined
    const pause = Pause.make(backoff)
    /** What the log has said last; empty while all is well. One outage has many words, which the status has in turn. */
    let told = ""
    const wordsOf = ({ message, reason }: EventSourceError) =>
      reason._tag === "SourceUnavailable" ? reason._tag : message

    const close = Effect.suspend(() => {
      const scope = open?.scope
      open = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
    yield* Effect.addFinalizer(() => close)

    const subscription = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        if (open !== undefined) return open.subscription
        const scope = yield* Scope.make()
        const subscription = yield* restore(source.subscribe(stream, { inFlightMax })).pipe(
          Scope.provide(scope),
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, Exit.void))
        )
        yield* Scope.provide(scope)(
          ScopedLoop.start(`Extending what waits of ${stream}`, held.keepExtended(subscription.ackWait))
        )
        open = { scope, subscription }
        record.hasSubscribed = true
        return subscription
      })
    )

    const failed = Effect.fnUntraced(function*(error: EventSourceError) {
      yield* close
      // In order, as when certificates are renewed: nobody has to know.
      if (error.reason._tag === "SourceReplaced") return []
      record.problem = error.reason.detail
      if (told !== wordsOf(error)) {
        told = wordsOf(error)
        yield* Effect.logWarning(`${error.message}: trying on`)
      }
      yield* pause.wait
      return []
    })

    const worked = (deliveries: ReadonlyArray<Delivery>) => {
      record.problem = ""
      pause.reset()
      held.add(deliveries)
      record.received += deliveries.length
      return deliveries
    }

    const recovered = Effect.suspend(() => {
      if (told === "") return Effect.void
      told = ""
      return Effect.logInfo(`${stream}: messages are fetched again`)
    })

    const pull = (demand: number) =>
      subscription.pipe(
        Effect.flatMap((open) => open.pull(demand, Math.max(1, held.bytesLeft))),
        // Between the answer and its registration nothing may come, or nobody would extend what was fetched.
        Effect.map(worked),
        Effect.tap(() => recovered),
        Effect.catchTag("EventSourceError", failed)
      )

    return (demand: number) => held.awaitRoom.pipe(Effect.andThen(health.awaitUp), Effect.andThen(pull(demand)))
  }))

/**
 * Publishes on `events.>` what core learns from reports: services that come and go, pollers that report or stop to.
 *
 * That a poller is silent nobody reports, so `watch` has to run beside.
 */
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import * as AvailabilityEvent from "../../domain/events/outgoing/AvailabilityEvent.ts"
import * as PollerHealthEvent from "../../domain/events/outgoing/PollerHealthEvent.ts"
import * as PollerPresence from "../../domain/monitoring/reports/PollerPresence.ts"
import { EventPublisher } from "../events/EventPublisher.ts"
import { ReportObserver, type StoredReport } from "./ReportObserver.ts"

export interface ReportPublicationOptions {
  /** A new UUID each time. */
  readonly newId: () => string
}

const lookEvery = "5 seconds"

export class ReportPublication extends Context.Service<ReportPublication, {
  readonly stored: (stored: StoredReport) => void
  /** Looks for pollers that have been silent for too long; for a supervisor. */
  readonly watch: Effect.Effect<never>
}>()("serviceradar/services/telemetry/ReportPublication") {
  static readonly layer = (options: ReportPublicationOptions) =>
    Layer.effect(ReportObserver, Effect.map(ReportPublication, ({ stored }) => stored)).pipe(
      Layer.provideMerge(Layer.effect(ReportPublication, make(options)))
    )
}

const make = Effect.fnUntraced(function*({ newId }: ReportPublicationOptions) {
  const publisher = yield* EventPublisher
  const presence = PollerPresence.make()
  const tell = (change: PollerPresence.PollerChange) => publisher.offer(PollerHealthEvent.make(change, newId()))

  const look = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => presence.lost(now).forEach(tell)))

  return {
    stored: ({ changes, receivedAtMillis, report: { partition, pollerId, sourceIp } }: StoredReport) => {
      const change = presence.seen({ pollerId, partition, sourceIp, atMillis: receivedAtMillis })
      if (change !== undefined) tell(change)
      for (const one of changes) publisher.offer(AvailabilityEvent.make(one, newId()))
    },
    watch: Effect.andThen(Effect.repeat(look, Schedule.spaced(lookEvery)), Effect.never)
  }
})

/**
 * Publishes on `events.>` what core learns from reports: services that come and go, pollers that report or stop to.
 */
import { Effect, Layer } from "effect"
import * as AvailabilityEvent from "../../domain/events/outgoing/AvailabilityEvent.ts"
import * as PollerHealthEvent from "../../domain/events/outgoing/PollerHealthEvent.ts"
import { EventPublisher } from "../events/EventPublisher.ts"
import { PollerObserver, type ToldChange } from "./PollerObserver.ts"
import { ReportObserver, type StoredReport } from "./ReportObserver.ts"

export interface ReportPublicationOptions {
  /** A new UUID each time. */
  readonly newId: () => string
}

/** For everything that stores reports or watches over pollers. */
export const layer = ({ newId }: ReportPublicationOptions): Layer.Layer<never, never, EventPublisher> =>
  Layer.merge(
    Layer.effect(
      ReportObserver,
      Effect.map(EventPublisher, (publisher) => ({ changes }: StoredReport): void => {
        for (const one of changes) publisher.offer(AvailabilityEvent.make(one, newId()))
      })
    ),
    Layer.effect(
      PollerObserver,
      Effect.map(EventPublisher, (publisher) => (change: ToldChange): void => {
        publisher.offer(PollerHealthEvent.make(change, newId()))
      })
    )
  )

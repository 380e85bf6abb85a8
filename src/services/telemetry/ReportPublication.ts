/**
 * Publishes on `events.>` what core learns: services that come and go, pollers that report or stop to, and devices that somebody takes
 * out of the inventory.
 */
import { Effect, Layer } from "effect"
import * as AvailabilityEvent from "../../domain/events/outgoing/AvailabilityEvent.ts"
import * as DeviceLifecycleEvent from "../../domain/events/outgoing/DeviceLifecycleEvent.ts"
import * as PollerHealthEvent from "../../domain/events/outgoing/PollerHealthEvent.ts"
import { EventPublisher } from "../events/EventPublisher.ts"
import { DeviceObserver } from "./DeviceObserver.ts"
import { PollerObserver, type ToldChange } from "./PollerObserver.ts"
import { ReportObserver, type StoredReport } from "./ReportObserver.ts"

export interface ReportPublicationOptions {
  /** A new UUID each time. */
  readonly newId: () => string
}

/** For everything that stores reports, watches over pollers or takes devices out. */
export const layer = ({ newId }: ReportPublicationOptions): Layer.Layer<never, never, EventPublisher> =>
  Layer.mergeAll(
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
    ),
    Layer.effect(
      DeviceObserver,
      Effect.map(EventPublisher, (publisher) => (removal: DeviceLifecycleEvent.DeviceRemoval): void => {
        publisher.offer(DeviceLifecycleEvent.make(removal, newId()))
      })
    )
  )

/**
 * Publishes what a poller measures: metrics on `telemetry.>`, states of hosts on `sweep.>`.
 *
 * A service that is polled every two seconds for somebody who watches it is no reason to store it as often: while
 * nothing changes, its metrics are published every quarter of a minute at most.
 */
import { Duration, Effect, Layer, Option } from "effect"
import * as HostSweep from "../../domain/events/outgoing/HostSweep.ts"
import { keyOf, type Polled } from "../../domain/events/outgoing/Polled.ts"
import * as StatusMetrics from "../../domain/events/outgoing/StatusMetrics.ts"
import { EventPublisher } from "../events/EventPublisher.ts"
import { PollObserver } from "./PollObserver.ts"

export interface PollPublicationOptions {
  /** Between two publications of one service that stays as it is. Default 15 s. */
  readonly metricsInterval?: Duration.Duration
  /** Between two states of one host. Default 30 s. */
  readonly sweepInterval?: Duration.Duration
}

/** Polls keep to a grid, but not to the millisecond. */
const tolerance = 0.9

/** Of so much of the interval the first pause of each service is shorter, so that those polled at once spread out. */
const shareOf = (position: number): number => position * goldenRatio % 1
const goldenRatio = 0.618_034

interface Published {
  readonly available: boolean
  readonly atMillis: number
}

const observer = (publisher: EventPublisher["Service"], options: PollPublicationOptions) => {
  const intervalMillis = tolerance * Duration.toMillis(options.metricsInterval ?? Duration.seconds(15))
  const sweep = HostSweep.make(tolerance * Duration.toMillis(options.sweepInterval ?? Duration.seconds(30)))
  // As many as there are checks.
  const published = new Map<string, Published>()

  const isDue = (polled: Polled): boolean => {
    const { measuredAtMillis, status: { available } } = polled
    const key = keyOf(polled)
    const before = published.get(key)
    const isSame = before?.available === available
    const isRecent = before !== undefined && Math.abs(measuredAtMillis - before.atMillis) < intervalMillis
    if (isSame && isRecent) return false
    const earlierMillis = before === undefined ? intervalMillis * shareOf(published.size) : 0
    published.set(key, { available, atMillis: measuredAtMillis - earlierMillis })
    return true
  }

  return (polled: Polled): void => {
    if (isDue(polled)) { for (const metric of StatusMetrics.make(polled)) publisher.offer(metric) }
    Option.map(sweep.note(polled), publisher.offer)
  }
}

export const layer = (options: PollPublicationOptions = {}): Layer.Layer<never, never, EventPublisher> =>
  Layer.effect(PollObserver, Effect.map(EventPublisher, (publisher) => observer(publisher, options)))

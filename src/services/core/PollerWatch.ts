/**
 * Misses pollers that stop to report, and tells of it once: a line in the log, an event, a webhook.
 *
 * Who was there and who was missed is in the store, so a restart of core forgets no poller and tells of none again.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Schedule } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as PollerAlert from "../../domain/core/PollerAlert.ts"
import type { PollerId } from "../../domain/monitoring/Ids.ts"
import * as PollerPresence from "../../domain/monitoring/reports/PollerPresence.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import * as PollerObserver from "../telemetry/PollerObserver.ts"
import { AlertWebhooks } from "./AlertWebhooks.ts"
import { StatusStore } from "./StatusStore.ts"

export interface PollerWatchOptions {
  /** How long any poller may be silent; absent: four of its intervals. */
  readonly alertThreshold: Option.Option<Duration.Duration>
  /** Others are not missed. */
  readonly knownPollers: Option.Option<ReadonlySet<PollerId>>
  readonly hostname: string
}

const lookEvery = "5 seconds"
const untilStored = Backoff.capped({ from: "1 second", to: "30 seconds" })

export class PollerWatch extends Context.Service<PollerWatch, {
  /** A report has been stored; `remembered` is what the store knew of the poller before. */
  readonly seen: (
    sighting: Omit<PollerPresence.Sighting, keyof PollerPresence.Moment>,
    remembered?: Pick<PollerPresence.Remembered, "isMissed">
  ) => Effect.Effect<void>
  /** A report has come, whatever becomes of it: an outage of our own is no silence of the poller. */
  readonly heard: (pollerId: string) => Effect.Effect<void>
  /** Looks for pollers that have been silent for too long; for a supervisor. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/core/PollerWatch") {
  static readonly layer = (options: PollerWatchOptions) => Layer.effect(this, make(options))
}

const moment = Effect.gen(function*() {
  return { atMillis: yield* Clock.currentTimeMillis, monotonicMillis: yield* Monotonic.millis }
})

const make = Effect.fnUntraced(function*({ alertThreshold, hostname, knownPollers }: PollerWatchOptions) {
  const store = yield* StatusStore
  const webhooks = yield* AlertWebhooks
  const presence = PollerPresence.make(
    Option.match(alertThreshold, {
      onNone: () => ({}),
      onSome: (threshold) => ({ alertThresholdMillis: Duration.toMillis(threshold) })
    })
  )
  const isKnown = (pollerId: PollerId) =>
    Option.match(knownPollers, { onNone: () => true, onSome: (ids) => ids.has(pollerId) })

  const note = ({ current, pollerId, previous, silenceMillis }: PollerPresence.PollerChange) => {
    if (current === "unhealthy") {
      const silence = Duration.format(Duration.seconds(Math.round(silenceMillis / 1_000)))
      return Effect.logWarning(`poller ${pollerId} has not reported for ${silence}`)
    }
    return previous === "unhealthy" ? Effect.logInfo(`poller ${pollerId} reports again`) : Effect.void
  }

  const tell = Effect.fnUntraced(function*(change: PollerPresence.PollerChange) {
    const alert = PollerAlert.of(change, hostname)
    const isAlerted = alert !== undefined && webhooks.count > 0
    yield* note(change)
    if (isAlerted) yield* webhooks.offer(alert)
    yield* PollerObserver.tell({ ...change, isAlerted })
  })

  const restore = store.pollers.pipe(
    Effect.retry(untilStored),
    // The schedule has no end, which its type cannot say.
    Effect.orDie,
    Effect.flatMap((pollers) =>
      Effect.map(moment, (now) => presence.restore(pollers.filter(({ pollerId }) => isKnown(pollerId)), now))
    )
  )

  /** Missed, and the store does not know yet. */
  const unnoted = new Set<PollerId>()

  const noteInStore = Effect.fnUntraced(function*(pollerId: PollerId) {
    unnoted.add(pollerId)
    yield* store.noteMissed(pollerId)
    unnoted.delete(pollerId)
  })

  const look = Effect.gen(function*() {
    const lost = presence.lost(yield* moment)
    // Told of at once, and noted as soon as the store is there: after a restart nobody is told again.
    yield* Effect.forEach(
      [...unnoted, ...lost.map(({ pollerId }) => pollerId)],
      (pollerId) =>
        noteInStore(pollerId).pipe(
          Effect.catch((error) => Effect.logDebug(`Poller ${pollerId} is not noted as missed yet: ${error.message}`))
        )
    )
    yield* Effect.forEach(lost, tell)
  })

  return PollerWatch.of({
    seen: Effect.fnUntraced(function*(sighting, remembered) {
      unnoted.delete(sighting.pollerId)
      const change = presence.seen({ ...sighting, ...(yield* moment) }, remembered)
      if (change !== undefined) yield* tell(change)
    }),
    heard: (pollerId) => Effect.map(moment, (now) => presence.heard(pollerId, now)),
    run: restore.pipe(
      Effect.andThen(Effect.repeat(look, Schedule.spaced(lookEvery))),
      Effect.andThen(Effect.never)
    )
  })
})

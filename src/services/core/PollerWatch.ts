/**
 * Misses pollers that stop to report, and tells of it once: a line in the log, an event, a webhook.
 *
 * Who was there and who was missed is in the store, so a restart of core forgets no poller. What was not told to the end
 * before one is there too, as what webhooks have not answered to, and told first after it: they and those who follow events
 * may be told twice, but not never. A loss that was found while the store was away is written before the report that ends
 * it; who is still silent after a restart is found again.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Schedule } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as PollerAlert from "../../domain/core/PollerAlert.ts"
import * as PollerTurn from "../../domain/core/PollerTurn.ts"
import type { PollerId } from "../../domain/monitoring/Ids.ts"
import * as PollerPresence from "../../domain/monitoring/reports/PollerPresence.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import * as PollerObserver from "../telemetry/PollerObserver.ts"
import { AlertWebhooks } from "./AlertWebhooks.ts"
import { StatusStore, type StatusStoreError } from "./StatusStore.ts"
import * as TurnNotes from "./TurnNotes.ts"

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
  /** What is known of it is in the store: for a report that is about to be, which makes a loss one of the past. */
  readonly settled: (pollerId: PollerId) => Effect.Effect<void, StatusStoreError>
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

  const notes = TurnNotes.make(store)

  const offer = (turn: PollerTurn.PollerTurn) =>
    webhooks.offer(PollerAlert.of(turn, hostname), Effect.andThen(notes.told(turn), notes.write))

  const isAlerted = webhooks.count > 0

  const pass = Effect.fnUntraced(function*(turn: PollerTurn.PollerTurn, change: PollerPresence.PollerChange) {
    yield* PollerObserver.tell({ ...change, isAlerted })
    yield* isAlerted ? offer(turn) : notes.told(turn)
  })

  /** Turns since the start, until those before it are known and told; then none has to wait. */
  let waiting: Array<PollerPresence.PollerChange> | undefined = []

  const tell = Effect.fnUntraced(function*(change: PollerPresence.PollerChange) {
    const turn = PollerTurn.of(change)
    yield* note(change)
    if (turn === undefined) yield* PollerObserver.tell({ ...change, isAlerted: false })
    else if (waiting === undefined) yield* pass(turn, change)
    else waiting.push(change)
  })

  const fromStore = <A>(effect: Effect.Effect<A, StatusStoreError>) =>
    // The schedule has no end, which its type cannot say.
    Effect.orDie(Effect.retry(effect, untilStored))

  const restore = Effect.gen(function*() {
    const pollers = yield* fromStore(store.pollers)
    presence.restore(pollers.filter(({ pollerId }) => isKnown(pollerId)), yield* moment)
    if (waiting === undefined) return
    const untold = yield* fromStore(store.untold)
    const since = waiting
    waiting = undefined
    for (const turn of untold) {
      const poller = pollers.find(({ pollerId }) => pollerId === turn.pollerId)
      if (poller === undefined || !isKnown(turn.pollerId)) yield* notes.told(turn)
      else yield* pass(turn, PollerTurn.changeOf(turn, poller))
    }
    for (const change of since) {
      const turn = PollerTurn.of(change)
      const isAmong = untold.some(({ isMissed, pollerId }) => isMissed === turn?.isMissed && pollerId === turn.pollerId)
      if (turn !== undefined && !isAmong) yield* pass(turn, change)
    }
  })

  const look = Effect.gen(function*() {
    const lost = presence.lost(yield* moment)
    // Told of at once, and noted as soon as the store is there: after a restart nobody is told again.
    yield* Effect.forEach(lost.flatMap((change) => PollerTurn.of(change) ?? []), notes.missed)
    yield* notes.write
    yield* Effect.forEach(lost, tell)
  })

  return PollerWatch.of({
    seen: Effect.fnUntraced(function*(sighting, remembered) {
      yield* notes.seen(sighting.pollerId)
      const change = presence.seen({ ...sighting, ...(yield* moment) }, remembered)
      if (change !== undefined) yield* tell(change)
    }),
    heard: (pollerId) => Effect.map(moment, (now) => presence.heard(pollerId, now)),
    settled: notes.settled,
    run: restore.pipe(
      Effect.andThen(Effect.repeat(look, Schedule.spaced(lookEvery))),
      Effect.andThen(Effect.never)
    )
  })
})

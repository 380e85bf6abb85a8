import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { PollerAlert } from "../../../src/domain/core/PollerAlert.ts"
import type { PollerTurn } from "../../../src/domain/core/PollerTurn.ts"
import { Partition, PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { Remembered } from "../../../src/domain/monitoring/reports/PollerPresence.ts"
import { AlertWebhooks } from "../../../src/services/core/AlertWebhooks.ts"
import { PollerWatch } from "../../../src/services/core/PollerWatch.ts"
import { StatusStore, StatusStoreError, StoreUnavailable } from "../../../src/services/core/StatusStore.ts"
import { PollerObserver, type ToldChange } from "../../../src/services/telemetry/PollerObserver.ts"

const pollerId = PollerId.make("go-poller")
const sighting = { pollerId, partition: Partition.make("default"), sourceIp: "192.0.2.1", intervalMillis: 30_000 }

interface Left {
  readonly remembered?: ReadonlyArray<Remembered>
  readonly untold?: ReadonlyArray<PollerTurn>
  /** How often it cannot be asked, or written to, at first. */
  readonly downFor?: number
  readonly unwritableFor?: number
  /** Whether webhooks answer. */
  readonly answers?: boolean
  readonly webhooks?: number
}

/** A core whose database is what the last one left. */
const core = (
  { answers = true, downFor = 0, remembered = [], untold = [], unwritableFor = 0, webhooks: count = 1 }: Left = {}
) => {
  const told: Array<ToldChange> = []
  const alerts: Array<PollerAlert> = []
  const missed: Array<string> = []
  /** What the next core would find to be told. */
  const owed = new Set(untold.map(({ isMissed, pollerId: id }) => `${id} ${isMissed}`))
  let failures = downFor
  let refusals = unwritableFor
  const store = Layer.succeed(StatusStore, {
    append: () => Effect.die("not asked"),
    current: () => Effect.succeed([]),
    removeOlderThan: () => Effect.succeed(0),
    pollers: Effect.suspend(() =>
      failures-- > 0
        ? Effect.fail(new StatusStoreError({ operation: "pollers", reason: new StoreUnavailable({ detail: "down" }) }))
        : Effect.succeed(remembered)
    ),
    noteMissed: ({ pollerId: id }) =>
      Effect.suspend(() =>
        refusals-- > 0
          ? Effect.fail(
            new StatusStoreError({ operation: "noteMissed", reason: new StoreUnavailable({ detail: "down" }) })
          )
          : Effect.sync(() => {
            missed.push(id)
            owed.add(`${id} true`)
          })
      ),
    noteTold: ({ isMissed, pollerId: id }) => Effect.sync(() => void owed.delete(`${id} ${isMissed}`)),
    untold: Effect.succeed(untold)
  })
  const webhooks = Layer.succeed(AlertWebhooks, {
    count,
    offer: (alert, answered) =>
      Effect.andThen(Effect.sync(() => void alerts.push(alert)), answers ? answered : Effect.void),
    run: Effect.never
  })
  const layer = PollerWatch.layer({ alertThreshold: Option.none(), knownPollers: Option.none(), hostname: "vm" }).pipe(
    Layer.provide([store, webhooks]),
    Layer.provideMerge(Layer.succeed(PollerObserver, (change: ToldChange) => void told.push(change)))
  )
  return { told, alerts, missed, owed, layer }
}

const watching = Effect.flatMap(PollerWatch, ({ run }) => Effect.forkChild(run, { startImmediately: true }))

describe("PollerWatch", () => {
  it.effect("tells once of a poller that is lost after its first report, and once of its return", () => {
    const { alerts, layer, missed, told } = core()
    return Effect.gen(function*() {
      const { seen } = yield* PollerWatch
      yield* watching
      yield* seen(sighting)
      yield* TestClock.adjust("2 minutes")
      const before = told.length
      yield* TestClock.adjust("5 minutes")
      yield* seen(sighting)
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(before, 1)
      assert.deepStrictEqual(told.map(({ current, isAlerted }) => `${current} ${isAlerted}`), [
        "healthy false",
        "unhealthy true",
        "healthy true"
      ])
      assert.deepStrictEqual(missed, [pollerId])
      assert.deepStrictEqual(alerts, [
        {
          level: "error",
          title: "Poller Offline",
          message: "Poller 'go-poller' is offline",
          timestamp: "1970-01-01T00:02:05Z",
          poller_id: "go-poller",
          details: { duration: "2m5s", hostname: "vm" }
        },
        {
          level: "info",
          title: "Poller Recovered",
          message: "Poller 'go-poller' is back online",
          timestamp: "1970-01-01T00:07:00Z",
          poller_id: "go-poller",
          details: { hostname: "vm", recovery_time: "1970-01-01T00:07:00Z" }
        }
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("misses across a restart of core who does not come back, however long the database is away", () => {
    const { layer, told } = core({ remembered: [{ ...sighting, atMillis: 0, isMissed: false }], downFor: 3 })
    return Effect.gen(function*() {
      yield* watching
      yield* TestClock.adjust(Duration.minutes(4))

      assert.deepStrictEqual(told.map(({ current }) => current), ["unhealthy"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("tells that one is back who reports before it is known who was missed, and nothing of who was there", () => {
    const { alerts, layer, told } = core({ downFor: 2 })
    return Effect.gen(function*() {
      const { seen } = yield* PollerWatch
      yield* watching
      yield* seen(sighting, { isMissed: true })
      yield* seen({ ...sighting, pollerId: PollerId.make("there") }, { isMissed: false })
      // Webhooks hear of it when it is known what they are to hear before.
      assert.deepStrictEqual(alerts, [])
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(told.map(({ current, pollerId: id, previous }) => [id, previous, current]), [
        ["go-poller", "unhealthy", "healthy"]
      ])
      assert.deepStrictEqual(alerts.map(({ title }) => title), ["Poller Recovered"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not miss a poller for an outage of core's own database", () => {
    const { layer, told } = core()
    return Effect.gen(function*() {
      const { heard, seen } = yield* PollerWatch
      yield* watching
      yield* seen(sighting)
      for (let minute = 0; minute < 10; minute += 1) {
        yield* TestClock.adjust("1 minute")
        yield* heard(pollerId)
      }
      const during = told.map(({ current }) => current)
      yield* TestClock.adjust("130 seconds")

      assert.deepStrictEqual(during, ["healthy"])
      assert.deepStrictEqual(told.map(({ current }) => current), ["healthy", "unhealthy"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("notes who is missed as soon as the store is there again, and tells of it once", () => {
    const { layer, missed, owed, told } = core({
      remembered: [{ ...sighting, atMillis: 0, isMissed: false }],
      unwritableFor: 3
    })
    return Effect.gen(function*() {
      yield* watching
      yield* TestClock.adjust("10 minutes")

      assert.deepStrictEqual(missed, [pollerId])
      assert.deepStrictEqual(told.map(({ current }) => current), ["unhealthy"])
      // The webhook was told before the store knew that there was something to tell.
      assert.deepStrictEqual([...owed], [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("has a loss in the store before the report that ends it, and keeps that report away until it is there", () => {
    const { layer, missed, owed } = core({
      answers: false,
      remembered: [{ ...sighting, atMillis: 0, isMissed: false }],
      unwritableFor: 2
    })
    return Effect.gen(function*() {
      const { settled } = yield* PollerWatch
      yield* watching
      yield* TestClock.adjust("125 seconds")
      const early = yield* Effect.flip(settled(pollerId))
      const before = [...missed]
      yield* settled(pollerId)
      yield* settled(PollerId.make("another"))

      assert.strictEqual(early.reason._tag, "StoreUnavailable")
      assert.deepStrictEqual([before, missed], [[], [pollerId]])
      assert.deepStrictEqual([...owed], ["go-poller true"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("tells of nobody again who was missed before the restart", () => {
    const { layer, told } = core({ remembered: [{ ...sighting, atMillis: 0, isMissed: true }] })
    return Effect.gen(function*() {
      yield* watching
      yield* TestClock.adjust(Duration.hours(1))

      assert.deepStrictEqual(told, [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("owes what webhooks have not answered to, and offers it first after a restart, in its order", () => {
    const lost = core({ answers: false })
    const turn = { pollerId, isMissed: true, atMillis: 125_000, silenceMillis: 125_000 }
    const next = core({ remembered: [{ ...sighting, atMillis: 0, isMissed: false }], untold: [turn], downFor: 2 })
    return Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const { seen } = yield* PollerWatch
        yield* watching
        yield* seen(sighting)
        yield* TestClock.adjust("3 minutes")
      }).pipe(Effect.scoped, Effect.provide(lost.layer))
      yield* Effect.gen(function*() {
        const { seen } = yield* PollerWatch
        yield* watching
        // It comes back before the new core knows what it has to tell.
        yield* seen(sighting, { isMissed: true })
        yield* TestClock.adjust("10 seconds")
      }).pipe(Effect.provide(next.layer))

      assert.deepStrictEqual([...lost.owed], ["go-poller true"])
      assert.deepStrictEqual(next.alerts.map(({ timestamp, title }) => `${timestamp} ${title}`), [
        "1970-01-01T00:02:05Z Poller Offline",
        "1970-01-01T00:03:00Z Poller Recovered"
      ])
      assert.deepStrictEqual([...next.owed], [])
      assert.deepStrictEqual(next.told.map(({ current }) => current), ["unhealthy", "healthy"])
    })
  })

  it.effect("tells after a restart what was not told before it, without webhooks, too", () => {
    const turn = { pollerId, isMissed: false, atMillis: 400_000, silenceMillis: 300_000 }
    const { alerts, layer, owed, told } = core({
      remembered: [{ ...sighting, atMillis: 400_000, isMissed: false }],
      untold: [turn],
      webhooks: 0
    })
    return Effect.gen(function*() {
      yield* watching
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(
        told.map(({ current, lastSeenMillis, previous }) => ({ current, lastSeenMillis, previous })),
        [{ current: "healthy", lastSeenMillis: 400_000, previous: "unhealthy" }]
      )
      assert.deepStrictEqual(alerts, [])
      assert.deepStrictEqual([...owed], [])
    }).pipe(Effect.provide(layer))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Partition, PollerId } from "../../../../src/domain/monitoring/Ids.ts"
import * as PollerPresence from "../../../../src/domain/monitoring/reports/PollerPresence.ts"

const dayMillis = 1_700_000_000_000

const moment = (second: number): PollerPresence.Moment => ({
  atMillis: dayMillis + second * 1_000,
  monotonicMillis: second * 1_000
})

const at = (second: number, intervalSeconds?: number): PollerPresence.Sighting => ({
  pollerId: PollerId.make("poller-1"),
  partition: Partition.make("default"),
  sourceIp: "192.0.2.1",
  ...(intervalSeconds === undefined ? {} : { intervalMillis: intervalSeconds * 1_000 }),
  ...moment(second)
})

const statesOf = (change: PollerPresence.PollerChange | undefined) =>
  change === undefined ? undefined : `${change.previous} to ${change.current}`

/** Reports every `pause` seconds until `end`. */
const reporting = (pause: number, end: number) => {
  const presence = PollerPresence.make()
  for (let second = 0; second <= end; second += pause) presence.seen(at(second))
  return presence
}

describe("PollerPresence", () => {
  it("tells of a poller that reports for the first time, once", () => {
    const presence = PollerPresence.make()

    assert.strictEqual(statesOf(presence.seen(at(0))), "unknown to healthy")
    assert.isUndefined(presence.seen(at(2)))
  })

  it.each<readonly [number | undefined, number]>([
    [2, 30],
    [30, 120],
    [300, 1_200],
    [undefined, 300]
  ])(
    "misses a poller after its first report, which says every %j s, when it was silent for %d s",
    (interval, limit) => {
      const presence = PollerPresence.make()
      presence.seen(at(0, interval))

      assert.deepStrictEqual(presence.lost(moment(limit)), [])
      assert.deepStrictEqual(presence.lost(moment(limit + 1)).map(statesOf), ["healthy to unhealthy"])
      assert.deepStrictEqual(presence.lost(moment(limit + 2)), [])
    }
  )

  it("goes by what is configured, whatever a poller's interval is", () => {
    const presence = PollerPresence.make({ alertThresholdMillis: 60_000 })
    presence.seen(at(0, 300))

    assert.lengthOf(presence.lost(moment(60)), 0)
    assert.lengthOf(presence.lost(moment(61)), 1)
  })

  it("misses a poller after half a minute that has reported every two seconds, once", () => {
    const presence = reporting(2, 20)

    assert.deepStrictEqual(presence.lost(moment(50)), [])
    assert.deepStrictEqual(presence.lost(moment(51)).map(statesOf), ["healthy to unhealthy"])
    assert.deepStrictEqual(presence.lost(moment(60)), [])
  })

  it("misses a poller that reports every five minutes after twenty", () => {
    const presence = reporting(300, 3_000)

    assert.deepStrictEqual(presence.lost(moment(4_200)), [])
    const [change] = presence.lost(moment(4_201))
    assert.deepStrictEqual([change?.lastSeenMillis, change?.silenceMillis], [dayMillis + 3_000_000, 1_201_000])
  })

  it("goes by the interval that a poller says, whatever pauses an outage made", () => {
    const presence = PollerPresence.make()
    for (const second of [0, 10, 20, 620, 630]) presence.seen(at(second, 10))

    assert.deepStrictEqual(presence.lost(moment(670)), [])
    assert.deepStrictEqual(presence.lost(moment(671)).map(statesOf), ["healthy to unhealthy"])
  })

  it("is not misled by two reports close together", () => {
    const presence = PollerPresence.make()
    for (const second of [0, 1, 300, 301, 600]) presence.seen(at(second))

    assert.deepStrictEqual(presence.lost(moment(1_700)), [])
  })

  it("tells of the return of a lost one, and does not take the silence for its habit", () => {
    const presence = reporting(2, 600)
    presence.lost(moment(10_000))

    assert.strictEqual(statesOf(presence.seen(at(10_001))), "unhealthy to healthy")
    assert.deepStrictEqual(presence.lost(moment(10_032)).map(statesOf), ["healthy to unhealthy"])
  })

  it("misses after a restart who is silent from then on, with the time of the last report, and nobody twice", () => {
    const presence = PollerPresence.make()
    const known = (name: string, isMissed: boolean): PollerPresence.Remembered => {
      const { monotonicMillis: _, ...sighting } = at(0, 30)
      return { ...sighting, pollerId: PollerId.make(name), isMissed }
    }
    presence.restore([known("gone", false), known("long gone", true)], moment(1_000))

    assert.deepStrictEqual(presence.lost(moment(1_120)), [])
    assert.deepStrictEqual(presence.lost(moment(1_121)).map((one) => [one.pollerId, one.lastSeenMillis]), [
      ["gone", dayMillis]
    ])
    assert.strictEqual(
      statesOf(presence.seen({ ...at(1_200), pollerId: PollerId.make("long gone") })),
      "unhealthy to healthy"
    )
  })
})

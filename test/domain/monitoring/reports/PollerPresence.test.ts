import { assert, describe, it } from "@effect/vitest"
import { Partition, PollerId } from "../../../../src/domain/monitoring/Ids.ts"
import * as PollerPresence from "../../../../src/domain/monitoring/reports/PollerPresence.ts"

const at = (second: number, pollerId = "poller-1"): PollerPresence.Sighting => ({
  pollerId: PollerId.make(pollerId),
  partition: Partition.make("default"),
  sourceIp: "192.0.2.1",
  atMillis: second * 1_000
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

  it("misses a poller after half a minute that has reported every two seconds, once", () => {
    const presence = reporting(2, 600)

    assert.deepStrictEqual(presence.lost(629_000), [])
    assert.deepStrictEqual(presence.lost(631_000).map(statesOf), ["healthy to unhealthy"])
    assert.deepStrictEqual(presence.lost(700_000), [])
  })

  it("misses a poller that reports every five minutes after twenty", () => {
    const presence = reporting(300, 3_000)

    assert.deepStrictEqual(presence.lost(4_200_000), [])
    assert.deepStrictEqual(presence.lost(4_201_000).map(({ lastSeenMillis }) => lastSeenMillis), [3_000_000])
  })

  it("tells of the return of a lost one, and does not take the silence for its habit", () => {
    const presence = reporting(2, 600)
    presence.lost(10_000_000)

    assert.strictEqual(statesOf(presence.seen(at(10_000))), "unhealthy to healthy")
    assert.deepStrictEqual(presence.lost(10_031_000).map(statesOf), ["healthy to unhealthy"])
  })
})

import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Result } from "effect"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import * as StatusReport from "../../../src/domain/monitoring/reports/StatusReport.ts"
import * as PgStatusHistory from "../../../src/layers/core/PgStatusHistory.ts"
import * as PgStatusStore from "../../../src/layers/core/PgStatusStore.ts"
import { StatusHistory } from "../../../src/services/core/StatusHistory.ts"
import { StatusStore } from "../../../src/services/core/StatusStore.ts"
import { receivedReport, receivedStatus } from "../../support/statusReports.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const stores = Layer.merge(PgStatusStore.layer, PgStatusHistory.layer).pipe(Layer.provideMerge(TestConnection.layer))

const at = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)
const receivedAt = at(1_700_000_100)

/** What a poller reports of two services, one of which is up while the other may not be. */
const append = Effect.fnUntraced(function*(pollerId: string, seconds: number, available: boolean) {
  const { report } = Result.getOrThrow(StatusReport.accept(
    receivedReport({
      pollerId: PollerId.make(pollerId),
      timestampSeconds: BigInt(seconds),
      services: [
        receivedStatus({ agentId: `agent of ${pollerId}`, serviceName: "dns" }),
        receivedStatus({ agentId: `agent of ${pollerId}`, serviceName: "ssh", available })
      ]
    }),
    receivedAt
  ))
  yield* StatusStore.use((store) => store.append(report, receivedAt))
})

const reports = Effect.gen(function*() {
  yield* append("b", 1_700_000_000, true)
  yield* append("a", 1_700_000_000, true)
  yield* append("a", 1_700_000_030, false)
  yield* append("a", 1_700_000_060, true)
})

const history = <A, E>(use: (history: StatusHistory["Service"]) => Effect.Effect<A, E>) =>
  Effect.andThen(reports, StatusHistory.use(use))

layer(stores, { excludeTestServices: true, timeout: "30 seconds" })("PgStatusHistory", (it) => {
  it.effect("knows pollers by all that they have said", () =>
    Effect.gen(function*() {
      yield* reports
      yield* append("c", 1_700_000_000, false)
      const { pollers } = yield* StatusHistory
      const all = yield* pollers(10)
      assert.deepStrictEqual(all.map(({ isAllAvailable, pollerId }) => [pollerId, isAllAvailable]), [
        ["a", true],
        ["b", true],
        ["c", false]
      ])
      assert.deepInclude(all[0], { partition: "site-a", sourceIp: "192.0.2.1", isMissed: false })
      assert.lengthOf(yield* pollers(1), 1)
      assert.deepStrictEqual((yield* pollers(10, "b")).map(({ pollerId }) => pollerId), ["b"])
      assert.deepStrictEqual(yield* pollers(10, "nobody"), [])
    }))

  it.effect("says of each report whether all was available, the newest first", () =>
    Effect.gen(function*() {
      const health = yield* history(({ healthOf }) => healthOf("a", 2))
      assert.deepStrictEqual(health.map(({ at, isHealthy }) => [DateTime.toEpochMillis(at) / 1000, isHealthy]), [
        [1_700_000_060, true],
        [1_700_000_030, false]
      ])
      assert.deepStrictEqual(yield* history(({ healthOf }) => healthOf("nobody", 2)), [])
    }))

  it.effect("has what services were within a span, of several together, and no more than asked for", () =>
    Effect.gen(function*() {
      const states = yield* history(({ services }) => services({ poller: "a", limit: 10 }))
      assert.deepStrictEqual(states.map(({ serviceName }): string => serviceName), ["dns", "ssh"])
      const seen = (from: number, to: number, limit = 100) =>
        Effect.map(
          StatusHistory.use(({ ofServices }) => ofServices(states, { from: at(from), to: at(to), limit })),
          (all) =>
            all.map((one) => `${DateTime.toEpochMillis(one.reportedAt) / 1000 - 1_700_000_000} ${one.serviceName}`)
        )
      assert.deepStrictEqual((yield* seen(1_700_000_000, 1_700_000_060)).toSorted(), [
        "0 dns",
        "0 ssh",
        "30 dns",
        "30 ssh",
        "60 dns",
        "60 ssh"
      ])
      assert.deepStrictEqual((yield* seen(1_700_000_001, 1_700_000_059)).toSorted(), ["30 dns", "30 ssh"])
      assert.deepStrictEqual((yield* seen(0, 2_000_000_000, 2)).toSorted(), ["60 dns", "60 ssh"])
      assert.deepStrictEqual(yield* seen(1_700_000_061, 2_000_000_000), [])
      const none = yield* StatusHistory.use(({ ofServices }) => ofServices([], { from: at(0), to: at(9), limit: 1 }))
      assert.deepStrictEqual(none, [])
    }))
})

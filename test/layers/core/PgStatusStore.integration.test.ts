import { assert, layer } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Layer, Option, Result } from "effect"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { ReceivedReport } from "../../../src/domain/monitoring/reports/ReceivedReport.ts"
import * as StatusReport from "../../../src/domain/monitoring/reports/StatusReport.ts"
import * as PgStatusStore from "../../../src/layers/core/PgStatusStore.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import { StatusStore } from "../../../src/services/core/StatusStore.ts"
import { receivedReport, receivedStatus } from "../../support/statusReports.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const store = PgStatusStore.layer.pipe(Layer.provideMerge(TestConnection.layer))
// After every time a report of these tests can have: core believes no report from the future.
const receivedAt = DateTime.makeUnsafe("2100-01-01T00:00:00Z")

const append = Effect.fnUntraced(function*(received: ReceivedReport) {
  const { report } = Result.getOrThrow(StatusReport.accept(received, receivedAt))
  const statusStore = yield* StatusStore
  return yield* statusStore.append(report, receivedAt)
})

const counted = (received: ReceivedReport) =>
  Effect.map(append(received), ({ repeated, stored }) => ({ stored, repeated }))

const changesOf = (received: ReceivedReport) =>
  Effect.map(
    append(received),
    ({ changes }) =>
      changes.map(({ agentId, available, previous, serviceName }) =>
        `${agentId} ${serviceName} ${previous ?? "new"} to ${available}`
      )
  )

const current = (filter: object) => Effect.flatMap(StatusStore, (store) => store.current({ limit: 1_000, ...filter }))

const historyOf = Effect.fnUntraced(function*(agentId: string) {
  const sql = yield* (yield* PgConnection).client
  return yield* sql<{ message: string }>`select message from service_status_history where agent_id = ${agentId}`
})

const at = (agentId: string, timestampSeconds: bigint, available: boolean) =>
  receivedReport({ timestampSeconds, services: [receivedStatus({ agentId, available })] })

layer(store, { excludeTestServices: true, timeout: "30 seconds" })("PgStatusStore", (it) => {
  it.effect("adds nothing when the same report comes again", () =>
    Effect.gen(function*() {
      const services = [receivedStatus({ agentId: "again" }), receivedStatus({ agentId: "again", serviceName: "dns" })]

      const first = yield* counted(receivedReport({ services }))
      const second = yield* counted(receivedReport({ services }))

      assert.deepStrictEqual(first, { stored: 2, repeated: 0 })
      assert.deepStrictEqual(second, { stored: 0, repeated: 2 })
      assert.lengthOf(yield* historyOf("again"), 2)
      assert.lengthOf(yield* current({ agent: "again" }), 2)
    }))

  it.effect("adds nothing when a report comes again after its own clock was set back", () =>
    Effect.gen(function*() {
      const received = receivedReport({ services: [receivedStatus({ agentId: "set back" })] })
      const reportedSeconds = Number(received.timestampSeconds)
      const statusStore = yield* StatusStore
      const counts: Array<number> = []
      for (const hours of [0, 1]) {
        const at = DateTime.makeUnsafe((reportedSeconds - hours * 3_600) * 1_000)
        const { report } = Result.getOrThrow(StatusReport.accept(received, at))
        counts.push((yield* statusStore.append(report, at)).stored)
      }

      assert.deepStrictEqual(counts, [1, 0])
      assert.lengthOf(yield* historyOf("set back"), 1)
    }))

  it.effect("tells with a report what was known of its poller before", () =>
    Effect.gen(function*() {
      const { noteMissed, noteTold, untold } = yield* StatusStore
      const pollerId = PollerId.make("comes-and-goes")
      const services = Array.from({ length: 1_200 }, (_, index) => receivedStatus({ serviceName: `s${index}` }))
      const known = Effect.fnUntraced(function*(timestampSeconds: bigint) {
        return (yield* append(receivedReport({ pollerId, timestampSeconds, services }))).poller
      })

      const first = yield* known(1n)
      const second = yield* known(2n)
      const missed = { pollerId, isMissed: true, atMillis: 1_800_000_000_123, silenceMillis: 90_000.5 }
      yield* noteMissed(missed)
      const owed = yield* untold
      const back = yield* known(3n)
      const after = yield* known(4n)
      const both = yield* untold
      yield* noteTold({ ...missed, atMillis: missed.atMillis - 1 })
      const unchanged = yield* untold
      yield* noteTold(missed)
      const left = yield* untold

      assert.deepStrictEqual([first, second, back, after], [
        undefined,
        { isMissed: false },
        { isMissed: true },
        { isMissed: false }
      ])
      assert.deepStrictEqual(owed, [missed])
      assert.sameDeepMembers(both.map(({ isMissed, pollerId: id }) => [id, isMissed]), [
        [pollerId, true],
        [pollerId, false]
      ])
      assert.deepStrictEqual(unchanged, both)
      assert.deepStrictEqual(left.map(({ isMissed }) => isMissed), [false])
    }))

  it.effect("keeps the time of the last change, not of the last report", () =>
    Effect.gen(function*() {
      const every = { intervalMillis: 600_000 }
      yield* append({ ...at("change", 1_000n, true), ...every })
      yield* append({ ...at("change", 2_000n, true), ...every })
      const [up] = yield* current({ agent: "change" })
      yield* append({ ...at("change", 3_000n, false), ...every })
      const [down] = yield* current({ agent: "change" })

      assert.strictEqual(up?.lastChangeAt.epochMilliseconds, 1_000_000)
      assert.strictEqual(up?.reportedAt.epochMilliseconds, 2_000_000)
      assert.strictEqual(down?.lastChangeAt.epochMilliseconds, 3_000_000)
      assert.strictEqual(down?.firstSeenAt.epochMilliseconds, 1_000_000)
      assert.isFalse(down?.available)
    }))

  it.effect.each<readonly [number | undefined, bigint, number]>([
    [30_000, 1_100n, 1_000_000],
    [30_000, 1_101n, 1_101_000],
    [undefined, 1_910n, 1_000_000],
    [undefined, 1_911n, 1_911_000]
  ])("does not bridge a gap of more than three intervals (%j ms): reported again at %d s, changed at %d", ([
    intervalMillis,
    second,
    changed
  ]) =>
    Effect.gen(function*() {
      const agentId = `gap-${second}`
      const every = intervalMillis === undefined ? {} : { intervalMillis }
      yield* append({ ...at(agentId, 1_000n, true), ...every })
      yield* append({ ...at(agentId, second, true), ...every })
      const [state] = yield* current({ agent: agentId })

      assert.strictEqual(state?.lastChangeAt.epochMilliseconds, changed)
    }))

  it.effect("does not let a late report replace a newer state", () =>
    Effect.gen(function*() {
      yield* append(at("late", 2_000n, true))

      const late = yield* counted(at("late", 1_000n, false))

      assert.deepStrictEqual(late, { stored: 1, repeated: 0 })
      assert.isTrue((yield* current({ agent: "late" }))[0]?.available)
    }))

  it.effect("tells which services are new, went down or came up, each once", () =>
    Effect.gen(function*() {
      const services = [
        receivedStatus({ agentId: "turn", serviceName: "dns", available: false }),
        receivedStatus({ agentId: "turn", serviceName: "ssh" })
      ]
      const report = (timestampSeconds: bigint, available: boolean) =>
        receivedReport({ timestampSeconds, services: [...services, receivedStatus({ agentId: "turn", available })] })

      assert.deepStrictEqual(yield* changesOf(report(1_000n, true)), [
        "turn dns new to false",
        "turn ssh new to true"
      ])
      assert.deepStrictEqual(yield* changesOf(report(1_000n, true)), [])
      assert.deepStrictEqual(yield* changesOf(report(2_000n, false)), ["turn ssh true to false"])
      assert.deepStrictEqual(yield* changesOf(report(3_000n, false)), [])
      assert.deepStrictEqual(yield* changesOf(report(4_000n, true)), ["turn ssh false to true"])
      assert.deepStrictEqual(yield* changesOf(report(1_500n, false)), [])
    }))

  it.effect("takes the last of two statuses of one service in a report", () =>
    Effect.gen(function*() {
      const services = [true, false].map((available) => receivedStatus({ agentId: "twice", available }))

      assert.deepStrictEqual(yield* counted(receivedReport({ services })), { stored: 2, repeated: 0 })
      assert.isFalse((yield* current({ agent: "twice" }))[0]?.available)
    }))

  it.effect("filters by every field", () =>
    Effect.gen(function*() {
      yield* append(receivedReport({
        pollerId: "poller-f",
        partition: "site-f",
        services: [
          receivedStatus({ agentId: "f1", serviceName: "ssh", partition: "site-f" }),
          receivedStatus({ agentId: "f2", serviceName: "web", serviceType: "http", partition: "", available: false })
        ]
      }))
      const names = (filter: object) =>
        Effect.map(current({ poller: "poller-f", ...filter }), (states) => states.map((state) => state.serviceName))

      assert.deepStrictEqual(yield* names({}), ["ssh", "web"])
      assert.deepStrictEqual(yield* names({ agent: "f1" }), ["ssh"])
      assert.deepStrictEqual(yield* names({ type: "http" }), ["web"])
      assert.deepStrictEqual(yield* names({ name: "web" }), ["web"])
      assert.deepStrictEqual(yield* names({ available: false }), ["web"])
      assert.deepStrictEqual(yield* names({ partition: "site-f" }), ["ssh", "web"])
      assert.deepStrictEqual(yield* names({ partition: "elsewhere" }), [])
      assert.deepStrictEqual(yield* names({ limit: 1 }), ["ssh"])
    }))

  it.effect("remembers the source address of a poller that stops sending one", () =>
    Effect.gen(function*() {
      yield* append(receivedReport({ pollerId: "poller-ip", services: [receivedStatus({ agentId: "ip" })] }))
      const services = [receivedStatus({ agentId: "ip" })]
      yield* append(receivedReport({ pollerId: "poller-ip", sourceIp: "", timestampSeconds: 1_800_000_000n, services }))

      assert.strictEqual((yield* current({ agent: "ip" }))[0]?.sourceIp, "192.0.2.1")
    }))

  it.effect("keeps an inventory in the state and only a mark in the history", () =>
    Effect.gen(function*() {
      const message = new TextEncoder().encode(`[{"ip":"192.0.2.9"}]`)
      yield* append(receivedReport({ services: [receivedStatus({ agentId: "inv", serviceType: "sync", message })] }))

      assert.deepStrictEqual(yield* historyOf("inv"), [{ message: `{"status":"processed"}` }])
      assert.strictEqual((yield* current({ agent: "inv" }))[0]?.message, `[{"ip":"192.0.2.9"}]`)
    }))

  it.effect("stores text that PostgreSQL would refuse", () =>
    Effect.gen(function*() {
      const message = new Uint8Array([0x61, 0x00, 0xff])
      yield* append(receivedReport({ services: [receivedStatus({ agentId: "odd", serviceName: "a\0b", message })] }))

      assert.deepStrictEqual(yield* historyOf("odd"), [{ message: "a\uFFFD\uFFFD" }])
    }))

  it.effect("takes an empty report as a heartbeat", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* counted(receivedReport({ services: [] })), { stored: 0, repeated: 0 })
    }))

  it.effect("lets many writers of the same services finish", () =>
    Effect.gen(function*() {
      const services = Array.from({ length: 50 }, (_, index) =>
        receivedStatus({ agentId: `busy-${index}`, available: index % 2 === 0 }))

      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) =>
          index),
        (index) =>
          append(receivedReport({
            timestampSeconds: BigInt(5_000 + index),
            services: index % 2 === 0 ? services : services.toReversed()
          })),
        { concurrency: 8 }
      )

      assert.isTrue(results.every((result) => result.stored === 50))
    }))

  // What else the machine does only adds to it: the best of three, each with services of its own.
  it.effect("stores 10,000 statuses in one report within two seconds", ({ task }) =>
    Effect.gen(function*() {
      const attempt = task.result?.retryCount ?? 0
      const services = Array.from({ length: 10_000 }, (_, index) =>
        receivedStatus({ agentId: `many-${attempt}-${index % 100}`, serviceName: `service-${index}` }))
      const startedAt = yield* Clock.currentTimeMillis

      const appended = yield* append(receivedReport({ pollerId: "poller-many", services }))
      const millis = (yield* Clock.currentTimeMillis) - startedAt

      assert.strictEqual(appended.stored, 10_000)
      assert.lengthOf(appended.changes, 10_000)
      assert.isBelow(millis, 2_000)
    }), { retry: 2 })

  it.effect("removes what is older than the retention and nothing else", () =>
    Effect.gen(function*() {
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
      yield* append(at("retained", BigInt(now - 60), true))
      yield* append(at("retained", BigInt(now - 7_200), true))

      const removed = yield* Effect.flatMap(StatusStore, (store) => store.removeOlderThan(Duration.hours(1)))

      assert.isAtLeast(removed, 1)
      assert.lengthOf(yield* historyOf("retained"), 1)
      assert.lengthOf(yield* current({ agent: "retained" }), 1)
    }))
})

layer(store, { excludeTestServices: true, timeout: "30 seconds" })("PgStatusStore without its tables", (it) => {
  it.effect("is unavailable, so that pollers keep their reports until a restore is done", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      yield* sql`drop table service_state cascade`

      const error = yield* Effect.flip(append(receivedReport()))

      assert.strictEqual(error.reason._tag, "StoreUnavailable")
      assert.include(error.message, "service_state")
    }))
})

layer(
  PgStatusStore.layer.pipe(
    Layer.provideMerge(PgConnection.layer()),
    Layer.provideMerge(DatabaseEndpoint.layer(Option.none()))
  )
)("PgStatusStore without a database", (it) => {
  it.effect("is unavailable, not wrong", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(append(receivedReport()))

      assert.strictEqual(error.reason._tag, "StoreUnavailable")
    }))
})

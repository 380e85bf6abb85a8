import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, Option, Ref, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import { AgentClient, type AgentConnection, type ResultsChunk } from "../../../src/services/poller/AgentClient.ts"
import * as AgentCoordinator from "../../../src/services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import * as ConnectionManager from "../../../src/services/poller/ConnectionManager.ts"
import { CoreReporter, type Report } from "../../../src/services/poller/CoreReporter.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as PollerMetrics from "../../../src/services/poller/PollerMetrics.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import * as ResultsStreamer from "../../../src/services/poller/ResultsStreamer.ts"
import { secured } from "../../support/secured.ts"
import { agent, check, poller, textOf } from "./statuses.ts"

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const quiet: AgentConnection = {
  getStatus: () => Effect.never,
  getResults: () => Effect.never,
  streamResults: () => Stream.never,
  probe: () => Effect.void,
  lost: new Gate()
}

/** One agent with one results check each minute, over this connection; what is reported waits for a word of core. */
const fetching = Effect.fnUntraced(function*(connection: AgentConnection, type: string) {
  const reported: Array<Report> = []
  const link = AgentLink.make({
    agent: agent("agent-1", "agent:1", [
      check("results", { serviceType: ServiceType.make(type), resultsInterval: Option.some(Duration.minutes(1)) })
    ]),
    poller,
    pollInterval: Duration.seconds(30)
  })
  const outside = Layer.mergeAll(
    Layer.succeed(CoreReporter, {
      report: (report) => Effect.sync(() => void reported.push(report)),
      reconfigure: () => Effect.void,
      run: Effect.never,
      pending: Effect.succeed(0),
      trouble: Effect.succeedNone
    }),
    HostIdentity.layerStatic(""),
    Layer.succeed(AgentClient, { connect: () => Effect.succeed(connection) })
  )
  yield* Effect.asVoid(AgentCoordinator.secure(link))
  const started = Effect.flatMap(
    ConnectionManager.start(link),
    (watch) => Effect.all([watch, ResultsStreamer.run(link)], { concurrency: "unbounded" })
  )
  yield* Effect.forkScoped(started.pipe(Effect.provide(outside), Effect.scoped))
  yield* TestClock.adjust("1 second")
  yield* TestClock.adjust("1 second")
  const settle = (isDelivered: boolean) => Effect.suspend(() => reported.at(-1)?.settled?.(isDelivered) ?? Effect.void)
  return { reported, settle, link }
})

const given = <A, E>(test: Effect.Effect<A, E, Effect.Services<ReturnType<typeof fetching>>>) =>
  test.pipe(
    Effect.scoped,
    Effect.provide(secured),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const reply = (sequence: string, hasNewData: boolean) => ({
  available: true,
  message: bytes({ sequence }),
  responseTimeNanos: 1n,
  agentId: "",
  sequence,
  hasNewData
})

describe("The sequence of a results check", () => {
  it.effect("is forgotten when the connection is lost, also that of results which core acknowledges later", () =>
    given(Effect.gen(function*() {
      const asked: Array<string> = []
      const lost = new Gate()
      const { link, reported, settle } = yield* fetching({
        ...quiet,
        lost,
        getResults: (_, lastSequence) =>
          Effect.sync(() => {
            asked.push(lastSequence)
            return reply("5", true)
          })
      }, "snmp")
      yield* settle(true)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(asked, ["", "5"])
      const ofBefore = reported.at(-1)
      lost.releaseUnsafe()
      yield* TestClock.adjust("1 second")
      yield* ofBefore?.settled?.(true) ?? Effect.void
      assert.deepStrictEqual(yield* Effect.forEach(link.checks, ({ sequence }) => Ref.get(sequence)), [""])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked.at(-1), "")
    })))

  it.effect("goes on while core is away, and brings nothing twice that waits for it", () =>
    given(Effect.gen(function*() {
      let samples = 0
      const asked: Array<string> = []
      const { reported } = yield* fetching({
        ...quiet,
        getResults: (_, lastSequence) =>
          Effect.sync(() => {
            asked.push(lastSequence)
            // Every other time the same.
            return reply(`${1 + (samples++ >> 1)}`, true)
          })
      }, "snmp")
      yield* TestClock.adjust("5 minutes")

      assert.deepStrictEqual(asked, ["", "", "", "", "", ""])
      assert.deepStrictEqual(reported.map(({ status }) => textOf(status).includes("\"sequence\":\"1\"")), [
        true,
        false,
        false
      ])
      yield* Effect.forEach(reported, ({ settled }) => settled?.(true) ?? Effect.void)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked.at(-1), "3")
    })))

  it.effect("of what was given up is fetched again", () =>
    given(Effect.gen(function*() {
      const { reported, settle } = yield* fetching(
        { ...quiet, getResults: () => Effect.succeed(reply("5", true)) },
        "snmp"
      )
      yield* TestClock.adjust("3 minutes")
      assert.lengthOf(reported, 1)
      yield* settle(false)
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(reported, 2)
    })))

  it.effect("of an inventory waits for core, and what is skipped is counted", () =>
    given(Effect.gen(function*() {
      let asked = 0
      const one: ResultsChunk = { data: bytes([1]), isFinal: true, sequence: "1", index: 0, total: 1 }
      const { settle } = yield* fetching({
        ...quiet,
        streamResults: () => Stream.sync(() => one).pipe(Stream.tap(() => Effect.sync(() => asked++)))
      }, "sync")
      yield* TestClock.adjust("3 minutes")
      const skipped = yield* Metric.value(PollerMetrics.pollsSkippedOf.unacknowledged)
      assert.deepStrictEqual([asked, Number(skipped.count)], [1, 3])
      yield* settle(true)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked, 2)
    })))

  it.effect("that an agent repeats with nothing new sends nothing; who counts nothing is always heard", () =>
    given(Effect.gen(function*() {
      const counting = yield* fetching({ ...quiet, getResults: () => Effect.succeed(reply("5", false)) }, "snmp")
      assert.lengthOf(counting.reported, 1)
      yield* counting.settle(true)
      yield* TestClock.adjust("5 minutes")
      assert.lengthOf(counting.reported, 1)

      const plain = yield* fetching({ ...quiet, getResults: () => Effect.succeed(reply("", false)) }, "snmp")
      yield* plain.settle(true)
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(plain.reported, 2)
    })))
})

describe("A stream of results", () => {
  const chunk = (index: number, total: number): ResultsChunk => ({
    data: bytes([index]),
    isFinal: index === total - 1,
    sequence: "1",
    index,
    total
  })

  for (
    const [what, chunks, expected] of [
      ["whole", [chunk(0, 3), chunk(1, 3), chunk(2, 3)], "[0,1,2]"],
      ["out of order", [chunk(1, 3), chunk(0, 3), chunk(2, 3)], "chunk 0 of 3 is missing: 1 came"],
      ["with a chunk twice", [chunk(0, 3), chunk(1, 3), chunk(1, 3), chunk(2, 3)], "chunk 1 of 3 came twice"],
      ["with a chunk missing", [chunk(0, 3), chunk(2, 3)], "chunk 1 of 3 is missing: 2 came"],
      ["without its end", [chunk(0, 3), chunk(1, 3)], "no final chunk"]
    ] as const
  ) {
    it.effect(`that comes ${what} is ${expected.startsWith("[") ? "reported as one" : "told as what it is"}`, () =>
      given(Effect.gen(function*() {
        const { reported } = yield* fetching({ ...quiet, streamResults: () => Stream.fromIterable(chunks) }, "sync")
        const [status] = reported.map((one) => one.status)
        assert.include(status === undefined ? "" : textOf(status), expected)
        assert.strictEqual(status?.available, expected.startsWith("["))
      })))
  }
})

import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Metric, Option, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import type { AgentConnection, ResultsChunk } from "../../../src/services/poller/AgentClient.ts"
import * as AgentCoordinator from "../../../src/services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import { CoreReporter, type Report } from "../../../src/services/poller/CoreReporter.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import { Budget, StreamBudget } from "../../../src/services/poller/polls/StreamBudget.ts"
import * as ResultsStreamer from "../../../src/services/poller/ResultsStreamer.ts"
import { secured } from "../../support/secured.ts"
import { agent, check, poller } from "./statuses.ts"

const connection: AgentConnection = {
  getStatus: () => Effect.never,
  getResults: () => Effect.never,
  streamResults: () =>
    Stream.make({ data: new TextEncoder().encode("[1]"), isFinal: true, sequence: "1", index: 0, total: 0 }),
  probe: () => Effect.void,
  lost: new Gate()
}

describe("ResultsStreamer", () => {
  it.effect("hands over what it holds when it is stopped in the middle of reporting", () =>
    Effect.gen(function*() {
      const reported: Array<Report> = []
      const sweep = check("sweep", {
        serviceType: ServiceType.make("sweep"),
        resultsInterval: Option.some(Duration.minutes(1))
      })
      const link = AgentLink.make({
        agent: agent("agent-1", "agent:1", [sweep]),
        poller,
        pollInterval: Duration.seconds(30)
      })
      const reporter = Layer.succeed(CoreReporter, {
        report: (report) => Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => void reported.push(report))),
        reconfigure: () => Effect.void,
        run: Effect.never,
        pending: Effect.succeed(0),
        trouble: Effect.succeedNone
      })
      yield* Effect.asVoid(AgentCoordinator.secure(link))
      yield* Ref.set(link.connection, Option.some(connection))
      const fiber = yield* Effect.forkChild(
        ResultsStreamer.run(link).pipe(Effect.provide([reporter, HostIdentity.layerStatic("")])),
        { startImmediately: true }
      )
      yield* TestClock.adjust("500 millis")
      const stopping = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stopping)

      assert.lengthOf(reported, 1)
      for (const { settled } of reported) yield* settled?.(true) ?? Effect.void
      const [tracked] = link.checks
      assert.deepStrictEqual(
        tracked === undefined ? [] : [yield* Ref.get(tracked.unacknowledged), yield* Ref.get(tracked.sequence)],
        [
          AgentLink.acknowledged,
          "1"
        ]
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(secured),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))

  /** What the agent's stream of this type became after a minute, with what all streams may hold. */
  const reportedOf = (
    serviceType: string,
    streamResults: AgentConnection["streamResults"],
    budget = new Budget()
  ) =>
    Effect.gen(function*() {
      const reported: Array<Report> = []
      const tracked = check(serviceType, {
        serviceType: ServiceType.make(serviceType),
        resultsInterval: Option.some(Duration.minutes(10))
      })
      const link = AgentLink.make({
        agent: agent("agent-1", "agent:1", [tracked]),
        poller,
        pollInterval: Duration.seconds(30)
      })
      const reporter = Layer.succeed(CoreReporter, {
        report: (report) => Effect.sync(() => void reported.push(report)),
        reconfigure: () => Effect.void,
        run: Effect.never,
        pending: Effect.succeed(0),
        trouble: Effect.succeedNone
      })
      yield* Effect.asVoid(AgentCoordinator.secure(link))
      yield* Ref.set(link.connection, Option.some({ ...connection, streamResults }))
      yield* Effect.forkScoped(
        ResultsStreamer.run(link).pipe(
          Effect.provide([reporter, HostIdentity.layerStatic("")]),
          Effect.provideService(StreamBudget, budget)
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 minute")
      return reported.map(({ status }) => new TextDecoder().decode(status.message))
    }).pipe(
      Effect.scoped,
      Effect.provide(secured),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )

  const chunk = (text: string, more: Partial<ResultsChunk> = {}): ResultsChunk => ({
    data: new TextEncoder().encode(text),
    isFinal: false,
    sequence: "1",
    index: 0,
    total: 0,
    ...more
  })

  it.effect("gives up a stream without end when all streams hold too much, and says so", () =>
    Effect.gen(function*() {
      const budget = new Budget(1_000)
      const other = budget.begin()
      budget.add(other, 400)
      const chunks = Array.from({ length: 100 }, () => chunk("[12345678]"))

      const [message = "", ...more] = yield* reportedOf("sweep", () =>
        Stream.concat(Stream.fromIterable(chunks), Stream.never), budget)

      assert.include(message, "result streams of all agents hold more than 1000 bytes, and this one holds most: 610")
      assert.isEmpty(more)
      assert.isFalse(yield* Deferred.isDone(other.givenUp))
      assert.strictEqual(budget.size, 1)
    }))

  it.effect("takes braces alone for no news of a sweep, and an empty list for one that found nothing", () =>
    Effect.gen(function*() {
      const bare = yield* reportedOf("sweep", () => Stream.make(chunk("{}", { isFinal: true })))
      const found = yield* reportedOf("sweep", () => Stream.make(chunk("{\"hosts\":[]}", { isFinal: true })))

      assert.lengthOf(bare, 0)
      assert.lengthOf(found, 1)
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Metric, Option, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import type { AgentConnection } from "../../../src/services/poller/AgentClient.ts"
import * as AgentCoordinator from "../../../src/services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import { CoreReporter, type Report } from "../../../src/services/poller/CoreReporter.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
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
        tracked === undefined ? [] : [yield* Ref.get(tracked.isPending), yield* Ref.get(tracked.sequence)],
        [
          false,
          "1"
        ]
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(secured),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Metric, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AgentClient } from "../../../src/services/poller/AgentClient.ts"
import * as AgentCoordinator from "../../../src/services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { secured } from "../../support/secured.ts"
import { agent, check, poller } from "./statuses.ts"

describe("AgentSupervisor", () => {
  it.effect("keeps a bug that one agent brings out with that agent, for as long as it lasts", () =>
    Effect.gen(function*() {
      const reported = new Map<string, number>()
      const links = ["cursed", "healthy"].map((name) =>
        AgentLink.make({
          agent: agent(name, "agent:1", [check("ssh")]),
          poller,
          pollInterval: Duration.seconds(10)
        })
      )
      const clients = Layer.succeed(AgentClient, {
        connect: ({ agentId }) =>
          Effect.succeed({
            getStatus: () =>
              agentId === "cursed"
                ? Effect.die(new Error("a bug"))
                : Effect.succeed({ available: true, message: new Uint8Array(), responseTimeNanos: 0n, agentId: "" }),
            getResults: () => Effect.never,
            streamResults: () => Stream.never,
            probe: () => Effect.void,
            lost: Effect.never
          })
      })
      const reporter = Layer.succeed(CoreReporter, {
        report: ({ status }) =>
          Effect.sync(() => {
            reported.set(status.agentId, (reported.get(status.agentId) ?? 0) + 1)
          }),
        run: Effect.never,
        pending: Effect.succeed(0),
        trouble: Effect.succeedNone
      })
      const fiber = yield* Supervisor.run({
        id: "Root",
        strategy: "one_for_one",
        children: [AgentCoordinator.supervisor(links)]
      }).pipe(
        Effect.provide([clients, reporter, HostIdentity.layerStatic(""), secured]),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* TestClock.adjust("10 minutes").pipe(Effect.provideService(References.MinimumLogLevel, "None"))

      assert.strictEqual(reported.get("healthy"), 61)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})

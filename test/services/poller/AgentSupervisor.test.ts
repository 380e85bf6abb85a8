import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Metric, Option, References, Semaphore, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AgentClient } from "../../../src/services/poller/AgentClient.ts"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import * as AgentSupervisor from "../../../src/services/poller/AgentSupervisor.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { config } from "../../fixtures/fleet.ts"
import { secured } from "../../support/secured.ts"
import { agent, check, poller } from "./statuses.ts"

/** Runs the agents below a root until the scope closes; what they report goes to `report`. */
const supervised = (
  links: ReadonlyArray<AgentLink.AgentLink>,
  clients: Layer.Layer<AgentClient>,
  report: CoreReporter["Service"]["report"]
) => {
  const reporter = Layer.succeed(CoreReporter, {
    report,
    reconfigure: () => Effect.void,
    run: Effect.never,
    pending: Effect.succeed(0),
    trouble: Effect.succeedNone
  })
  const state = {
    config: config(links.map(({ terms }) => terms.agent), { pollInterval: "10 seconds" }),
    links: new Map(links.map((link) => [link.terms.agent.agentId, link]))
  }
  const fleet = Layer.succeed(Fleet, {
    current: Effect.succeed(state),
    changes: Stream.never,
    replace: () => Effect.succeed({ changes: [], config: state.config, gone: new Set() })
  })
  return Supervisor.run({ id: "Root", strategy: "one_for_all", children: AgentSupervisor.children() }).pipe(
    Effect.provide([clients, reporter, fleet, HostIdentity.layerStatic(""), secured]),
    Effect.forkScoped({ startImmediately: true })
  )
}

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
            lost: new Gate()
          })
      })
      const fiber = yield* supervised(links, clients, ({ status }) =>
        Effect.sync(() => {
          reported.set(status.agentId, (reported.get(status.agentId) ?? 0) + 1)
        }))
      yield* TestClock.adjust("10 minutes").pipe(Effect.provideService(References.MinimumLogLevel, "None"))

      assert.strictEqual(reported.get("healthy"), 61)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))

  it.effect("looks for no more agents at once than it has turns, and waits for no silent one", () =>
    Effect.gen(function*() {
      const turns = Option.some(Semaphore.makeUnsafe(2))
      const asked: Array<string> = []
      const polled = new Set<string>()
      let atOnce = 0
      let atOnceMost = 0
      const names = Array.from({ length: 20 }, (_, index) => index % 5 === 0 ? `silent-${index}` : `well-${index}`)
      const links = names.map((name) =>
        AgentLink.make({
          agent: agent(name, "agent:1", [check("ssh")]),
          poller,
          pollInterval: Duration.seconds(10),
          turns
        })
      )
      const clients = Layer.succeed(AgentClient, {
        connect: ({ agentId }) =>
          Effect.succeed({
            getStatus: () =>
              Effect.sync(() => {
                polled.add(agentId)
                return { available: true, message: new Uint8Array(), responseTimeNanos: 0n, agentId: "" }
              }),
            getResults: () => Effect.never,
            streamResults: () => Stream.never,
            probe: () =>
              Effect.gen(function*() {
                asked.push(agentId)
                if (agentId.startsWith("silent")) return yield* Effect.never
                atOnce += 1
                atOnceMost = Math.max(atOnceMost, atOnce)
                yield* Effect.sleep("10 millis")
                atOnce -= 1
              }),
            lost: new Gate()
          })
      })
      yield* supervised(links, clients, () => Effect.void)
      for (let step = 0; step < 50; step++) yield* TestClock.adjust("10 millis")

      assert.isAtMost(atOnceMost, 2)
      assert.strictEqual(asked.length, names.length)
      assert.deepStrictEqual([...polled].toSorted(), names.filter((name) => name.startsWith("well")).toSorted())
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})

/** What the poller's tree lives in: agents and a core that answer. */
import { Clock, Duration, Effect, Layer, Stream } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { Management } from "../../../src/layers/http/Management.ts"
import { AgentClient, type AgentConnection } from "../../../src/services/poller/AgentClient.ts"
import * as MemoryStatusBuffer from "../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { CoreClient } from "../../../src/services/poller/CoreClient.ts"
import { CoreReporter } from "../../../src/services/poller/CoreReporter.ts"
import { Fleet } from "../../../src/services/poller/Fleet.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import { Gate } from "../../../src/services/poller/polls/Gate.ts"
import type { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import * as fleet from "../../fixtures/fleet.ts"
import { agent, check, poller } from "../../services/poller/statuses.ts"

const answer = {
  available: true,
  message: new TextEncoder().encode("{\"ok\":true}"),
  responseTimeNanos: 5_000_000n,
  agentId: ""
}

const connection: AgentConnection = {
  getStatus: () => Effect.as(Effect.sleep("5 millis"), answer),
  getResults: () => Effect.never,
  streamResults: () => Stream.never,
  probe: () => Effect.void,
  lost: new Gate()
}

const agents = ["a", "b", "c"].map((name) => agent(name, "agent:1", [check("ssh")]))

/** Polls every 2 s; core hears of each agent at least every 10 s once nothing is done to the tree. */
export const config = fleet.config(agents, { pollInterval: "2 seconds" })

export const make = () => {
  const reportedMillis = new Map<string, number>()
  const core = Layer.succeed(CoreClient, {
    losses: Effect.succeed(0),
    takesParts: Effect.succeed(true),
    stream: () => Effect.succeed({ takesParts: true }),
    report: (_, statuses) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const { agentId } of statuses) reportedMillis.set(agentId, now)
        return { takesParts: true }
      })
  })
  const reporter = CoreReporter.layer({
    poller,
    pollInterval: Duration.seconds(2),
    batchWait: "100 millis",
    expected: new Map()
  }).pipe(
    Layer.provideMerge(MemoryStatusBuffer.layer()),
    Layer.provide([core, HostIdentity.layerStatic("192.0.2.1")])
  )
  const promises: ReadonlyArray<TreeCheck.Promised> = [{
    name: "core hears of every agent",
    when: "healed",
    broken: Effect.map(Clock.currentTimeMillis, (now) => {
      const silent = agents.filter(({ agentId }) => now - (reportedMillis.get(agentId) ?? -Infinity) > 10_000)
      return silent.length === 0
        ? undefined
        : `nothing of ${silent.map(({ agentId }) => agentId).join(", ")} within 10 s`
    })
  }]
  return {
    promises,
    layer: Layer.mergeAll(
      reporter,
      Fleet.layer(config),
      HostIdentity.layerStatic("192.0.2.1"),
      Layer.succeed(AgentClient, { connect: () => Effect.succeed(connection) }),
      CircuitBreaker.layerStoreMemory(),
      Management.layer
    )
  }
}

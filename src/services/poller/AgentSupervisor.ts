/**
 * One coordinator for each agent that the fleet has now.
 *
 *   AgentSupervisor  dynamic, one_for_one, 10 restarts in 60 s
 *   └─ <agent id>    one for each agent
 *   AgentRoster      permanent: starts, stops and replaces them when the configuration is another one
 *
 * The roster counts as started when every agent of the fleet has a coordinator. Both stand side by side in a tree that
 * restarts all of its children together: a roster that begins anew finds no agents.
 */
import { Effect, Stream } from "effect"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import type { SupervisorShutdown } from "../supervision/SupervisorError.ts"
import * as AgentCoordinator from "./AgentCoordinator.ts"
import type { AgentLink } from "./AgentLink.ts"
import { Fleet, type FleetState } from "./Fleet.ts"

/** More agents than anybody has. */
const agentsMax = 100_000

/** Coordinators started, or stopped, at the same time. */
const atOnce = 64

export const children = () => {
  const agents = Supervisor.dynamicUnsafe<SupervisorShutdown<never>>({
    id: "AgentSupervisor",
    intensity: { maxRestarts: 10, period: "60 seconds" },
    maxChildren: agentsMax
  })
  const running = new Map<AgentId, AgentLink>()

  const stop = Effect.fnUntraced(function*(agentId: AgentId, link: AgentLink) {
    running.delete(agentId)
    yield* agents.terminateChild(AgentCoordinator.idOf(link)).pipe(
      // It has given up by itself: gone is what it should be.
      Effect.catchTag("ChildRefused", () => Effect.void)
    )
  })

  const start = Effect.fnUntraced(function*(agentId: AgentId, link: AgentLink) {
    yield* agents.startChild(AgentCoordinator.coordinator(link))
    running.set(agentId, link)
  })

  const settle = Effect.fnUntraced(function*({ links }: FleetState) {
    const old = [...running].filter(([agentId, link]) => links.get(agentId) !== link)
    yield* Effect.forEach(old, ([agentId, link]) => stop(agentId, link), { concurrency: atOnce, discard: true })
    const young = [...links].filter(([agentId]) => !running.has(agentId))
    yield* Effect.forEach(young, ([agentId, link]) => start(agentId, link), { concurrency: atOnce, discard: true })
  })

  const roster = Supervisor.child({
    id: "AgentRoster",
    start: Effect.gen(function*() {
      const fleet = yield* Fleet
      running.clear()
      yield* settle(yield* fleet.current)
      return Effect.andThen(Stream.runForEach(fleet.changes, settle), Effect.never)
    })
  })
  return [agents, roster] as const
}

/**
 * Everything that concerns one agent, as one supervision tree.
 *
 *   AgentSupervisor (one_for_one, 10 restarts in 60 s)
 *   └─ <agent id> (rest_for_one), one per agent
 *      ├─ SecurityContext    permanent, two-part start
 *      ├─ ConnectionManager  permanent, two-part start
 *      ├─ CheckScheduler     permanent
 *      ├─ ResultsStreamer    permanent
 *      └─ CircuitBreaker     transient
 *
 * An agent that misbehaves makes its own statuses unavailable and fails nothing: only a bug restarts a child here. A
 * new connection restarts whoever used the old one, hence rest_for_one.
 */
import { Effect, Metric, Option, Ref } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as ChildId from "../../domain/supervision/ChildId.ts"
import * as CircuitWatch from "../breaker/CircuitWatch.ts"
import * as SecurityContext from "../security/SecurityContext.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import type * as AgentLink from "./AgentLink.ts"
import * as CheckScheduler from "./CheckScheduler.ts"
import * as ConnectionManager from "./ConnectionManager.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as ResultsStreamer from "./ResultsStreamer.ts"
import * as RolloutGate from "./rollout/RolloutGate.ts"

/** A bug that one agent's answers bring out again and again restarts that agent's children, never the whole poller. */
const backoff = { schedule: Backoff.capped({ from: "1 second", to: "30 seconds" }) }

export const idOf = (link: AgentLink.AgentLink): string => ChildId.fromName(link.terms.agent.agentId)

export const coordinator = (link: AgentLink.AgentLink) =>
  Supervisor.supervisor({
    id: idOf(link),
    metricsName: "AgentCoordinator",
    strategy: "rest_for_one",
    children: [
      Supervisor.child({ id: "SecurityContext", backoff, start: secure(link) }),
      Supervisor.child({
        id: "ConnectionManager",
        backoff,
        start: Effect.map(ConnectionManager.start(link), RolloutGate.whileOpen)
      }),
      Supervisor.child({ id: "CheckScheduler", backoff, run: RolloutGate.whileOpen(CheckScheduler.run(link)) }),
      Supervisor.child({ id: "ResultsStreamer", backoff, run: RolloutGate.whileOpen(ResultsStreamer.run(link)) }),
      Supervisor.child({ id: "CircuitBreaker", restart: "transient", run: watchCircuit(link) })
    ]
  })

/** Its certificates, its circuits and its limit; with them the next child may start. */
export const secure = Effect.fnUntraced(
  function*(link: AgentLink.AgentLink) {
    const { address, agentId, security } = link.terms.agent
    const context = yield* SecurityContext.make({ peer: agentId, address, security })
    yield* Effect.acquireRelease(
      Ref.set(link.security, Option.some(context)),
      () => Ref.set(link.security, Option.none())
    )
    return context.run
  }
)

/** Counts and logs what the circuits do. */
const watchCircuit = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  const security = yield* Ref.get(link.security)
  if (Option.isNone(security)) return
  return yield* CircuitWatch.forEach([security.value], SecurityContext.eventsMax, ({ from, to }) =>
    Effect.andThen(
      Metric.update(Metric.withAttributes(PollerMetrics.circuitTransitions, { to }), 1),
      Effect.logDebug(`circuit of agent ${link.terms.agent.agentId}: ${from} to ${to}`)
    ))
})

/**
 * What a poller shows of its agents and of its security: `/health/agents` and `/health/security`, in numbers, for whoever
 * asks; `/api/agents` with names and reasons.
 */
import { Clock, Effect, Option, Ref, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as AgentClass from "../../domain/poller/AgentClass.ts"
import * as Monotonic from "../../services/clock/Monotonic.ts"
import type * as AgentLink from "../../services/poller/AgentLink.ts"
import * as MetricsCollector from "../../services/poller/MetricsCollector.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import type { Part, Route } from "../http/Management.ts"

const AgentsHealth = Schema.Struct({
  status: Schema.Literals(["healthy", "degraded", "unhealthy"]),
  total: Schema.Int,
  present: Schema.Int,
  absent: Schema.Int
})

const SecurityHealth = Schema.Struct({
  status: Schema.Literals(["healthy", "degraded"]),
  /** Agents by how they are reached. */
  agents: Schema.Struct({ plain: Schema.Int, mtls: Schema.Int, spiffe: Schema.Int }),
  /** Agents for which there is no certificate of ours that can be used. */
  without_certificate: Schema.Int,
  /** Of our certificate that ends first; null without any. */
  certificate_expires_in_seconds: Schema.NullOr(Schema.Finite),
  window_seconds: Schema.Finite,
  events: Schema.Int,
  events_by_kind: Schema.Record(Schema.String, Schema.Finite)
})

const AgentState = Schema.Struct({
  agent_id: Schema.String,
  address: Schema.String,
  class: Schema.Literals(["plain", "mtls", "spiffe"]),
  checks: Schema.Int,
  state: Schema.Literals(["present", "absent"]),
  reason: Schema.optionalKey(Schema.String),
  absent_seconds: Schema.optionalKey(Schema.Finite)
})

type Links<R> = Effect.Effect<ReadonlyArray<AgentLink.AgentLink>, never, R>

const agentsHealth = ({ absent, present }: MetricsCollector.AgentCounts): typeof AgentsHealth.Type => ({
  status: absent === 0 ? "healthy" : present === 0 ? "unhealthy" : "degraded",
  total: present + absent,
  present,
  absent
})

const securityHealth = Effect.fnUntraced(function*(links: ReadonlyArray<AgentLink.AgentLink>) {
  const { byKind, total, windowSeconds } = yield* SecurityMonitor.use(({ summary }) => summary)
  const nowMillis = yield* Clock.currentTimeMillis
  const agents = { plain: 0, mtls: 0, spiffe: 0 }
  let without = 0
  let firstEnd = Infinity
  for (const { security, terms: { agent } } of links) {
    const agentClass = AgentClass.classOf(agent.security)
    agents[agentClass] += 1
    if (agentClass === "plain") continue
    const context = yield* Ref.get(security)
    const set = context.pipe(
      Option.flatMap(({ certificates }) => certificates()),
      Option.flatMap(({ current }) => current())
    )
    if (Option.isNone(set)) without += 1
    else firstEnd = Math.min(firstEnd, set.value.validity.notAfterMillis)
  }
  return {
    status: without > 0 || firstEnd <= nowMillis ? "degraded" : "healthy",
    agents,
    without_certificate: without,
    certificate_expires_in_seconds: firstEnd === Infinity ? null : Math.floor((firstEnd - nowMillis) / 1_000),
    window_seconds: windowSeconds,
    events: total,
    events_by_kind: byKind
  } satisfies typeof SecurityHealth.Type
})

const agentState = Effect.fnUntraced(function*(
  { absence, presence, terms: { agent } }: AgentLink.AgentLink,
  nowMillis: number
) {
  const reason = yield* Ref.get(absence)
  const { absentSinceMillis } = presence
  return {
    agent_id: agent.agentId,
    address: agent.address,
    class: AgentClass.classOf(agent.security),
    checks: agent.checks.length,
    state: Option.isNone(reason) ? "present" : "absent",
    ...(Option.isNone(reason) ? {} : { reason: reason.value.message }),
    ...(absentSinceMillis === undefined ? {} : { absent_seconds: Math.floor((nowMillis - absentSinceMillis) / 1_000) })
  } satisfies typeof AgentState.Type
})

const limitDefault = 1_000

const limitOf = (query: URLSearchParams): number => {
  const given = Number(query.get("limit") ?? limitDefault)
  return Number.isInteger(given) && given > 0 ? Math.min(given, limitDefault) : limitDefault
}

export const part = <R>(links: Links<R>): Part<SecurityMonitor | R> => {
  const routes: ReadonlyArray<Route<SecurityMonitor | R>> = [
    {
      path: "/health/agents",
      summary: "How many agents answer",
      answers: AgentsHealth,
      handle: () =>
        Effect.map(
          Effect.flatMap(links, MetricsCollector.counts),
          (counts) => HttpServerResponse.jsonUnsafe(agentsHealth(counts))
        )
    },
    {
      path: "/health/security",
      summary: "How agents are reached, when our certificates end, and security events of the last minutes",
      answers: SecurityHealth,
      handle: () => Effect.map(Effect.flatMap(links, securityHealth), (health) => HttpServerResponse.jsonUnsafe(health))
    },
    {
      path: "/api/agents",
      summary: "The agents and why some do not answer",
      parameters: new Map([
        ["state", "present or absent: only those"],
        ["limit", `How many at most; ${limitDefault} unless told, and never more`]
      ]),
      answers: Schema.Struct({ agents: Schema.Array(AgentState), total: Schema.Int }),
      handle: (query) =>
        Effect.gen(function*() {
          const nowMillis = yield* Monotonic.millis
          const all = yield* Effect.forEach(yield* links, (link) => agentState(link, nowMillis))
          const wanted = query.get("state")
          const found = wanted === null ? all : all.filter(({ state }) => state === wanted)
          return HttpServerResponse.jsonUnsafe({ agents: found.slice(0, limitOf(query)), total: found.length })
        })
    }
  ]
  return { routes }
}

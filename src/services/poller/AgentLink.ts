/**
 * What the children of one agent's coordinator share: the connection, its circuit breaker, and whether the agent is
 * there.
 *
 * While the agent is absent nothing is asked of it but the ConnectionManager's probe: checks fail at once with what
 * the probe last saw, so a hanging agent holds up nobody and its return is noticed within a second or two.
 */
import { Duration, Effect, Exit, Latch, Option, Ref } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import type { PollerIdentity } from "../../domain/monitoring/reports/PollOutcome.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import { type AgentConnection, AgentError, NotAsked, TimedOut, Unreachable } from "./AgentClient.ts"
import type { ExpectedCheck } from "./CoreReporter.ts"

export interface Session {
  readonly connection: AgentConnection
  readonly breaker: CircuitBreaker.CircuitBreaker
}

/** One check and what is remembered of it between runs, whoever runs it. */
export interface TrackedCheck {
  readonly check: Check
  /** Tells it apart from all others of the configuration, also from one with the same name. */
  readonly key: string
  /** As last reported; none before the first report. */
  readonly available: Ref.Ref<Option.Option<boolean>>
  /** The sequence of the newest results that core has acknowledged. */
  readonly sequence: Ref.Ref<string>
  /** The log has that the agent has no such results. */
  readonly isNoted: Ref.Ref<boolean>
  /** Results are on their way to core; fetching more would only repeat them. */
  readonly isPending: Ref.Ref<boolean>
}

export interface AgentLink {
  readonly agent: PolledAgent
  readonly poller: PollerIdentity
  readonly pollInterval: Duration.Duration
  /** How far this agent's polls are behind the others' after the first; less than an interval. */
  readonly phase: Duration.Duration
  readonly checks: ReadonlyArray<TrackedCheck>
  /** Set by the ConnectionManager before anyone who uses it starts. */
  readonly session: Ref.Ref<Option.Option<Session>>
  /** Why the agent counts as absent; none while it is present. */
  readonly absence: Ref.Ref<Option.Option<AgentError>>
  /** Open when the agent should be probed. */
  readonly isSuspect: Latch.Latch
  /** Released when the agent turns out to be absent, and when it is back: both are news for every check. */
  readonly changed: Latch.Latch
}

export const make = (
  options: Pick<AgentLink, "agent" | "poller" | "pollInterval"> & Partial<Pick<AgentLink, "phase">>
): AgentLink => ({
  phase: Duration.zero,
  ...options,
  checks: options.agent.checks.map((check, index) => ({
    check,
    key: keyOf(options.agent, index),
    available: Ref.makeUnsafe(Option.none()),
    sequence: Ref.makeUnsafe(""),
    isNoted: Ref.makeUnsafe(false),
    isPending: Ref.makeUnsafe(false)
  })),
  session: Ref.makeUnsafe(Option.none()),
  absence: Ref.makeUnsafe(Option.none()),
  isSuspect: Latch.makeUnsafe(true),
  changed: Latch.makeUnsafe()
})

/** Of the check at this place of the agent's entry. */
const keyOf = ({ agentId }: PolledAgent, index: number): string => `${index} ${agentId}`

/** Those that every cycle measures, by their keys; results checks have intervals of their own. */
export const regularChecks = (agents: ReadonlyArray<PolledAgent>): ReadonlyMap<string, ExpectedCheck> =>
  new Map(
    agents.flatMap((agent) =>
      agent.checks.flatMap((check, index) =>
        Option.isNone(check.resultsInterval) ? [[keyOf(agent, index), { agent, check }] as const] : []
      )
    )
  )

/** Runs one call on the agent's connection, bounded in time and through the breaker. */
export const ask = Effect.fnUntraced(function*<A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>,
  deadline: Duration.Duration
): Effect.fn.Return<A, AgentError> {
  const absence = yield* Ref.get(link.absence)
  if (Option.isSome(absence)) return yield* absence.value
  return yield* throughBreaker(link, call, deadline).pipe(
    Effect.tapError((error) => isAbsence(error) ? link.isSuspect.open : Effect.void)
  )
})

/** As `ask`, also while the agent counts as absent: for the one who finds out. */
export const throughBreaker = Effect.fnUntraced(function*<A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>,
  deadline: Duration.Duration
): Effect.fn.Return<A, AgentError> {
  const { agentId } = link.agent
  const session = yield* Effect.fromOption(yield* Ref.get(link.session)).pipe(
    Effect.mapError(() => new AgentError({ agentId, reason: new Unreachable({ detail: "there is no connection" }) }))
  )
  const bounded = Effect.timeoutOrElse(call(session.connection), {
    duration: deadline,
    orElse: () => Effect.fail(new AgentError({ agentId, reason: new TimedOut({ detail: "no answer in time" }) }))
  })
  return yield* session.breaker.execute(bounded, { key: agentId, classify }).pipe(
    Effect.catchTag(
      "CircuitBreakerError",
      () => Effect.fail(new AgentError({ agentId, reason: new NotAsked({ detail: "its circuit is open" }) }))
    )
  )
})

/** An agent that says "I do not know that check" or "not now" works. */
const classify = (exit: Exit.Exit<unknown, AgentError>): CircuitBreaker.Outcome => {
  const error = Exit.findErrorOption(exit)
  if (Option.isSome(error)) return isAnswer(error.value) ? CircuitBreaker.success : CircuitBreaker.failure()
  return Exit.isSuccess(exit) ? CircuitBreaker.success : CircuitBreaker.failure()
}

const isAnswer = ({ reason }: AgentError): boolean =>
  reason._tag === "Unsupported" || reason._tag === "NotConfigured" || reason._tag === "Busy"

const isAbsence = ({ reason }: AgentError): boolean =>
  reason._tag === "Unreachable" || reason._tag === "TimedOut" || reason._tag === "Garbled"

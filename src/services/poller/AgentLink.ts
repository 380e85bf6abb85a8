/**
 * What the children of one agent's coordinator share: the connection, what secures it, and whether the agent is there.
 *
 * While the agent is absent nothing is asked of it but the ConnectionManager's probe: checks fail at once with what
 * the probe last saw, so a hanging agent holds up nobody and its return is noticed within a second or two.
 */
import { Duration, Effect, Latch, Metric, Option, Ref, type Semaphore } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import type { PollerIdentity } from "../../domain/monitoring/reports/PolledStatus.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import * as FailureClass from "../../domain/security/FailureClass.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type * as SecurityContext from "../security/SecurityContext.ts"
import { type AgentConnection, AgentError, NotAsked, Unreachable } from "./AgentClient.ts"
import type { ExpectedCheck } from "./CoreReporter.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import * as RolloutGate from "./rollout/RolloutGate.ts"

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

export interface Presence {
  absentSinceMillis: number | undefined
  /** It is back, and has not answered a check yet. */
  returnedMillis: number | undefined
}

export interface AgentLink {
  readonly agent: PolledAgent
  readonly poller: PollerIdentity
  readonly pollInterval: Duration.Duration
  /** How far this agent's polls are behind the others' after the first; less than an interval. */
  readonly phase: Duration.Duration
  /** Shared by all agents of a fleet: who may find out whether its agent is there. None: all at once. */
  readonly turns: Option.Option<Semaphore.Semaphore>
  readonly checks: ReadonlyArray<TrackedCheck>
  /** Set by the SecurityContext's child before anyone who uses it starts. */
  readonly security: Ref.Ref<Option.Option<SecurityContext.SecurityContext>>
  /** Set by the ConnectionManager before anyone who uses it starts. */
  readonly connection: Ref.Ref<Option.Option<AgentConnection>>
  /** Why the agent counts as absent; none while it is present. */
  readonly absence: Ref.Ref<Option.Option<AgentError>>
  /** When it went and came, by the clock that only goes forward. */
  readonly presence: Presence
  /** Open once it is known whether the agent is there; before, whoever must wait for a turn asks for no check. */
  readonly isKnown: Latch.Latch
  /** Open when the agent should be probed. */
  readonly isSuspect: Latch.Latch
  /** Released when the agent turns out to be absent, and when it is back: both are news for every check. */
  readonly changed: Latch.Latch
}

export const make = (
  options: Pick<AgentLink, "agent" | "poller" | "pollInterval"> & Partial<Pick<AgentLink, "phase" | "turns">>
): AgentLink => ({
  phase: Duration.zero,
  turns: Option.none(),
  ...options,
  checks: options.agent.checks.map((check, index) => ({
    check,
    key: keyOf(options.agent, index),
    available: Ref.makeUnsafe(Option.none()),
    sequence: Ref.makeUnsafe(""),
    isNoted: Ref.makeUnsafe(false),
    isPending: Ref.makeUnsafe(false)
  })),
  security: Ref.makeUnsafe(Option.none()),
  connection: Ref.makeUnsafe(Option.none()),
  absence: Ref.makeUnsafe(Option.none()),
  presence: { absentSinceMillis: undefined, returnedMillis: undefined },
  isKnown: Latch.makeUnsafe(options.turns === undefined || Option.isNone(options.turns)),
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

/** Runs one call on the agent's connection, which bounds it in time, through its circuits. */
export const ask = Effect.fnUntraced(function*<A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.fn.Return<A, AgentError> {
  const gate = yield* RolloutGate.RolloutGate
  const absence = yield* Ref.get(link.absence)
  if (Option.isSome(absence)) {
    gate.note(true)
    return yield* absence.value
  }
  const reply = yield* inFlight(throughCircuits(link, call)).pipe(
    Effect.tapError((error) => {
      gate.note(!isAnswer(error))
      return isAbsence(error) ? link.isSuspect.open : Effect.void
    })
  )
  gate.note(false)
  const { returnedMillis } = link.presence
  if (returnedMillis !== undefined) {
    link.presence.returnedMillis = undefined
    yield* Metric.update(PollerMetrics.recoverySeconds, ((yield* Monotonic.millis) - returnedMillis) / 1_000)
  }
  return reply
})

const inFlight = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Metric.modify(PollerMetrics.pollsInFlight, 1),
    () => call,
    () => Metric.modify(PollerMetrics.pollsInFlight, -1)
  )

/** As `ask`, also while the agent counts as absent: for the one who finds out. */
export const throughCircuits = Effect.fnUntraced(function*<A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.fn.Return<A, AgentError> {
  const { agentId } = link.agent
  const fail = (reason: AgentError["reason"]) => new AgentError({ agentId, reason })
  const connection = yield* Ref.get(link.connection)
  const security = yield* Ref.get(link.security)
  if (Option.isNone(connection) || Option.isNone(security)) {
    return yield* fail(new Unreachable({ detail: "there is no connection" }))
  }
  return yield* security.value.call(call(connection.value), classOf).pipe(
    Effect.catchTag("CallWithheld", ({ reason }) => Effect.fail(fail(new NotAsked({ detail: reason }))))
  )
})

/** An agent that says "I do not know that check" or "not now" works. */
const classOf = (error: AgentError): FailureClass.FailureClass | "answer" => {
  const { _tag, detail } = error.reason
  if (isAnswer(error)) return "answer"
  if (_tag === "Refused") return "security"
  return FailureClass.classify({ status: _tag === "Unreachable" ? "Unavailable" : _tag, detail })
}

const isAnswer = ({ reason }: AgentError): boolean =>
  reason._tag === "Unsupported" || reason._tag === "NotConfigured" || reason._tag === "Busy"

const isAbsence = ({ reason }: AgentError): boolean =>
  reason._tag === "Unreachable" || reason._tag === "TimedOut" || reason._tag === "Garbled"

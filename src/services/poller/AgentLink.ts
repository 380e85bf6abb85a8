/**
 * What the children of one agent's coordinator share: the connection, what secures it, and whether the agent is there.
 *
 * While the agent is absent nothing is asked of it but the ConnectionManager's probe: checks fail at once with what
 * the probe last saw, so a hanging agent holds up nobody and its return is noticed within a second or two.
 */
import { Cause, type Clock, Context, Duration, Effect, Equal, Exit, Metric, Option, Ref, type Semaphore } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import type { PollerIdentity } from "../../domain/monitoring/reports/PolledStatus.ts"
import * as ByteAllowance from "../../domain/poller/ByteAllowance.ts"
import * as CheckKey from "../../domain/poller/CheckKey.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import type { SweepCompletion } from "../../domain/poller/SweepCompletion.ts"
import * as FailureClass from "../../domain/security/FailureClass.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type * as SecurityContext from "../security/SecurityContext.ts"
import {
  type Admission,
  type AgentConnection,
  AgentError,
  type Answer,
  NotAsked,
  type StatusReply,
  Unreachable
} from "./AgentClient.ts"
import type { ExpectedCheck } from "./CoreReporter.ts"
import * as Lease from "./handover/Lease.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import { Gate } from "./polls/Gate.ts"
import { Places } from "./polls/Places.ts"
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
  readonly unacknowledged: Ref.Ref<Unacknowledged>
  readonly runs: Lease.CheckRuns
}

/** Results on their way to core. */
export interface Unacknowledged {
  readonly count: number
  /** The sequence of the newest of them that have one, and the life of the agent in which it was given. */
  readonly sequence: string
  readonly life: number
}

export const acknowledged: Unacknowledged = { count: 0, sequence: "", life: 0 }

export interface Presence {
  absentSinceMillis: number | undefined
  /** It is back, and has not answered a check yet. */
  returnedMillis: number | undefined
  /** How often all of its checks were begun anew since it answered one last. */
  fruitless: number
  /** How often its connection broke, one time soon after the other, and when it did last. */
  losses: number
  lostMillis: number | undefined
}

/** What the configuration says of an agent. */
export interface AgentTerms {
  readonly agent: PolledAgent
  readonly poller: PollerIdentity
  readonly pollInterval: Duration.Duration
  /** How far this agent's polls are behind the others' after the first; less than an interval. */
  readonly phase: Duration.Duration
}

/** Whoever runs checks of an agent, and what it is to look at when it is woken. */
export interface Follower {
  /** What is known of the agent is another: every check begins anew. */
  isAnew: boolean
  readonly wake: Gate
}

export interface AgentLink {
  /** As of now; read for every poll, replaced by `revise`. */
  terms: AgentTerms
  checks: ReadonlyArray<TrackedCheck>
  /** Shared by all agents of a fleet: who may find out whether its agent is there. None: all at once. */
  readonly turns: Option.Option<Semaphore.Semaphore>
  /** Checks of all agents of a fleet that may be asked for at once. None: as many as there are. */
  readonly places: Option.Option<Places>
  /** The same for this agent, once it has more checks than may be asked for at once. */
  ownPlaces: Places | undefined
  /** How far sweeps have come, by the keys of their checks; shared by all agents of a fleet. */
  readonly completions: Map<string, SweepCompletion>
  /** Of all agents of a fleet, by their names in the configuration; nobody answers under another's. */
  readonly addresses: ReadonlyMap<string, string>
  /** What its answers to checks may hold; those to calls for results are bounded by themselves. */
  readonly allowance: ByteAllowance.ByteAllowance
  /** Set by the SecurityContext's child before anyone who uses it starts. */
  readonly security: Ref.Ref<Option.Option<SecurityContext.SecurityContext>>
  /** Set by the ConnectionManager before anyone who uses it starts. */
  readonly connection: Ref.Ref<Option.Option<AgentConnection>>
  /** Why the agent counts as absent; none while it is present. */
  readonly absence: Ref.Ref<Option.Option<AgentError>>
  /** When it went and came, by the clock that only goes forward. */
  readonly presence: Presence
  /** Open once it is known whether the agent is there; before, whoever must wait for a turn asks for no check. */
  readonly isKnown: Gate
  /** Open when the agent should be probed. */
  readonly isSuspect: Gate
  readonly followers: Set<Follower>
  /** Whether this process polls the agent, and not one that takes over from it or that it takes over from. */
  readonly lease: Lease.Lease
}

export const make = (
  {
    addresses = new Map(),
    completions = new Map(),
    lease = Lease.make(),
    phase = Duration.zero,
    places = Option.none(),
    turns = Option.none(),
    ...terms
  }:
    & Pick<AgentTerms, "agent" | "poller" | "pollInterval">
    & Partial<Pick<AgentTerms, "phase"> & Pick<AgentLink, "addresses" | "completions" | "lease" | "places" | "turns">>,
  /** Checks of the same agent at another address: what core was told of them last is what it still believes. */
  before: ReadonlyArray<TrackedCheck> = []
): AgentLink => ({
  terms: { ...terms, phase },
  checks: tracked(terms.agent, new Map(before.map((one) => [one.key, one]))),
  turns,
  places,
  ownPlaces: undefined,
  completions,
  addresses,
  allowance: ByteAllowance.make(),
  lease,
  security: Ref.makeUnsafe(Option.none()),
  connection: Ref.makeUnsafe(Option.none()),
  absence: Ref.makeUnsafe(Option.none()),
  presence: { absentSinceMillis: undefined, returnedMillis: undefined, fruitless: 0, losses: 0, lostMillis: undefined },
  isKnown: new Gate(Option.isNone(turns) && lease.isHeld.isOpen()),
  isSuspect: new Gate(true),
  followers: new Set()
})

/** Of those that are known already only what core was told last. */
const tracked = (
  agent: PolledAgent,
  known: ReadonlyMap<string, Pick<TrackedCheck, "available">>
): ReadonlyArray<TrackedCheck> => {
  const keys = CheckKey.keysOf(agent)
  return agent.checks.map((check, index) => ({
    check,
    key: keys[index] ?? "",
    available: known.get(keys[index] ?? "")?.available ?? Ref.makeUnsafe(Option.none()),
    sequence: Ref.makeUnsafe(""),
    isNoted: Ref.makeUnsafe(false),
    unacknowledged: Ref.makeUnsafe(acknowledged),
    runs: Lease.neverRun()
  }))
}

/** The configuration says something else of the same agent at the same address: its connection stays. */
export const revise = (link: AgentLink, terms: AgentTerms): Effect.Effect<void> =>
  Effect.suspend(() => {
    const before = new Map(link.checks.map((one) => [one.key, one]))
    link.terms = terms
    link.checks = tracked(terms.agent, before).map((one) => {
      const known = before.get(one.key)
      return known !== undefined && Equal.equals(known.check, one.check) ? known : one
    })
    return wake(link)
  })

/** The agent turned out to be absent, or is back: both are news for every check. */
export const beginAnew = (link: AgentLink): Effect.Effect<void> =>
  Effect.suspend(() => {
    for (const follower of link.followers) follower.isAnew = true
    return wake(link)
  })

const wake = ({ followers }: AgentLink): Effect.Effect<void> =>
  Effect.forEach(followers, (follower) => follower.wake.open, { discard: true })

/** Those that every cycle measures, by their keys; results checks have intervals of their own. */
export const regularChecks = (agents: ReadonlyArray<PolledAgent>): ReadonlyMap<string, ExpectedCheck> =>
  new Map(
    agents.flatMap((agent) => {
      const keys = CheckKey.keysOf(agent)
      return agent.checks.flatMap((check, index) =>
        Option.isNone(check.resultsInterval) ? [[keys[index] ?? "", { agent, check }] as const] : []
      )
    })
  )

/**
 * The agent was perhaps restarted, and counts its results from the beginning again: one that was asked to continue from a
 * number of before would say that there is nothing new.
 */
export const forgetSequences = ({ checks }: AgentLink): Effect.Effect<void> =>
  Effect.forEach(checks, ({ runs, sequence }) => {
    runs.life += 1
    return Ref.set(sequence, "")
  }, { discard: true })

/** Checks of one agent that are asked for at the same time; a check of many more waits for its turn. */
export const agentPlaces = 64

/** Runs it when there is a place for it: at the agent, and among all agents. */
export const inPlace = <A, E, R>(link: AgentLink, poll: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  if (link.checks.length > agentPlaces) link.ownPlaces ??= new Places(agentPlaces)
  const among = Option.match(link.places, { onNone: () => poll, onSome: (places) => places.with(poll) })
  return link.ownPlaces === undefined ? among : link.ownPlaces.with(among)
}

/** Runs one call on the agent's connection, which bounds it in time, through its circuits. */
export const ask = <A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.Effect<A, AgentError> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const gate = Context.get(context, RolloutGate.RolloutGate)
    const absence = Ref.getUnsafe(link.absence)
    if (Option.isSome(absence)) {
      gate.note(true)
      return Effect.fail(absence.value)
    }
    PollerMetrics.pollsInFlight.modifyUnsafe(1, context)
    return Effect.onExit(throughCircuitsNow(link, call), (exit) => {
      PollerMetrics.pollsInFlight.modifyUnsafe(-1, context)
      if (Exit.isSuccess(exit)) {
        gate.note(false)
        return noteRecovery(link)
      }
      const error = exit.cause.reasons.find(Cause.isFailReason)?.error
      if (error === undefined) return Effect.void
      if (error.reason._tag === "NotAsked") PollerMetrics.pollsSkippedOf.withheld.updateUnsafe(1, context)
      gate.note(!isAnswer(error))
      return isAbsence(error) ? link.isSuspect.open : Effect.void
    })
  })

/**
 * As `askStatus` in one step and without a fiber, where nothing stands in the way of the call and its success changes nothing:
 * then `done` is told of the answer, unless the call is cancelled by what is given back. Undefined: it is to be asked for the
 * long way.
 */
export const askNow = (
  link: AgentLink,
  check: Check,
  clock: Clock.Clock,
  context: Context.Context<never>,
  done: (answer: Answer<StatusReply>) => void
): (() => void) | undefined => {
  const { allowance, ownPlaces } = link
  const connection = Option.getOrUndefined(Ref.getUnsafe(link.connection))
  const security = Option.getOrUndefined(Ref.getUnsafe(link.security))
  const places = Option.getOrUndefined(link.places)
  if (connection?.askStatus === undefined || security?.isCalm() !== true || ownPlaces !== undefined) return undefined
  if (Option.isSome(Ref.getUnsafe(link.absence)) || link.presence.returnedMillis !== undefined) return undefined
  if (ByteAllowance.isSpent(allowance, Monotonic.millisOf(clock)) || places?.enter() === false) return undefined
  PollerMetrics.pollsInFlight.modifyUnsafe(1, context)
  const over = () => {
    places?.leave()
    PollerMetrics.pollsInFlight.modifyUnsafe(-1, context)
  }
  const cancel = connection.askStatus(check, check.timeout, (answer) => {
    over()
    if (answer._tag === "Reply") {
      link.presence.fruitless = 0
      count(allowance, answer.reply, clock)
      Context.get(context, RolloutGate.RolloutGate).note(false)
    }
    done(answer)
  })
  return () => {
    over()
    cancel()
  }
}

type Counted = Pick<StatusReply, "admittedBytes" | "message">

/** What was not counted when it began to come. */
const count = (
  allowance: ByteAllowance.ByteAllowance,
  { admittedBytes = 0, message }: Counted,
  clock: Clock.Clock
): void => ByteAllowance.spend(allowance, Math.max(0, message.length - admittedBytes), Monotonic.millisOf(clock))

/** Large answers to checks that were asked for together: each counts before the next one may come. */
export const admission = ({ allowance }: AgentLink, clock: Clock.Clock): Admission => (bytes) => {
  const nowMillis = Monotonic.millisOf(clock)
  if (ByteAllowance.isSpent(allowance, nowMillis)) return false
  ByteAllowance.spend(allowance, bytes, nowMillis)
  return true
}

/** As `ask` for the status of a check, which is not asked for while the agent has sent more than it may. */
export const askStatus = <A extends Counted>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.Effect<A, AgentError> =>
  Effect.clockWith((clock) => {
    const { allowance, terms: { agent: { agentId } } } = link
    if (!ByteAllowance.isSpent(allowance, Monotonic.millisOf(clock))) {
      return ask(link, (connection) =>
        Effect.map(call(connection), (reply) => {
          count(allowance, reply, clock)
          return reply
        }))
    }
    const detail = `its answers hold more than ${allowance.limits.bytesPerSecond} bytes a second`
    return ask(link, () => Effect.fail(new AgentError({ agentId, reason: new NotAsked({ detail }) })))
  })

/** The first check that an agent answers which was absent. */
const noteRecovery = ({ presence }: AgentLink): Effect.Effect<void> => {
  const { returnedMillis } = presence
  presence.fruitless = 0
  if (returnedMillis === undefined) return Effect.void
  presence.returnedMillis = undefined
  return Effect.flatMap(
    Monotonic.millis,
    (now) => Metric.update(PollerMetrics.recoverySeconds, (now - returnedMillis) / 1_000)
  )
}

/** As `ask`, also while the agent counts as absent: for the one who finds out. */
export const throughCircuits = <A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.Effect<A, AgentError> => Effect.suspend(() => throughCircuitsNow(link, call))

const throughCircuitsNow = <A>(
  link: AgentLink,
  call: (connection: AgentConnection) => Effect.Effect<A, AgentError>
): Effect.Effect<A, AgentError> => {
  const { agentId } = link.terms.agent
  const fail = (reason: AgentError["reason"]) => new AgentError({ agentId, reason })
  const connection = Ref.getUnsafe(link.connection)
  const security = Ref.getUnsafe(link.security)
  if (Option.isNone(connection) || Option.isNone(security)) {
    return Effect.fail(fail(new Unreachable({ detail: "there is no connection" })))
  }
  return Effect.mapError(
    security.value.call(call(connection.value), classOf),
    (error) => error instanceof AgentError ? error : fail(new NotAsked({ detail: error.reason }))
  )
}

/** An agent that says "I do not know that check" or "not now" works. */
const classOf = (error: AgentError): FailureClass.FailureClass | "answer" => {
  const { _tag, detail } = error.reason
  // What was not asked for says nothing of the agent.
  if (isAnswer(error) || _tag === "NotAsked") return "answer"
  if (_tag === "Refused") return "security"
  return FailureClass.classify({ status: _tag === "Unreachable" ? "Unavailable" : _tag, detail })
}

const isAnswer = ({ reason }: AgentError): boolean =>
  reason._tag === "Unsupported" || reason._tag === "NotConfigured" || reason._tag === "Busy"

const isAbsence = ({ reason }: AgentError): boolean =>
  reason._tag === "Unreachable" || reason._tag === "TimedOut" || reason._tag === "Garbled"

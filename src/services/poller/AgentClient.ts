/**
 * Asks one remote agent, over one connection that belongs to whoever opened it.
 *
 * Opening never fails, because it does not connect; the calls fail while the agent is away. Nothing is retried here:
 * a status is what was observed.
 */
import { Context, type Duration, type Effect, Schema, type Scope, type Stream, type Tracer } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import { AgentId } from "../../domain/monitoring/Ids.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import type { SweepCompletion } from "../../domain/poller/SweepCompletion.ts"
import type { Gate } from "./polls/Gate.ts"

const detail = { detail: Schema.String }

/** Nobody answers at the address, or the connection broke. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", detail) {}

/** The agent took the call and did not answer in time. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", detail) {}

/** The answer cannot be read, or is larger than the protocol allows. */
export class Garbled extends Schema.TaggedError<Garbled>()("Garbled", detail) {}

/** The agent does not let this poller in. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", detail) {}

/** The agent does not know this method for this kind of check. */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", detail) {}

/** The agent has no such checker configured. */
export class NotConfigured extends Schema.TaggedError<NotConfigured>()("NotConfigured", detail) {}

/** The agent is there and has no room for this call now: it says to come again later. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", detail) {}

/** Not asked at all: its circuit breaker is open. */
export class NotAsked extends Schema.TaggedError<NotAsked>()("NotAsked", detail) {}

/** The agent answered with an error of its own. */
export class AgentFailed extends Schema.TaggedError<AgentFailed>()("AgentFailed", detail) {}

export class AgentError extends Schema.TaggedError<AgentError>()("AgentError", {
  agentId: AgentId,
  reason: Schema.Union([
    Unreachable,
    TimedOut,
    Garbled,
    Refused,
    Unsupported,
    NotConfigured,
    Busy,
    NotAsked,
    AgentFailed
  ])
}) {
  override get message(): string {
    return `agent ${this.agentId}: ${this.reason._tag}: ${this.reason.detail}`
  }
}

export interface StatusReply {
  readonly available: boolean
  readonly message: Uint8Array
  readonly responseTimeNanos: bigint
  /** Empty when the agent does not say. */
  readonly agentId: string
  /** Of its bytes, those that `Admission` was asked about. */
  readonly admittedBytes?: number
}

export interface ResultsReply extends StatusReply {
  /** Opaque; compared for equality only. */
  readonly sequence: string
  readonly hasNewData: boolean
  /** How far the agent's sweep has come, where it says so. */
  readonly completion?: SweepCompletion | undefined
}

export interface ResultsChunk {
  /** A JSON document of its own. */
  readonly data: Uint8Array
  readonly isFinal: boolean
  readonly sequence: string
  /** From 0, of `total`; not numbered where `total` is 0. */
  readonly index: number
  readonly total: number
}

/** What an agent answered, or else how to hear why it did not. */
export type Answer<A> =
  | { readonly _tag: "Reply"; readonly reply: A }
  | { readonly _tag: "Other"; readonly rest: Effect.Effect<A, AgentError> }

/** Each call ends no later than its deadline, then with `TimedOut`: nobody else bounds it. */
export interface AgentConnection {
  /** `parent`: what the call's span belongs to, where that is not the fiber's; `none` for a trace of its own. */
  readonly getStatus: (
    check: Check,
    deadline: Duration.Duration,
    parent?: Tracer.AnySpan | "none"
  ) => Effect.Effect<StatusReply, AgentError>
  /**
   * As `getStatus` for a trace of its own, without a fiber, where that can be done: `done` is told once, also at once, unless
   * the call is cancelled by what is given back.
   */
  readonly askStatus?:
    | ((check: Check, deadline: Duration.Duration, done: (answer: Answer<StatusReply>) => void) => () => void)
    | undefined
  /** `completion`: of the sweeps that other agents make of these results. */
  readonly getResults: (
    check: Check,
    lastSequence: string,
    deadline: Duration.Duration,
    completion?: SweepCompletion
  ) => Effect.Effect<ResultsReply, AgentError>
  /** Ends after the final chunk. */
  readonly streamResults: (
    check: Check,
    lastSequence: string,
    deadline: Duration.Duration,
    completion?: SweepCompletion
  ) => Stream.Stream<ResultsChunk, AgentError>
  /** Succeeds when the agent answers at all, whatever it says about its health. */
  readonly probe: (deadline: Duration.Duration) => Effect.Effect<void, AgentError>
  /** Lets those go who wait when an established connection breaks, also while nothing is asked. */
  readonly lost: Gate
}

/** Asked before a large answer to a check is taken, of which there is only the beginning; they count when it is. */
export type Admission = (bytes: number) => boolean

export class AgentClient extends Context.Service<AgentClient, {
  /** A connection of its own for this agent, closed with the scope. Without `admits` every answer is taken. */
  readonly connect: (
    agent: PolledAgent,
    pollerId: string,
    admits?: Admission
  ) => Effect.Effect<AgentConnection, never, Scope.Scope>
}>()("serviceradar/services/poller/AgentClient") {}

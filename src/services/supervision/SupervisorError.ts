/**
 * The errors of supervisors and of requests to them. Errors that carry a child's failure are generic in its type, so the
 * signature of a tree names every failure that can end it; `Schema` classes cannot be generic, hence `Data`.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import type { InvalidChildSpec } from "../../domain/supervision/check/SpecCheck.ts"
import * as FailureText from "../../domain/supervision/FailureText.ts"

export type ShutdownReason = "intensity_exceeded" | "auto_shutdown" | "start_failed" | "invalid_spec"

interface ShutdownFields {
  /** Path of the supervisor in the tree. */
  readonly path: string
  readonly reason: ShutdownReason
  /** The child that caused it. */
  readonly child: string | undefined
  /** Restarts within the period when it ended. */
  readonly restarts: number
  /** Set when `reason` is `invalid_spec`. */
  readonly problem: InvalidChildSpec | undefined
}

/** A supervisor ended by its own decision; its children are stopped. `failure` is why the child failed last. */
export class SupervisorShutdown<out E = unknown> extends Data.TaggedError("SupervisorShutdown")<ShutdownFields> {
  readonly failure: Cause.Cause<E>
  /** Composed when it is read for the first time. */
  #text: string | undefined

  constructor(fields: ShutdownFields & { readonly failure: Cause.Cause<E> }) {
    const { failure, ...rest } = fields
    super(rest)
    this.failure = failure
  }

  override get message(): string {
    return this.#text ??= this.#compose()
  }

  #compose(): string {
    const why = this.problem?.message ?? describeCause(this.failure)
    const about = this.child === undefined ? "" : ` because of ${this.child}`
    const count = this.reason === "intensity_exceeded" ? ` after ${this.restarts} restarts in its period` : ""
    return `Supervisor ${this.path} ended (${this.reason})${about}${count}${why === "" ? "" : `: ${why}`}`
  }
}

interface StartFields {
  readonly path: string
  /** Absent when the supervisor itself is wrong. */
  readonly child: string | undefined
  /** Set when a spec was refused before anything started. */
  readonly problem: InvalidChildSpec | undefined
}

/** A supervisor could not be started; the children that had started are stopped again. */
export class SupervisorStartError<out E = unknown> extends Data.TaggedError("SupervisorStartError")<StartFields> {
  readonly failure: Cause.Cause<E>

  constructor(fields: StartFields & { readonly failure: Cause.Cause<E> }) {
    const { failure, ...rest } = fields
    super(rest)
    this.failure = failure
  }

  override get message(): string {
    return `Supervisor ${this.path} could not start${this.child === undefined ? "" : ` ${this.child}`}: ${
      this.problem?.message ?? describeCause(this.failure)
    }`
  }
}

/** A child started by hand did not start. */
export class ChildStartError<out E = unknown> extends Data.TaggedError("ChildStartError")<{
  readonly path: string
  readonly child: string
}> {
  readonly failure: Cause.Cause<E>

  constructor(fields: { readonly path: string; readonly child: string; readonly failure: Cause.Cause<E> }) {
    const { failure, ...rest } = fields
    super(rest)
    this.failure = failure
  }

  override get message(): string {
    return `${this.path}/${this.child} could not start: ${describeCause(this.failure)}`
  }
}

/** A request that the child's state does not allow. */
export class ChildRefused extends Schema.TaggedError<ChildRefused>()("ChildRefused", {
  path: Schema.String,
  child: Schema.String,
  reason: Schema.Literals([
    "already_started",
    "already_present",
    "not_found",
    "running",
    "restarting",
    "max_children",
    /** It was asked for by the very child that the supervisor waits for, in its start or its finalizers. */
    "awaits_caller",
    /** Siblings that run use its service, see `Supervisor.serviceChild`. */
    "in_use"
  ])
}) {
  override get message(): string {
    return `${this.path}: ${this.child} refused, ${this.reason.replaceAll("_", " ")}`
  }
}

/** The defect of a child that did not start within its `startTimeout`. */
export class StartTimedOut extends Schema.TaggedError<StartTimedOut>()("StartTimedOut", {
  path: Schema.String,
  limitMillis: Schema.Finite
}) {
  override get message(): string {
    return `${this.path} did not start within ${this.limitMillis} ms`
  }
}

/** The defect of a child that was stopped in its start, did not end within its shutdown limit and was left behind. */
export class StartAbandoned extends Schema.TaggedError<StartAbandoned>()("StartAbandoned", {
  path: Schema.String,
  limitMillis: Schema.Finite
}) {
  override get message(): string {
    return `${this.path} was left behind in its start, it did not end within ${this.limitMillis} ms`
  }
}

/** The defect of a child that promised a heartbeat and was silent for two periods. */
export class HeartbeatMissed extends Schema.TaggedError<HeartbeatMissed>()("HeartbeatMissed", {
  path: Schema.String,
  periodMillis: Schema.Finite
}) {
  override get message(): string {
    return `no heartbeat for two periods of ${this.periodMillis} ms`
  }
}

/** The supervisor has ended. */
export class SupervisorGone extends Schema.TaggedError<SupervisorGone>()("SupervisorGone", {
  path: Schema.String
}) {
  override get message(): string {
    return `Supervisor ${this.path} has ended`
  }
}

/**
 * One line for an operator. A supervisor that ended because one below it did is described by the lowest one: its path
 * says where, and its failure says why. Costs the same at any depth but for the walk down.
 */
export const describeCause = (cause: Cause.Cause<unknown>): string => {
  let lowest = cause
  let ended: SupervisorShutdown<unknown> | undefined
  for (;;) {
    const below = shutdownIn(lowest)
    if (below === undefined) break
    ended = below
    lowest = below.failure
  }
  return ended === undefined ? FailureText.describeCause(cause) : `${ended.name}: ${ended.message}`
}

const shutdownIn = (cause: Cause.Cause<unknown>): SupervisorShutdown<unknown> | undefined => {
  // To squash an interruption makes an Error, whose stack costs more than to stop the child.
  if (cause.reasons.every(({ _tag }) => _tag === "Interrupt")) return undefined
  const error = Cause.squash(cause)
  return isShutdown(error) ? error : undefined
}

/** A failure may be a Proxy that throws when it is asked for its prototype. */
export const isShutdown = (error: unknown): error is SupervisorShutdown<unknown> =>
  typeof error === "object" && FailureText.safely(() => error instanceof SupervisorShutdown, false)

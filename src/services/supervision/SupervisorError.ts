/**
 * What callers of a supervisor have to handle. Errors that carry a child's failure are generic in its type, so the
 * signature of a tree names every failure that can end it; `Schema` classes cannot be generic, hence `Data`.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import type { InvalidChildSpec } from "../../domain/supervision/SpecCheck.ts"

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

  constructor(fields: ShutdownFields & { readonly failure: Cause.Cause<E> }) {
    const { failure, ...rest } = fields
    super(rest)
    this.failure = failure
  }

  override get message(): string {
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
    "max_children"
  ])
}) {
  override get message(): string {
    return `${this.path}: ${this.child} refused, ${this.reason.replaceAll("_", " ")}`
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

/** One line for an operator: tag and message of the error or defect; empty for an empty cause. */
export const describeCause = (cause: Cause.Cause<unknown>): string => {
  if (cause.reasons.length === 0) return ""
  if (Cause.hasInterruptsOnly(cause)) return "interrupted"
  const error = Cause.squash(cause)
  if (error instanceof Error) {
    return error.message === "" || error.message === error.name ? error.name : `${error.name}: ${error.message}`
  }
  return typeof error === "object" && error !== null ? JSON.stringify(error) : String(error)
}

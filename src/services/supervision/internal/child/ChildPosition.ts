/**
 * Where in the supervision tree a fiber runs. Every child sees its own position, so that a supervisor started inside a
 * child is shown below it, a heartbeat finds its watchdog, and a request is known to come from below.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ExitClass } from "../../../../domain/supervision/ChildExit.ts"
import type { SupervisionEvent } from "../../../../domain/supervision/SupervisionEvent.ts"
import type { TraceEvent } from "../../../../domain/supervision/TraceEvent.ts"
import type { TreeNode } from "../../../../domain/supervision/TreeNode.ts"
import type { ActorDown } from "../../ActorError.ts"

export interface ChildPosition {
  /** Ids from the root down, joined by `/`. */
  readonly path: string
  /** A child that is nothing but a supervisor: they are one node of the tree, with one path. */
  readonly isSupervisor: boolean
  /** Who runs the child. */
  readonly owner: SupervisorPosition
  /** Shows a supervisor that runs inside the child, until the returned function is called. */
  readonly attach: (subtree: Subtree) => () => void
  /** Passes an event of a supervisor below up to the root. */
  readonly publish: (event: SupervisionEvent) => void
  /** Notes that the child makes progress. */
  readonly beat: () => void
  /** Tells of the end of the life that runs now. Returns how to stop waiting. */
  readonly onDown: (tell: (reason: DownReason) => void) => () => void
  /** Whether nothing is left of the life that runs now but its finalizers. */
  readonly isClosing: boolean
  /** Ends the life that runs now, as somebody else's hand does. */
  readonly kill: () => void
  /** Lets operators do something with a child that can be told, until the returned function is called. */
  readonly attachControl: (control: ChildControl) => () => void
  /** Wall clock, milliseconds since 1970. */
  readonly nowUnsafe: () => number
}

/** `abandoned` past its shutdown limit; `noproc` when it did not run when it was asked about. */
export type DownReason = ExitClass | "abandoned" | "noproc"

export interface SupervisorPosition {
  /** The child that the supervisor runs in; undefined at the root. */
  readonly position: ChildPosition | undefined
  /** The child whose start or stop the supervisor waits for now. Meanwhile it answers nobody. */
  readonly awaited: ChildPosition | undefined
  /** What children lend to later siblings, by provider. */
  readonly lent: Map<object, Context.Context<never>>
}

/** What can be done with a live child from outside, see `Actor`. */
export interface ChildControl {
  readonly suspend: Effect.Effect<void, ActorDown>
  readonly resume: Effect.Effect<void, ActorDown>
  readonly state: Effect.Effect<unknown, ActorDown>
  readonly trace: Stream.Stream<TraceEvent>
}

export interface Subtree {
  readonly node: () => TreeNode
  /** The control of the child at a path, when there is such a child. */
  readonly control: (path: string) => ChildControl | "no_control" | undefined
}

/** Undefined outside of any supervisor. */
export const ChildPosition = Context.Reference<ChildPosition | undefined>(
  "serviceradar-effect/services/supervision/ChildPosition",
  { defaultValue: () => undefined }
)

/** Whether the supervisor waits for the very child that asks, or for one that it runs in: neither would ever end. */
export const isAwaited = (supervisor: SupervisorPosition, caller: ChildPosition | undefined): boolean => {
  for (let position = caller; position !== undefined; position = position.owner.position) {
    if (position.owner === supervisor) return supervisor.awaited === position
  }
  return false
}

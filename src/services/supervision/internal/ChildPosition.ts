/**
 * Where in the supervision tree a fiber runs. Every child sees its own position, so that a supervisor started inside a
 * child hangs itself below it, a heartbeat finds its watchdog, and a request is known to come from below.
 */
import * as Context from "effect/Context"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"

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
}

export interface SupervisorPosition {
  /** The child that the supervisor runs in; undefined at the root. */
  readonly position: ChildPosition | undefined
  /** The child whose start or stop the supervisor waits for now. Meanwhile it answers nobody. */
  readonly awaited: ChildPosition | undefined
  /** What children lend to later siblings, by provider. */
  readonly lent: Map<object, Context.Context<never>>
}

export interface Subtree {
  readonly node: () => TreeNode
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

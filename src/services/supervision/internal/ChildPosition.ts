/**
 * Where in the supervision tree a fiber runs. Every child sees its own position, so that a supervisor started inside a
 * child hangs itself below it, and a heartbeat finds its watchdog.
 */
import * as Context from "effect/Context"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"

export interface ChildPosition {
  /** Ids from the root down, joined by `/`. */
  readonly path: string
  /** A child that is nothing but a supervisor: they are one node of the tree, with one path. */
  readonly isSupervisor: boolean
  /** Shows a supervisor that runs inside the child, until the returned function is called. */
  readonly attach: (subtree: Subtree) => () => void
  /** Passes an event of a supervisor below up to the root. */
  readonly publish: (event: SupervisionEvent) => void
  /** Notes that the child makes progress. */
  readonly beat: () => void
}

export interface Subtree {
  readonly node: () => TreeNode
}

/** Undefined outside of any supervisor. */
export const ChildPosition = Context.Reference<ChildPosition | undefined>(
  "serviceradar-effect/services/supervision/ChildPosition",
  { defaultValue: () => undefined }
)

/** The live supervision tree as plain data, for `serviceradar tree`, `/api/tree` and dashboards. */
import * as Schema from "effect/Schema"

/** How a child last ended. */
export const LastExit = Schema.Struct({
  reason: Schema.Literals(["normal", "shutdown", "failure", "killed", "abandoned"]),
  /** Wall clock, milliseconds since 1970. */
  at: Schema.Finite,
  message: Schema.String
})
export type LastExit = typeof LastExit.Type

export const NodeState = Schema.Literals(["starting", "running", "restarting", "stopping", "stopped"])
export type NodeState = typeof NodeState.Type

export const NodeKind = Schema.Literals(["worker", "supervisor", "dynamic"])
export type NodeKind = typeof NodeKind.Type

export interface TreeNode {
  readonly id: string
  /** Ids from the root down to this node, joined by `/`. */
  readonly path: string
  readonly kind: NodeKind
  readonly state: NodeState
  readonly restart: "permanent" | "transient" | "temporary"
  readonly strategy?: "one_for_one" | "one_for_all" | "rest_for_one"
  /** For a supervisor, the restarts of its children that still count; for a worker, its own. */
  readonly restartsInWindow: number
  /** Restarts left before the supervisor gives up; supervisors only. */
  readonly restartsBudgetLeft?: number
  readonly restartsTotal: number
  /** Wall clock, milliseconds since 1970; absent unless running. */
  readonly startedAt?: number
  /** Wall clock of the next attempt, while a backoff delays it. */
  readonly backoffUntil?: number
  /** Milliseconds since the last heartbeat of a child that declared one. */
  readonly heartbeatAgeMillis?: number
  readonly lastExit?: LastExit
  /** The last exits, oldest first, at most 20. */
  readonly exits?: ReadonlyArray<LastExit>
  readonly children: ReadonlyArray<TreeNode>
}

/** Encodes a `TreeNode` to JSON and back. */
export const TreeNode: Schema.Codec<TreeNode> = Schema.Struct({
  id: Schema.String,
  path: Schema.String,
  kind: NodeKind,
  state: NodeState,
  restart: Schema.Literals(["permanent", "transient", "temporary"]),
  strategy: Schema.optionalKey(Schema.Literals(["one_for_one", "one_for_all", "rest_for_one"])),
  restartsInWindow: Schema.Finite,
  restartsBudgetLeft: Schema.optionalKey(Schema.Finite),
  restartsTotal: Schema.Finite,
  startedAt: Schema.optionalKey(Schema.Finite),
  backoffUntil: Schema.optionalKey(Schema.Finite),
  heartbeatAgeMillis: Schema.optionalKey(Schema.Finite),
  lastExit: Schema.optionalKey(LastExit),
  exits: Schema.optionalKey(Schema.Array(LastExit)),
  children: Schema.Array(Schema.suspend((): Schema.Codec<TreeNode> => TreeNode))
})

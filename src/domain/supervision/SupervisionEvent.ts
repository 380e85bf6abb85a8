/**
 * What happens in a supervision tree, in the order it happens.
 *
 * The events of one supervisor suffice to rebuild its list of children: `ChildAdded` and `ChildRemoved` bound a spec's
 * life, the others say what became of it.
 */
import * as Schema from "effect/Schema"
import { NodeKind } from "./TreeNode.ts"

const at = {
  /** Path of the supervisor. */
  path: Schema.String,
  /** Wall clock, milliseconds since 1970. */
  at: Schema.Finite
}
const child = { ...at, child: Schema.String }
const exit = Schema.Literals(["normal", "shutdown", "failure", "killed"])

export const SupervisionEvent = Schema.Union([
  Schema.TaggedStruct("SupervisorStarted", at),
  Schema.TaggedStruct("ChildAdded", {
    ...child,
    kind: NodeKind,
    restart: Schema.Literals(["permanent", "transient", "temporary"])
  }),
  Schema.TaggedStruct("ChildStarted", child),
  /** The start said that there is nothing to run. */
  Schema.TaggedStruct("ChildIgnored", child),
  Schema.TaggedStruct("ChildStartFailed", { ...child, message: Schema.String }),
  /** The child ended by itself. */
  Schema.TaggedStruct("ChildExited", { ...child, exit, message: Schema.String }),
  /** A restart was granted; `attempts` restarts now count. */
  Schema.TaggedStruct("ChildRestarting", { ...child, attempts: Schema.Finite }),
  /** A restart that was granted will not happen: the child is stopped instead. */
  Schema.TaggedStruct("ChildRestartCancelled", child),
  /** The supervisor stopped the child; `exit` is how it ended. */
  Schema.TaggedStruct("ChildStopped", { ...child, exit, message: Schema.String }),
  /** The child did not end within its shutdown limit and was left behind. */
  Schema.TaggedStruct("ChildAbandoned", { ...child, limitMillis: Schema.Finite }),
  Schema.TaggedStruct("ChildRemoved", child),
  Schema.TaggedStruct("SupervisorEnded", {
    ...at,
    reason: Schema.Literals(["stopped", "intensity_exceeded", "auto_shutdown", "start_failed"])
  })
])
export type SupervisionEvent = typeof SupervisionEvent.Type

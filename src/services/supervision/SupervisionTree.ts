/**
 * All supervision trees of a program, seen from one place: `/api/tree`, `serviceradar tree` and dashboards read it.
 *
 * Supervisors that run with it in their context hang themselves into it; without it they work unobserved. A subscriber
 * that falls behind loses its oldest events, never slows a supervisor.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { unready } from "../../domain/supervision/Readiness.ts"
import type { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import type { Subtree } from "./internal/ChildPosition.ts"
import * as EventSinks from "./internal/EventSinks.ts"

export class SupervisionTree extends Context.Service<SupervisionTree, {
  /** The trees as they are now, one node per root. */
  readonly snapshot: Effect.Effect<ReadonlyArray<TreeNode>>
  /** The nodes that keep a tree from doing its work; none when the program is ready. */
  readonly unready: Effect.Effect<ReadonlyArray<TreeNode>>
  /** What happens from now on, in all trees. */
  readonly events: Stream.Stream<SupervisionEvent>
  /** Shows a root until the Scope closes. */
  readonly register: (root: Subtree) => Effect.Effect<void, never, Scope.Scope>
  readonly publish: (event: SupervisionEvent) => void
}>()("serviceradar-effect/services/supervision/SupervisionTree") {
  static readonly layer: Layer.Layer<SupervisionTree> = Layer.sync(this, () => {
    const roots = new Set<Subtree>()
    const sinks = EventSinks.make()
    return {
      snapshot: Effect.sync(() => [...roots].map((root) => root.node())),
      unready: Effect.sync(() => [...roots].flatMap((root) => unready(root.node()))),
      events: sinks.stream,
      register: (root) =>
        Effect.asVoid(Effect.acquireRelease(
          Effect.sync(() => roots.add(root)),
          () => Effect.sync(() => roots.delete(root))
        )),
      publish: sinks.publish
    }
  })
}

/**
 * All supervision trees of a program, seen from one place: `/api/tree`, `serviceradar tree` and dashboards read it.
 *
 * Supervisors that run with it in their context register with it; without it they work unobserved. A subscriber
 * that falls behind loses its oldest events, never slows a supervisor.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { unready } from "../../domain/supervision/Readiness.ts"
import type { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import type { TraceEvent } from "../../domain/supervision/TraceEvent.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import type { ActorDown } from "./ActorError.ts"
import type { ChildControl, Subtree } from "./internal/child/ChildPosition.ts"
import * as EventSinks from "./internal/EventSinks.ts"

/** No child at a path can be told anything: there is none, or it is no actor that runs. */
export class NoSuchChild extends Schema.TaggedError<NoSuchChild>()("NoSuchChild", {
  path: Schema.String,
  /** There is a child, but no actor. */
  isThere: Schema.Boolean
}) {
  override get message(): string {
    return this.isThere ? `${this.path} is no actor that runs` : `there is no child at ${this.path}`
  }
}

export class SupervisionTree extends Context.Service<SupervisionTree, {
  /** The trees as they are now, one node per root. */
  readonly snapshot: Effect.Effect<ReadonlyArray<TreeNode>>
  /** The nodes that keep a tree from doing its work; none when the program is ready. */
  readonly unready: Effect.Effect<ReadonlyArray<TreeNode>>
  /** What happens from now on, in all trees. */
  readonly events: Stream.Stream<SupervisionEvent>
  /** OTP's `sys` for the child at a path: an actor can be suspended, and so on. */
  readonly suspend: (path: string) => Effect.Effect<void, NoSuchChild | ActorDown>
  readonly resume: (path: string) => Effect.Effect<void, NoSuchChild | ActorDown>
  readonly state: (path: string) => Effect.Effect<unknown, NoSuchChild | ActorDown>
  /** The messages of the actor at a path, from now on. */
  readonly trace: (path: string) => Stream.Stream<TraceEvent, NoSuchChild>
  /** Shows a root until the Scope closes. */
  readonly register: (root: Subtree) => Effect.Effect<void, never, Scope.Scope>
  readonly publish: (event: SupervisionEvent) => void
}>()("serviceradar-effect/services/supervision/SupervisionTree") {
  static readonly layer: Layer.Layer<SupervisionTree> = Layer.sync(this, () => {
    const roots = new Set<Subtree>()
    const controlOf = (path: string): Effect.Effect<ChildControl, NoSuchChild> =>
      Effect.suspend(() => {
        let isThere = false
        for (const root of roots) {
          const found = root.control(path)
          if (found === "no_control") isThere = true
          else if (found !== undefined) return Effect.succeed(found)
        }
        return new NoSuchChild({ path, isThere })
      })
    const sinks = EventSinks.make<SupervisionEvent>()
    return {
      snapshot: Effect.sync(() => [...roots].map((root) => root.node())),
      unready: Effect.sync(() => [...roots].flatMap((root) => unready(root.node()))),
      events: sinks.stream,
      suspend: (path) => Effect.flatMap(controlOf(path), ({ suspend }) => suspend),
      resume: (path) => Effect.flatMap(controlOf(path), ({ resume }) => resume),
      state: (path) => Effect.flatMap(controlOf(path), ({ state }) => state),
      trace: (path) => Stream.unwrap(Effect.map(controlOf(path), ({ trace }) => trace)),
      register: (root) =>
        Effect.asVoid(Effect.acquireRelease(
          Effect.sync(() => roots.add(root)),
          () => Effect.sync(() => roots.delete(root))
        )),
      publish: sinks.publish
    }
  })
}

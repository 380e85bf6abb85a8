/** Makes a supervisor visible where it runs. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"
import { SupervisionTree } from "../SupervisionTree.ts"
import { ChildPosition } from "./ChildPosition.ts"

/** Hangs the supervisor into the tree: below the child it runs in, or among the roots. */
export const appear = (node: () => TreeNode): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const position = yield* ChildPosition
    const tree = yield* Effect.serviceOption(SupervisionTree)
    if (position !== undefined) {
      yield* Effect.acquireRelease(
        Effect.sync(() => position.attach({ node })),
        (detach) => Effect.sync(detach)
      )
    } else if (Option.isSome(tree)) yield* tree.value.register({ node })
  })

/** Shows a supervisor in the tree, below the child that it runs in. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"
import { SupervisionTree } from "../SupervisionTree.ts"
import { type ChildControl, ChildPosition, type Subtree } from "./child/ChildPosition.ts"
import type { ChildRecord } from "./child/ChildRecord.ts"

/** Hangs the supervisor into the tree: below the child it runs in, or among the roots. */
export const appear = (
  node: () => TreeNode,
  records: ReadonlyMap<string, ChildRecord<unknown>>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const position = yield* ChildPosition
    const subtree: Subtree = { node, control: (path) => controlIn(records, path) }
    const tree = yield* Effect.serviceOption(SupervisionTree)
    if (position !== undefined) {
      yield* Effect.acquireRelease(
        Effect.sync(() => position.attach(subtree)),
        (detach) => Effect.sync(detach)
      )
    } else if (Option.isSome(tree)) yield* tree.value.register(subtree)
  })

const controlIn = (
  records: ReadonlyMap<string, ChildRecord<unknown>>,
  path: string
): ChildControl | "no_control" | undefined => {
  for (const record of records.values()) {
    if (path !== record.path && !path.startsWith(`${record.path}/`)) continue
    const found = record.controlOf(path)
    if (found !== undefined) return found
  }
  return undefined
}

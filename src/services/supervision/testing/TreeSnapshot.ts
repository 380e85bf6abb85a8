/** A tree at one moment without its times, so that two runs of the same faults can be compared. */
import type { NodeKind, NodeState, TreeNode } from "../../../domain/supervision/TreeNode.ts"

export interface TreeSnapshot {
  readonly path: string
  readonly kind: NodeKind
  readonly state: NodeState
  readonly restart: TreeNode["restart"]
  /** Of a supervisor with an order. */
  readonly strategy?: NonNullable<TreeNode["strategy"]>
  readonly restartsTotal: number
  readonly restartsBudgetLeft?: number
  readonly children: ReadonlyArray<TreeSnapshot>
}

export const of = (node: TreeNode): TreeSnapshot => ({
  path: node.path,
  kind: node.kind,
  state: node.state,
  restart: node.restart,
  ...(node.strategy === undefined ? {} : { strategy: node.strategy }),
  restartsTotal: node.restartsTotal,
  ...(node.restartsBudgetLeft === undefined ? {} : { restartsBudgetLeft: node.restartsBudgetLeft }),
  children: node.children.map(of)
})

/** The node and everything below it, from the root down. */
export const flatten = (node: TreeSnapshot): ReadonlyArray<TreeSnapshot> => [node, ...node.children.flatMap(flatten)]

/** As lines: `Poller running`, children indented below. */
export const lines = (node: TreeSnapshot, indent = ""): ReadonlyArray<string> => [
  `${indent}${node.path.split("/").at(-1) ?? ""} ${node.state}`,
  ...node.children.flatMap((child) => lines(child, `${indent}  `))
]

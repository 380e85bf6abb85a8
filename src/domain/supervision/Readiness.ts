/** Whether a subtree does its work: what `/health/ready` asks. */
import type { TreeNode } from "./TreeNode.ts"

/**
 * The nodes that stand in the way of readiness, outermost first; none when the subtree is ready.
 *
 * A supervisor is ready when it runs and its children are. A child that ended in order, and is not to be started again,
 * has done its work. The children of a dynamic supervisor are its workload and not its parts: one that fails says
 * nothing about the others.
 */
export const unready = (node: TreeNode): ReadonlyArray<TreeNode> => {
  if (node.state === "running") return node.kind === "dynamic" ? [] : node.children.flatMap(unready)
  return node.state === "stopped" && node.restart !== "permanent" && isDone(node) ? [] : [node]
}

const isDone = ({ lastExit }: TreeNode): boolean => lastExit?.reason === "normal" || lastExit?.reason === "shutdown"

/** Whether a subtree does its work: what `/health/ready` asks. */
import type { TreeNode } from "./TreeNode.ts"

/**
 * A supervisor is ready when it runs and its children are. A child that ended in order, and is not to be started again,
 * has done its work and does not stand in the way.
 */
export const isReady = (node: TreeNode): boolean =>
  node.state === "running"
    ? node.children.every(isReady)
    : node.state === "stopped" && node.restart !== "permanent" && isDone(node)

const isDone = ({ lastExit }: TreeNode): boolean => lastExit?.reason === "normal" || lastExit?.reason === "shutdown"

/** The live tree of one supervisor as plain data, read whenever somebody asks. */
import type { ChildState } from "../../../domain/supervision/ChildState.ts"
import * as RestartIntensity from "../../../domain/supervision/RestartIntensity.ts"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"
import { monotonicMillis } from "./child/ChildOwner.ts"
import type { ChildRecord } from "./child/ChildRecord.ts"
import type { SupervisorShell } from "./SupervisorShell.ts"

export const nodeOf = <E>(id: string, shell: SupervisorShell<E>, startedAt: number): TreeNode => {
  const { children, flags, plan, window } = shell.state
  return {
    id,
    path: shell.observer.path,
    kind: "supervisor",
    state: shell.hasEnded
      ? "stopped"
      : plan === undefined
      ? "running"
      : plan.task._tag === "Shutdown"
      ? "stopping"
      : plan.task._tag === "Boot"
      ? "starting"
      : "restarting",
    restart: "permanent",
    strategy: flags.strategy,
    ...budgetOf(window, flags.intensity, monotonicMillis(shell.observer.clock)),
    restartsTotal: 0,
    startedAt,
    children: children.toArray().flatMap((child) => {
      const record = shell.records.get(child.id)
      return record === undefined ? [] : [childNode(child, record)]
    })
  }
}

/** A worker with what runs inside it, or a supervisor with what its parent knows of it. */
export const childNode = <E>(
  child: Pick<ChildState, "id" | "kind" | "restart" | "status">,
  record: ChildRecord<E>
): TreeNode => {
  const nodes = record.subtrees?.map((subtree) => subtree.node()) ?? []
  const below = record.isSupervisor ? nodes[0] : undefined
  const { lastExit } = record
  const { heartbeat } = record.bound.description
  return {
    restartsInWindow: 0,
    children: nodes,
    ...below,
    id: child.id,
    path: record.path,
    kind: below?.kind ?? child.kind,
    state: child.status,
    restart: child.restart,
    restartsTotal: record.restartsTotal,
    ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
    ...(record.backoffUntil === undefined || child.status !== "restarting"
      ? {}
      : { backoffUntil: record.backoffUntil }),
    ...(heartbeat === undefined || record.startedAt === undefined
      ? {}
      : { heartbeatAgeMillis: record.heartbeatAgeMillis() }),
    ...(lastExit === undefined ? {} : { lastExit, exits: record.exits })
  }
}

/** Restarts that count now, and how many more are tolerated. */
export const budgetOf = (
  window: RestartIntensity.RestartWindow,
  intensity: RestartIntensity.RestartIntensity,
  nowMillis: number
): Pick<TreeNode, "restartsInWindow" | "restartsBudgetLeft"> => {
  const restartsInWindow = RestartIntensity.countWithin(window, intensity, nowMillis)
  return { restartsInWindow, restartsBudgetLeft: Math.max(0, intensity.maxRestarts - restartsInWindow) }
}

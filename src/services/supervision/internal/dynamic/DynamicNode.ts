/** The live tree of one dynamic supervisor as plain data, read whenever somebody asks. */
import type { TreeNode } from "../../../../domain/supervision/TreeNode.ts"
import { monotonicMillis } from "../child/ChildOwner.ts"
import { budgetOf, childNode } from "../SupervisorNode.ts"
import type { DynamicShell } from "./DynamicShell.ts"

export const dynamicNodeOf = <E>(id: string, shell: DynamicShell<E>): TreeNode => {
  const { clock, path } = shell.observer
  return {
    id,
    path,
    kind: "dynamic",
    state: shell.nodeState,
    restart: "permanent",
    strategy: "one_for_one",
    ...budgetOf(shell.state.window, shell.state.intensity, monotonicMillis(clock)),
    restartsTotal: 0,
    ...(shell.startedAt === undefined ? {} : { startedAt: shell.startedAt }),
    children: [...shell.records.values()].map((record) =>
      childNode({ ...record.bound.description, status: record.status }, record)
    )
  }
}

/**
 * Draws live supervision trees as lines of text, one line for each child.
 *
 * A healthy child takes few words; what was restarted, is waiting or has stopped says why.
 */
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import * as Elapsed from "./Elapsed.ts"
import * as Style from "./Style.ts"

export interface DrawOptions {
  readonly style: Style.Style
  readonly nowMillis: number
  /** Lines are cut here. */
  readonly columns: number
}

interface Row {
  readonly branch: string
  readonly node: TreeNode
}

const rowsOf = (node: TreeNode, prefix: string, branch: string): ReadonlyArray<Row> => [
  { branch, node },
  ...node.children.flatMap((child, index) => {
    const isLast = index === node.children.length - 1
    return rowsOf(child, `${prefix}${isLast ? "   " : "│  "}`, `${prefix}${isLast ? "└─ " : "├─ "}`)
  })
]

const nameColumnsMax = 48

/** Each root as a tree of its own. */
export const draw = (roots: ReadonlyArray<TreeNode>, options: DrawOptions): ReadonlyArray<string> => {
  const rows = roots.flatMap((root) => rowsOf(root, "", ""))
  const nameOf = ({ branch, node }: Row): string => Style.fit(branch + Style.clean(node.id), nameColumnsMax)
  const nameColumns = Math.max(0, ...rows.map((row) => Style.width(nameOf(row))))
  return rows.map((row) => {
    const line = [
      Style.padEnd(nameOf(row), nameColumns),
      stateText(row.node, options.style),
      details(row.node, options)
    ].join("  ").trimEnd()
    return Style.cut(line, options.columns)
  })
}

const stateColumns = "restarting".length

const stateText = (node: TreeNode, style: Style.Style): string => {
  const text = Style.padEnd(node.state, stateColumns)
  switch (node.state) {
    case "running":
      return style.good(text)
    case "starting":
    case "restarting":
    case "stopping":
      return style.warn(text)
    case "stopped":
      return style.bad(text)
  }
}

const details = (node: TreeNode, { nowMillis, style }: DrawOptions): string => {
  const parts: Array<string> = []
  if (node.startedAt !== undefined) parts.push(style.dim(`up ${Elapsed.format(nowMillis - node.startedAt)}`))
  if (node.strategy !== undefined) parts.push(style.dim(node.strategy))
  if (node.backoffUntil !== undefined) {
    parts.push(style.warn(`next attempt in ${Elapsed.format(node.backoffUntil - nowMillis)}`))
  }
  if (node.restartsTotal > 0) parts.push(style.warn(plural(node.restartsTotal, "restart")))
  if (node.restartsBudgetLeft !== undefined) {
    const budget = `${node.restartsBudgetLeft} of ${node.restartsBudgetLeft + node.restartsInWindow} restarts left`
    parts.push(node.restartsInWindow > 0 ? style.warn(budget) : style.dim(budget))
  }
  if (node.heartbeatAgeMillis !== undefined) {
    parts.push(style.dim(`heartbeat ${Elapsed.format(node.heartbeatAgeMillis)} ago`))
  }
  if (node.lastExit !== undefined) {
    const { at, message, reason } = node.lastExit
    const said = Style.clean(message)
    const what = said === "" || said === reason ? reason : `${reason}: ${said}`
    parts.push(`last exit ${Elapsed.format(nowMillis - at)} ago, ${what}`)
  }
  return parts.join(style.dim(" · "))
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/**
 * What `serviceradar up` shows on a terminal: the newest statuses, the supervision tree below them, the last warnings.
 *
 * Pure: facts in, lines out. When the screen is too low for all, the tree shrinks to its top and to what is not well;
 * then the table ends with how much it leaves out.
 */
import * as DateTime from "effect/DateTime"
import type { ServiceState } from "../../domain/monitoring/ServiceState.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import * as StatusTable from "../../layers/terminal/StatusTable.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as TreeDrawing from "../../layers/terminal/TreeDrawing.ts"

export interface View {
  /** One line: what is being prepared, or where to look further. */
  readonly headline: string
  readonly states: ReadonlyArray<ServiceState>
  /** How many checks are configured. */
  readonly expected: number
  readonly tree: ReadonlyArray<TreeNode>
  /** Newest last. */
  readonly warnings: ReadonlyArray<string>
}

export interface Surface {
  readonly style: Style.Style
  readonly nowMillis: number
  readonly columns: number
  readonly rows: number
}

/** Headline, blank lines, column titles, and the row of the cursor. */
const fixedLines = 7
const tableRowsMin = 5

const toRow = (state: ServiceState): StatusTable.StatusRow => ({
  service: state.serviceName,
  type: state.serviceType,
  agent: state.agentId,
  available: state.available,
  responseTimeNanos: state.responseTimeNanos,
  lastChangeMillis: DateTime.toEpochMillis(state.lastChangeAt)
})

/** The statuses alone, for the end of `--once`. */
export const table = (states: ReadonlyArray<ServiceState>, surface: Omit<Surface, "rows">): ReadonlyArray<string> => {
  const rows = states.map(toRow)
  return [...StatusTable.draw(rows, { ...surface, rowsMax: rows.length }), StatusTable.summary(rows, surface.style)]
}

const isWell = (node: TreeNode): boolean => node.state === "running" && node.restartsInWindow === 0

/** The tree down to a depth, and below it only the ways to children that are not well. */
const essential = (node: TreeNode, depth: number): TreeNode => ({
  ...node,
  children: node.children.map((child) => essential(child, depth - 1)).filter((child) =>
    depth > 0 || !isWell(child) || child.children.length > 0
  )
})

export const draw = (view: View, surface: Surface): ReadonlyArray<string> => {
  const { columns, style } = surface
  const rows = view.states.map(toRow)
  const free = surface.rows - fixedLines
  const whole = TreeDrawing.draw(view.tree, surface)
  const fits = rows.length + whole.length + view.warnings.length <= free
  const treeLines = fits ? whole : TreeDrawing.draw(view.tree.map((root) => essential(root, 1)), surface)
  const tableRows = Math.min(rows.length, Math.max(tableRowsMin, free - treeLines.length - view.warnings.length))
  const treeRows = Math.max(0, Math.min(treeLines.length, free - tableRows))
  const warningRows = Math.max(0, Math.min(view.warnings.length, free - tableRows - treeRows))

  const waiting = view.expected - rows.length
  const counts = rows.length === 0 ? "no status yet" : StatusTable.summary(rows, style)
  const pending = waiting > 0 ? `, ${waiting} to come` : ""
  return [
    `${style.bold("serviceradar")}  ${counts}${pending}  ${style.dim(Style.clean(view.headline))}`,
    "",
    ...StatusTable.draw(rows, { ...surface, rowsMax: tableRows }),
    "",
    ...treeLines.slice(0, treeRows),
    ...(warningRows > 0 ? [""] : []),
    ...view.warnings.slice(view.warnings.length - warningRows).map((line) => style.warn(Style.clean(line)))
  ].map((line) => Style.cut(line, columns))
}

/**
 * What `serviceradar up` shows on a terminal: the newest statuses, below them how events are stored, the supervision
 * tree, the last warnings.
 *
 * Pure: facts in, lines out. When the screen is too low for all, the tree shrinks to its top and to what is not well,
 * then the streams to those at work or one line; at last the table ends with how much it leaves out.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as StreamLag from "../../../domain/events/reporting/StreamLag.ts"
import type { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"
import type { TreeNode } from "../../../domain/supervision/TreeNode.ts"
import * as SourceRow from "../../../layers/sync/SourceRow.ts"
import * as InventoryTable from "../../../layers/terminal/InventoryTable.ts"
import * as StatusTable from "../../../layers/terminal/StatusTable.ts"
import * as StreamTable from "../../../layers/terminal/StreamTable.ts"
import * as Style from "../../../layers/terminal/Style.ts"
import * as TreeDrawing from "../../../layers/terminal/TreeDrawing.ts"
import type { StreamStatus } from "../../../services/events/StreamStatus.ts"
import * as Freshness from "./Freshness.ts"
import * as Inventory from "./Inventory.ts"

export interface View {
  /** One line: what is being prepared, or where to look further. */
  readonly headline: string
  /** A line below it; none where there is nothing to say. */
  readonly notice?: string
  readonly states: ReadonlyArray<ServiceState>
  /** How many checks are configured. */
  readonly expected: number
  /** Empty without an event writer. */
  readonly streams: ReadonlyArray<StreamStatus>
  /** None without a sync service. */
  readonly inventory: Option.Option<Inventory.Inventory>
  readonly tree: ReadonlyArray<TreeNode>
  /** Newest last. */
  readonly warnings: ReadonlyArray<string>
}

export interface Surface extends Freshness.Freshness {
  readonly style: Style.Style
  readonly columns: number
  readonly rows: number
}

const warningLinesMax = 3
const summaryLinesMax = 2

/** Headline, blank lines, column titles, and the row of the cursor. */
const fixedLines = 7
const tableRowsMin = 5

const toRow = (freshness: Freshness.Freshness) => (state: ServiceState): StatusTable.StatusRow => ({
  service: state.serviceName,
  type: state.serviceType,
  agent: state.agentId,
  available: state.available,
  isStale: Freshness.isStale(freshness, state),
  responseTimeNanos: state.responseTimeNanos,
  lastChangeMillis: DateTime.toEpochMillis(state.lastChangeAt)
})

const toStreamRow = (status: StreamStatus): StreamTable.StreamRow => ({
  stream: status.stream,
  messagesPerSecond: status.messagesPerSecond,
  rowsPerSecond: status.rowsPerSecond,
  lag: status.lag === undefined ? undefined : StreamLag.total(status.lag),
  rows: status.rowsInserted,
  deadLetters: status.deadLettered,
  latencyMillis: status.latencyMillis?.p99,
  problem: status.problem
})

/** How events are stored, in one line. */
export const streamSummary = (streams: ReadonlyArray<StreamStatus>): string =>
  StreamTable.summary(streams.map(toStreamRow))

/** The statuses alone, for the end of `--once`. */
export const table = (states: ReadonlyArray<ServiceState>, surface: Omit<Surface, "rows">): ReadonlyArray<string> => {
  const rows = states.map(toRow(surface))
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

/** Lines for the streams: all of them where the rest has room as well, fewer where it has not. */
const drawStreams = (view: View, surface: Surface, roomLines: number): ReadonlyArray<string> => {
  const rows = view.streams.map(toStreamRow)
  const { columns, style } = surface
  const lines = StreamTable.draw(rows, { style, columns, linesMax: Math.max(1, roomLines) })
  return lines.length === 0 ? [] : [...lines, ""]
}

/** Lines for what sync brings: a line for each source where there is room. */
const drawInventory = ({ inventory }: View, surface: Surface, roomLines: number): ReadonlyArray<string> => {
  if (Option.isNone(inventory)) return []
  const { columns, nowMillis, style } = surface
  const rows = inventory.value.sources.map(SourceRow.make(nowMillis))
  return [
    ...InventoryTable.draw(rows, { style, columns, linesMax: Math.max(1, roomLines) }),
    ...Style.wrap(Style.clean(Inventory.summary(inventory.value)), columns, summaryLinesMax).map((line) =>
      style.dim(line)
    ),
    ""
  ]
}

export const draw = (view: View, surface: Surface): ReadonlyArray<string> => {
  const { columns, style } = surface
  const rows = view.states.map(toRow(surface))
  const inventory = drawInventory(view, surface, surface.rows - fixedLines - tableRowsMin - 3)
  const screen = surface.rows - fixedLines - inventory.length
  const whole = TreeDrawing.draw(view.tree, surface)
  const short = TreeDrawing.draw(view.tree.map((root) => essential(root, 1)), surface)
  const streams = drawStreams(
    view,
    surface,
    screen - Math.min(rows.length, tableRowsMin) - short.length - Math.min(1, view.warnings.length) - 1
  )
  const free = screen - streams.length
  const warnings = view.warnings.map(Style.clean)
  const wrapped = warnings.flatMap((warning) => Style.wrap(warning, columns, warningLinesMax))
  const fits = rows.length + whole.length + wrapped.length <= free
  const treeLines = fits ? whole : short
  const tableRows = Math.min(rows.length, Math.max(tableRowsMin, free - treeLines.length - wrapped.length))
  const treeRows = Math.max(0, Math.min(treeLines.length, free - tableRows))
  const warningRows = Math.max(0, free - tableRows - treeRows)
  const warningLines = (wrapped.length <= warningRows ? wrapped : warnings).slice(-warningRows)

  const waiting = view.expected - rows.length
  const counts = rows.length === 0 ? "no status yet" : StatusTable.summary(rows, style)
  const pending = waiting > 0 ? `, ${waiting} to come` : ""
  return [
    `${style.bold("serviceradar")}  ${counts}${pending}  ${style.dim(Style.clean(view.headline))}`,
    Style.clean(view.notice ?? ""),
    ...StatusTable.draw(rows, { ...surface, rowsMax: tableRows }),
    "",
    ...inventory,
    ...streams,
    ...treeLines.slice(0, treeRows),
    ...(warningRows > 0 && warningLines.length > 0 ? ["", ...warningLines.map((line) => style.warn(line))] : [])
  ].map((line) => Style.cut(line, columns))
}

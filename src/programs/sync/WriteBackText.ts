/** What a write-back came to, for people. */
import type { WriteBackReport } from "../../services/sync/writeback/WriteBack.ts"

/** One line, for a log. */
export const line = (
  { detail, field, outcome, pending, refused, source, unchanged, written }: WriteBackReport
): string =>
  `Write-back of ${field} to ${source}: ${outcome === "dry_run" ? "dry run" : outcome}, ${written} written, ` +
  `${unchanged} as before, ${refused} refused, ${pending} still to write${detail === "" ? "" : `: ${detail}`}`

const columns = ["source", "property", "outcome", "devices", "unchanged", "written", "refused", "pending"] as const

const cells = (report: WriteBackReport): ReadonlyArray<string> => [
  report.source,
  report.field,
  report.outcome,
  ...[report.devices, report.unchanged, report.written, report.refused, report.pending].map(String)
]

const leftOut = ({ foreign, rejected }: WriteBackReport): ReadonlyArray<string> => [
  ...(foreign === 0 ? [] : [`  ${foreign} devices of core are not this source's`]),
  ...(rejected === 0 ? [] : [`  ${rejected} rows of core say nothing of a device of this source`])
]

const notes = (report: WriteBackReport): ReadonlyArray<string> => {
  const lines = [
    ...(report.detail === "" ? [] : [`  ${report.detail}`]),
    ...leftOut(report),
    ...(report.outcome === "dry_run"
      ? report.examples.map(({ id, value }) => `  device ${id}: ${report.field} = ${value}`)
      : [])
  ]
  return lines.length === 0 ? [] : [`${report.source}:`, ...lines]
}

/** A row for each source, then what is worth a line. */
export const table = (reports: ReadonlyArray<WriteBackReport>): string => {
  const rows = [columns, ...reports.map(cells)]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const drawn = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd())
  return [...drawn, ...reports.flatMap(notes)].join("\n")
}

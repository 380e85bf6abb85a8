/** How many log records there are of each severity, under the names that the existing core counts by. */
interface Counted {
  readonly severity_text: string | null
  readonly total: number
}

type Name = "fatal" | "error" | "warning" | "info" | "debug" | "other"

/** Whatever a service calls them. */
const nameOf = (severity: string): Name => {
  const text = severity.toLowerCase()
  if (/^(?:fatal|critical|emergency|alert|panic)/.test(text)) return "fatal"
  if (text.startsWith("err")) return "error"
  if (text.startsWith("warn")) return "warning"
  if (/^(?:info|notice)/.test(text)) return "info"
  return /^(?:debug|trace)/.test(text) ? "debug" : "other"
}

export const sum = (all: ReadonlyArray<Counted>): Readonly<Record<Name | "total", number>> => {
  const counts = { total: 0, fatal: 0, error: 0, warning: 0, info: 0, debug: 0, other: 0 }
  for (const { severity_text, total } of all) {
    counts.total += total
    counts[nameOf(severity_text ?? "")] += total
  }
  return counts
}

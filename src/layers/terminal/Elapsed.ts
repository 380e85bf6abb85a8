/** Spans of time as short words for a narrow column: at most two units, `0s` to `999d`. */

const units: ReadonlyArray<readonly [string, number]> = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1]
]

/** `4s`, `2m 5s`, `3h 12m`, `5d 1h`. Negative spans, which skewed clocks produce, are `0s`. */
export const format = (millis: number): string => {
  let seconds = Math.max(0, Math.floor(millis / 1_000))
  const parts: Array<string> = []
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size)
    seconds -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length === 0 ? "0s" : parts.join(" ")
}

/** `820ns`, `45µs`, `3.1ms`, `1.2s`; `-` when nothing was measured. */
export const latency = (nanos: number): string => {
  if (nanos <= 0) return "-"
  if (nanos < 1_000) return `${nanos}ns`
  if (nanos < 1_000_000) return `${Math.round(nanos / 1_000)}µs`
  if (nanos < 1_000_000_000) return `${(nanos / 1_000_000).toFixed(1)}ms`
  return `${(nanos / 1_000_000_000).toFixed(1)}s`
}

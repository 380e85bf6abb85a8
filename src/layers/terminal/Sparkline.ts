/** Numbers over time as one line of text. */

const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

/** The highest of each group where there are more values than columns: peaks are what one looks for. */
const folded = (values: ReadonlyArray<number | null>, columns: number): ReadonlyArray<number | null> => {
  if (values.length <= columns) return values
  return Array.from({ length: columns }, (_, at) => {
    const from = Math.floor(at * values.length / columns)
    const upto = Math.floor((at + 1) * values.length / columns)
    const known = values.slice(from, upto).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  })
}

/** Between the lowest and the highest value; a blank where there is none. At most `columns` wide. */
export const draw = (values: ReadonlyArray<number | null>, columns: number): string => {
  const shown = folded(values, Math.max(1, columns))
  const known = shown.flatMap((value) => value === null || !Number.isFinite(value) ? [] : [value])
  const [low, high] = [Math.min(...known), Math.max(...known)]
  return shown.map((value) => {
    if (value === null || !Number.isFinite(value)) return " "
    const share = high === low ? 0 : (value - low) / (high - low)
    return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? ""
  }).join("")
}

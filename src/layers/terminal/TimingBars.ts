/**
 * The steps of a check as bars on one line of time, each where it happened:
 *
 *   dns         ███                  1.2ms
 *   connect        ██                0.8ms
 *   first_byte       ███████████     4.1ms
 */
import { Duration } from "effect"
import * as GoDuration from "../../domain/config/GoDuration.ts"
import type { Style } from "./Style.ts"
import * as Styles from "./Style.ts"

const barColumns = 40

/** One after the other, in nanoseconds; `total` is all of it and drawn last. */
export type Timings = Readonly<Record<string, number>>

/** Short enough to be read: three digits. */
const rounded = (nanos: number): string => {
  const unit = nanos >= 1e9 ? 1e7 : nanos >= 1e6 ? 1e4 : nanos >= 1e3 ? 10 : 1
  return GoDuration.format(Duration.nanos(BigInt(Math.round(nanos / unit) * unit)))
}

export const draw = ({ total = 0, ...steps }: Timings, style: Style): ReadonlyArray<string> => {
  const entries = Object.entries(steps).map(([name, nanos]): readonly [string, number] => [Styles.clean(name), nanos])
  const sum = Math.max(total, entries.reduce((before, [, nanos]) => before + nanos, 0))
  const columnOf = (nanos: number): number => sum === 0 ? 0 : Math.round(nanos / sum * barColumns)
  const nameColumns = Math.max("total".length, ...entries.map(([name]) => Styles.width(name)))
  const line = (name: string, from: number, nanos: number): string => {
    const start = Math.min(columnOf(from), barColumns - 1)
    const length = Math.max(1, Math.min(columnOf(from + nanos), barColumns) - start)
    const bar = Styles.padEnd(`${" ".repeat(start)}${style.good("█".repeat(length))}`, barColumns)
    return `${Styles.padEnd(name, nameColumns)}  ${bar}  ${rounded(nanos)}`
  }
  let from = 0
  const lines = entries.map(([name, nanos]) => {
    const drawn = line(name, from, nanos)
    from += nanos
    return drawn
  })
  return [...lines, line("total", 0, total)]
}

/** The latest events as a sequence diagram in text: a column for each party, an arrow for each message. */
import { type LogEntry, timeOf } from "./EventLog.ts"

const partiesMax = 6
const columnWidth = 14
const timeWidth = 13

const cut = (text: string, width: number): string => text.length <= width ? text : `${text.slice(0, width - 1)}…`

const partiesOf = (entries: ReadonlyArray<LogEntry>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const { party, peer } of entries) {
    for (const name of peer === undefined ? [party] : [party, peer]) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].toSorted((one, other) => other[1] - one[1]).slice(0, partiesMax).map(([name]) => name)
}

const lifelines = (parties: ReadonlyArray<string>): Array<string> => parties.flatMap(() => [..."|".padEnd(columnWidth)])

const arrow = (parties: ReadonlyArray<string>, from: number, to: number): string => {
  const line = lifelines(parties)
  const [left, right] = [Math.min(from, to) * columnWidth, Math.max(from, to) * columnWidth]
  for (let at = left + 1; at < right; at += 1) line[at] = "-"
  line[to > from ? right - 1 : left + 1] = to > from ? ">" : "<"
  return line.join("")
}

const mark = (parties: ReadonlyArray<string>, at: number): string => {
  const line = lifelines(parties)
  line[at * columnWidth] = "*"
  return line.join("")
}

/** The parties that most happened to; of the others the text alone. */
export const draw = (entries: ReadonlyArray<LogEntry>): ReadonlyArray<string> => {
  const parties = partiesOf(entries)
  const head = " ".repeat(timeWidth) + parties.map((name) => cut(name, columnWidth - 2).padEnd(columnWidth)).join("")
  const rows = entries.map(({ atMicros, party, peer, text }) => {
    const from = parties.indexOf(party)
    const to = peer === undefined ? -1 : parties.indexOf(peer)
    const lines = from >= 0 && to >= 0 && from !== to
      ? arrow(parties, from, to)
      : from >= 0
      ? mark(parties, from)
      : lifelines(parties).join("")
    const who = from >= 0 && (peer === undefined || to >= 0)
      ? ""
      : `${party}${peer === undefined ? "" : ` > ${peer}`}: `
    return `${timeOf(atMicros).padEnd(timeWidth)}${lines} ${cut(who + text, 110)}`.trimEnd()
  })
  return [head.trimEnd(), ...rows]
}

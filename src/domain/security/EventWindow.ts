/** The latest events, at most so many and none older than the window, to be counted by kind. */
import { names, type SecurityEvent, type SecurityEventTag } from "./SecurityEvent.ts"

export interface EventSummary {
  readonly windowSeconds: number
  readonly total: number
  /** Of those kinds that there were. */
  readonly byKind: Readonly<Record<string, number>>
}

export interface EventWindow {
  readonly add: (event: SecurityEvent, nowMillis: number) => void
  readonly summary: (nowMillis: number) => EventSummary
}

export const windowSeconds = 300
export const countMax = 1_000

export const make = (): EventWindow => {
  let events: Array<{ readonly tag: SecurityEventTag; readonly atMillis: number }> = []
  return {
    add: (event, nowMillis) => {
      events.push({ tag: event._tag, atMillis: nowMillis })
      // Halved rather than shifted one by one, which would cost a copy for each event of a flood.
      if (events.length >= 2 * countMax) events = events.slice(-countMax)
    },
    summary: (nowMillis) => {
      const recent = events.slice(-countMax).filter(({ atMillis }) => nowMillis - atMillis <= windowSeconds * 1_000)
      const byKind: Record<string, number> = {}
      for (const { tag } of recent) byKind[names[tag]] = (byKind[names[tag]] ?? 0) + 1
      return { windowSeconds, total: recent.length, byKind }
    }
  }
}

/**
 * Which pollers report, and which have stopped to.
 *
 * How long a poller may be silent follows from how it reported before: four times its longest recent pause, at least
 * half a minute. So a poller that reports every five minutes is not lost after one, and one that reports every two
 * seconds is missed soon.
 */
import type { Partition, PollerId } from "../Ids.ts"

/** The words that the existing writers and dashboards know. */
export type PollerState = "unknown" | "healthy" | "unhealthy"

export interface PollerChange {
  readonly pollerId: PollerId
  readonly partition: Partition
  readonly sourceIp: string
  readonly previous: PollerState
  readonly current: PollerState
  readonly lastSeenMillis: number
  readonly atMillis: number
}

export interface Sighting {
  readonly pollerId: PollerId
  readonly partition: Partition
  readonly sourceIp: string
  readonly atMillis: number
}

export interface PollerPresence {
  /** The change that a report makes, if it makes one. */
  readonly seen: (sighting: Sighting) => PollerChange | undefined
  /** Those that have been silent for too long by now, each told once. */
  readonly lost: (nowMillis: number) => ReadonlyArray<PollerChange>
}

interface Known {
  last: Sighting
  state: PollerState
  usualPauseMillis: number
}

const silenceMinMillis = 30_000
const pausesMax = 4
/** Until a second report tells how often they come: as often as a poller reports unless it is told otherwise. */
const usualPauseDefaultMillis = 5 * 60_000
/** Of the usual pause after each shorter one, so that one long pause is forgotten in time. */
const decay = 0.9

/** Of so many pollers at once nobody is told that more of them come or go. */
const pollersMax = 100_000

const change = ({ last, state }: Known, previous: PollerState, atMillis: number): PollerChange => ({
  ...last,
  previous,
  current: state,
  lastSeenMillis: last.atMillis,
  atMillis
})

export const make = (): PollerPresence => {
  const pollers = new Map<PollerId, Known>()

  const seen = (sighting: Sighting): PollerChange | undefined => {
    const { atMillis, pollerId } = sighting
    const known = pollers.get(pollerId)
    if (known === undefined) {
      if (pollers.size >= pollersMax) return undefined
      const fresh: Known = { last: sighting, state: "healthy", usualPauseMillis: usualPauseDefaultMillis }
      pollers.set(pollerId, fresh)
      return change(fresh, "unknown", atMillis)
    }
    const pauseMillis = Math.max(0, atMillis - known.last.atMillis)
    const previous = known.state
    const isUsual = previous === "healthy"
    known.last = sighting
    known.state = "healthy"
    if (isUsual) known.usualPauseMillis = Math.max(pauseMillis, known.usualPauseMillis * decay)
    return isUsual ? undefined : change(known, previous, atMillis)
  }

  const lost = (nowMillis: number): ReadonlyArray<PollerChange> =>
    [...pollers.values()].flatMap((known) => {
      const silenceMillis = nowMillis - known.last.atMillis
      const isLost = silenceMillis > Math.max(silenceMinMillis, pausesMax * known.usualPauseMillis)
      if (!isLost || known.state === "unhealthy") return []
      const previous = known.state
      known.state = "unhealthy"
      return [change(known, previous, nowMillis)]
    })

  return { seen, lost }
}

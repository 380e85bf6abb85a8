/**
 * Which pollers report, and which have stopped to.
 *
 * A poller is missed when it has been silent for longer than the operator allows, from its first report on. Where nothing
 * is configured that is four of its intervals, at least half a minute: of the interval that it says itself, else of the
 * longest of its last pauses; while neither is known, five minutes. So a poller that reports every five minutes is not
 * lost after one, and one that reports every two seconds is missed soon. What its reports say of services does not count.
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
  /** Time of day, as `atMillis`. */
  readonly lastSeenMillis: number
  readonly atMillis: number
  /** Between the two, on a clock that only goes forward. */
  readonly silenceMillis: number
}

export interface Moment {
  /** Time of day. */
  readonly atMillis: number
  /** On a clock that only goes forward: silence is measured with it. */
  readonly monotonicMillis: number
}

export interface Sighting extends Moment {
  readonly pollerId: PollerId
  readonly partition: Partition
  readonly sourceIp: string
  /** Until the next report, as the poller says. */
  readonly intervalMillis?: number
}

/** A poller as core knew it before it was restarted. */
export interface Remembered extends Omit<Sighting, "monotonicMillis"> {
  readonly isMissed: boolean
}

export interface PollerPresence {
  /**
   * The change that a report makes, if it makes one. `remembered` is what was known of the poller before the report, and
   * counts where this core has not heard of it yet: it may report before `restore`.
   */
  readonly seen: (sighting: Sighting, remembered?: Pick<Remembered, "isMissed">) => PollerChange | undefined
  /** It reported, and the report was not stored: no reason to miss it, nor to say that it is back. */
  readonly heard: (pollerId: string, now: Moment) => void
  /** Those that have been silent for too long by now, each told once. */
  readonly lost: (now: Moment) => ReadonlyArray<PollerChange>
  /** What was known before the restart; silence counts from now on, because nobody could report meanwhile. */
  readonly restore: (pollers: ReadonlyArray<Remembered>, now: Moment) => void
}

export interface PresenceOptions {
  /** How long any poller may be silent. */
  readonly alertThresholdMillis?: number
}

interface Known {
  last: Sighting
  state: PollerState
  /** Between reports, newest last. */
  pauses: ReadonlyArray<number>
}

const silenceMinMillis = 30_000
const intervalsMax = 4
const pausesKept = 8
/** Two reports close together say nothing of the next. */
const pausesTelling = 3
const silenceUnknownMillis = 5 * 60_000

/** Of so many pollers at once nobody is told that more of them come or go. */
const pollersMax = 100_000

const change = ({ last, state }: Known, previous: PollerState, now: Moment, since: Sighting): PollerChange => ({
  pollerId: last.pollerId,
  partition: last.partition,
  sourceIp: last.sourceIp,
  previous,
  current: state,
  lastSeenMillis: last.atMillis,
  atMillis: now.atMillis,
  silenceMillis: now.monotonicMillis - since.monotonicMillis
})

const silenceMax = ({ last: { intervalMillis }, pauses }: Known, threshold: number | undefined): number => {
  if (threshold !== undefined) return threshold
  // Pauses may be those of an outage here; they count only for a poller that does not say.
  const interval = intervalMillis ?? Math.max(0, ...pauses)
  const isKnown = intervalMillis !== undefined || pauses.length >= pausesTelling
  return Math.max(isKnown ? silenceMinMillis : silenceUnknownMillis, intervalsMax * interval)
}

export const make = ({ alertThresholdMillis }: PresenceOptions = {}): PollerPresence => {
  const pollers = new Map<string, Known>()

  const seen: PollerPresence["seen"] = (sighting, remembered) => {
    const known = pollers.get(sighting.pollerId)
    if (known === undefined) {
      if (pollers.size >= pollersMax) return undefined
      const fresh: Known = { last: sighting, state: "healthy", pauses: [] }
      pollers.set(sighting.pollerId, fresh)
      if (remembered === undefined) return change(fresh, "unknown", sighting, sighting)
      return remembered.isMissed ? change(fresh, "unhealthy", sighting, sighting) : undefined
    }
    const { last: before, state: previous } = known
    const pause = Math.max(0, sighting.monotonicMillis - before.monotonicMillis)
    known.last = sighting
    known.state = "healthy"
    if (previous === "healthy") {
      known.pauses = [...known.pauses, pause].slice(-pausesKept)
      return undefined
    }
    return change(known, previous, sighting, before)
  }

  const heard: PollerPresence["heard"] = (pollerId, { monotonicMillis }) => {
    const known = pollers.get(pollerId)
    if (known?.state === "healthy") known.last = { ...known.last, monotonicMillis }
  }

  const lost = (now: Moment): ReadonlyArray<PollerChange> =>
    [...pollers.values()].flatMap((known) => {
      const silenceMillis = now.monotonicMillis - known.last.monotonicMillis
      if (known.state === "unhealthy" || silenceMillis <= silenceMax(known, alertThresholdMillis)) return []
      const previous = known.state
      known.state = "unhealthy"
      return [change(known, previous, now, known.last)]
    })

  const restore = (remembered: ReadonlyArray<Remembered>, { monotonicMillis }: Moment): void => {
    for (const { isMissed, ...poller } of remembered) {
      if (pollers.has(poller.pollerId) || pollers.size >= pollersMax) continue
      pollers.set(poller.pollerId, {
        last: { ...poller, monotonicMillis },
        state: isMissed ? "unhealthy" : "healthy",
        pauses: []
      })
    }
  }

  return { seen, heard, lost, restore }
}

/** A poller that is missed from some moment on, or is back. */
import type { PollerId } from "../monitoring/Ids.ts"
import type { PollerChange, Remembered } from "../monitoring/reports/PollerPresence.ts"

export interface PollerTurn {
  readonly pollerId: PollerId
  /** False when it is back. */
  readonly isMissed: boolean
  /** Time of day. */
  readonly atMillis: number
  /** How long it had been silent. */
  readonly silenceMillis: number
}

/** None of a poller that reports for the first time. */
export const of = ({ atMillis, current, pollerId, previous, silenceMillis }: PollerChange): PollerTurn | undefined =>
  current === "unhealthy" || previous === "unhealthy"
    ? { pollerId, isMissed: current === "unhealthy", atMillis, silenceMillis }
    : undefined

/** What those are told of it who were not told when it was. */
export const changeOf = (
  { atMillis, isMissed, pollerId, silenceMillis }: PollerTurn,
  { partition, sourceIp }: Pick<Remembered, "partition" | "sourceIp">
): PollerChange => ({
  pollerId,
  partition,
  sourceIp,
  previous: isMissed ? "healthy" : "unhealthy",
  current: isMissed ? "unhealthy" : "healthy",
  lastSeenMillis: isMissed ? atMillis - silenceMillis : atMillis,
  atMillis,
  silenceMillis
})

/** When a user's password is not looked at any more, for a while; a link that was sent to the user's own address still is. */
import { DateTime, Duration } from "effect"

/** So many wrong ones, each within a window of the one before. */
export const failuresMax = 5
const window = Duration.minutes(15)
export const lockedFor = Duration.minutes(15)

export interface Failures {
  readonly failedSignIns: number
  readonly lastFailedAt: DateTime.Utc | null
  readonly lockedUntil: DateTime.Utc | null
}

export const isLocked = ({ lockedUntil }: Pick<Failures, "lockedUntil">, now: DateTime.Utc): boolean =>
  lockedUntil !== null && lockedUntil.epochMilliseconds > now.epochMilliseconds

/** After one more. */
export const afterFailure = (
  { failedSignIns, lastFailedAt }: Failures,
  now: DateTime.Utc
): Pick<Failures, "failedSignIns" | "lockedUntil"> => {
  const isRecent = lastFailedAt !== null &&
    now.epochMilliseconds - lastFailedAt.epochMilliseconds < Duration.toMillis(window)
  const count = (isRecent ? failedSignIns : 0) + 1
  return count < failuresMax
    ? { failedSignIns: count, lockedUntil: null }
    : { failedSignIns: 0, lockedUntil: DateTime.addDuration(now, lockedFor) }
}

/**
 * Tells of an outage of NATS: at once, then about twice a minute, and once when it is over.
 */
import { Effect } from "effect"
import * as Monotonic from "../../../services/clock/Monotonic.ts"

/** A connection that held this long was none of a series that break at once. */
const stableMillis = 5_000
const tellEveryMillis = 30_000

export interface NatsOutage {
  /** Whether the connection had been there for a while, so that the next attempts may begin quickly again. */
  readonly began: (error: { readonly detail: string; readonly isRefused: boolean }) => Effect.Effect<boolean>
  readonly ended: (line: string) => Effect.Effect<void>
}

export const make = (
  who: string,
  /** Told of each refusal that is told at all. */
  refused: (reason: string) => Effect.Effect<void> = () => Effect.void
): NatsOutage => {
  let connectedAt: number | undefined
  let toldAt = Number.NEGATIVE_INFINITY
  let told = ""
  let isTold = true
  return {
    began: Effect.fnUntraced(function*(error) {
      const now = yield* Monotonic.millis
      const wasStable = connectedAt !== undefined && now - connectedAt >= stableMillis
      connectedAt = undefined
      if (wasStable) toldAt = Number.NEGATIVE_INFINITY
      const kind = error.isRefused ? "refused" : "away"
      if (now - toldAt < tellEveryMillis && told === kind) return wasStable
      isTold = true
      toldAt = now
      told = kind
      yield* error.isRefused
        ? Effect.andThen(
          Effect.logError(`${who} cannot be used: ${error.detail}. Trying again every 10 s`),
          refused(error.detail)
        )
        : Effect.logWarning(`${who} is not available (${error.detail}): trying on`)
      return wasStable
    }),
    ended: Effect.fnUntraced(function*(line) {
      connectedAt = yield* Monotonic.millis
      if (!isTold) return
      isTold = false
      yield* Effect.logInfo(line)
    })
  }
}

/**
 * Whether a program can do its work now, and if not, what is missing.
 *
 * All checks run at once and each has its own limit, so that one that hangs costs the others nothing.
 */
import { Duration, Effect } from "effect"

export interface Check {
  readonly name: string
  /** Fails with the reason why it is not ready. */
  readonly ready: Effect.Effect<void, { readonly message: string }>
}

export interface Report {
  readonly status: "ready" | "not ready"
  readonly checks: ReadonlyArray<{ readonly name: string; readonly ready: boolean; readonly reason?: string }>
}

const limit = Duration.seconds(3)

const evaluateOne = ({ name, ready }: Check) =>
  ready.pipe(
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.fail({ message: `no answer within ${Duration.format(limit)}` })
    }),
    Effect.match({
      onFailure: ({ message }) => ({ name, ready: false, reason: message }),
      onSuccess: () => ({ name, ready: true })
    })
  )

export const evaluate = (checks: ReadonlyArray<Check>): Effect.Effect<Report> =>
  Effect.map(
    Effect.forEach(checks, evaluateOne, { concurrency: "unbounded" }),
    (results) => ({ status: results.every((result) => result.ready) ? "ready" : "not ready", checks: results })
  )

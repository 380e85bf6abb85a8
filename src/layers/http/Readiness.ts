/**
 * Whether a program can do its work now, and if not, what is missing.
 *
 * All checks run at once and each has its own limit, so that one that hangs costs the others nothing.
 */
import { Duration, Effect, Fiber, Option, Schema } from "effect"

export interface Check {
  readonly name: string
  /** Fails with the reason why it is not ready. */
  readonly ready: Effect.Effect<void, { readonly message: string }>
}

export const Report = Schema.Struct({
  status: Schema.Literals(["ready", "not ready"]),
  checks: Schema.Array(Schema.Struct({
    name: Schema.String,
    ready: Schema.Boolean,
    reason: Schema.optionalKey(Schema.String)
  })),
  /** Events of the last while, where they are asked for. */
  security: Schema.optionalKey(Schema.Struct({
    window_seconds: Schema.Number,
    total: Schema.Number,
    by_kind: Schema.Record(Schema.String, Schema.Number)
  }))
})
export type Report = typeof Report.Type

const limit = Duration.seconds(3)

/**
 * Does not wait for a check to stop: cancelling a query needs an answer from the server that gives none. Most checks look at
 * what is known and have nothing to wait for.
 */
const withinLimit = (ready: Check["ready"]): Check["ready"] =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkDetach(ready, { startImmediately: true })
    const known = fiber.pollUnsafe()
    if (known !== undefined) return yield* known
    const exit = yield* Fiber.await(fiber).pipe(
      Effect.timeoutOption(limit),
      Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
    )
    if (Option.isSome(exit)) return yield* exit.value
    return yield* Effect.fail({ message: `no answer within ${Duration.format(limit)}` })
  })

const evaluateOne = ({ name, ready }: Check) =>
  withinLimit(ready).pipe(
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

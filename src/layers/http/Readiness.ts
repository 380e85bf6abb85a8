/**
 * Whether a program can do its work now, and if not, what is missing.
 *
 * All checks run at once and each has its own limit, so that one that hangs costs the others nothing.
 */
import { Duration, Effect, type Exit, Fiber, Option, Schema } from "effect"

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

interface Begun extends Pick<Check, "name"> {
  readonly fiber: Fiber.Fiber<void, { readonly message: string }>
}

type Result = Report["checks"][number]

const resultOf = (name: string, exit: Exit.Exit<void, { readonly message: string }>) =>
  Effect.match(exit, {
    onFailure: ({ message }): Result => ({ name, ready: false, reason: message }),
    onSuccess: (): Result => ({ name, ready: true })
  })

const within = ({ fiber, name }: Begun): Effect.Effect<Result> => {
  // Most checks look at what is known and have nothing to wait for.
  const known = fiber.pollUnsafe()
  if (known !== undefined) return resultOf(name, known)
  return Effect.flatMap(
    Effect.timeoutOption(Fiber.await(fiber), limit),
    Option.match({
      onNone: () => Effect.succeed({ name, ready: false, reason: `no answer within ${Duration.format(limit)}` }),
      onSome: (exit) => resultOf(name, exit)
    })
  )
}

/** Does not wait for a check to stop: cancelling a query needs an answer from the server that gives none. */
export const evaluate = (checks: ReadonlyArray<Check>): Effect.Effect<Report> =>
  Effect.suspend(() => {
    const begun: Array<Begun> = []
    const begin = ({ name, ready }: Check) =>
      Effect.map(Effect.forkDetach(ready, { startImmediately: true }), (fiber) => void begun.push({ name, fiber }))
    return Effect.forEach(checks, begin, { discard: true }).pipe(
      Effect.flatMap(() =>
        begun.every(({ fiber }) => fiber.pollUnsafe() !== undefined)
          ? Effect.forEach(begun, within)
          : Effect.forEach(begun, within, { concurrency: "unbounded" })
      ),
      Effect.map((results): Report => ({
        status: results.every((result) => result.ready) ? "ready" : "not ready",
        checks: results
      })),
      Effect.ensuring(Effect.sync(() => begun.forEach(({ fiber }) => fiber.interruptUnsafe())))
    )
  })

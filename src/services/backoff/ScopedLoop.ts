/**
 * A loop that belongs to one scope, as to a connection or a listener, and is too small for a supervisor of its own.
 *
 * It cannot end in silence: a failure or a defect is logged as an error, and the loop is begun again after 1 s, later each
 * time up to 30 s. It is interrupted when the scope closes, and over when it ends by itself.
 */
import { Cause, Effect, Exit, type Scope } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"

const backoff = Backoff.capped({ from: "1 second", to: "30 seconds" })

/** `name` as in "NAME failed". */
export const start = <E, R>(
  name: string,
  loop: Effect.Effect<unknown, E, R>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.exit(loop).pipe(
    Effect.tap((exit) =>
      Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)
        ? Effect.void
        : Effect.logError(`${name} failed and is begun again`, exit.cause)
    ),
    Effect.repeat({ schedule: backoff, while: Exit.isFailure }),
    Effect.forkScoped,
    Effect.asVoid
  )

/**
 * Ends the service when its spool is taken away.
 *
 * A folder that was removed or replaced cannot be had back while its files are open: the service gives up, and whoever
 * starts it again has one that begins anew instead of one that says it is well. A look that fails once may be the file
 * system's trouble; what is seen three times is so. Told once, however often the service around it is started again.
 */
import { Effect, Ref, Schedule } from "effect"
import * as SqliteSpool from "../../layers/sync/SqliteSpool.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

const between = "2 seconds"

const looksMax = 3

const again = Schedule.upTo(Schedule.spaced(between), { times: looksMax - 1 })

export const make = Effect.gen(function*() {
  const told = yield* Ref.make("")
  return Supervisor.child({
    id: "SpoolWatch",
    restart: "temporary",
    // Its end is the end of the service.
    significant: true,
    run: SqliteSpool.SpoolFolder.use(({ intact }) =>
      Effect.repeat(Effect.retry(intact, again), Schedule.spaced(between)).pipe(
        Effect.tapError((error) =>
          Effect.flatMap(
            Ref.getAndSet(told, error.message),
            (before) =>
              before === error.message ? Effect.void : Effect.logError(`The spool was taken away: ${error.message}`)
          )
        )
      )
    )
  })
})

/**
 * Ends a server of ours that lives and does not answer, so that whoever supervises it starts it again.
 *
 * The supervisor sees only that a process ends. One that hangs, stopped or waiting for a disk that does not come back,
 * would stay in the way for ever.
 */
import { Duration, Effect, FileSystem, Schedule } from "effect"
import { systemText } from "./SystemText.ts"

export interface WatchdogOptions<E, R> {
  /** As operators know the server. */
  readonly name: string
  readonly pid: number
  /** Succeeds when the server answers. It has its own limit. */
  readonly ping: Effect.Effect<unknown, E, R>
  /** What it keeps its data in; a server whose data was deleted answers, and keeps nothing. */
  readonly directory: string
  /** Default 10 s. */
  readonly every?: Duration.Input
}

const everyDefault = Duration.seconds(10)
/** The answer may be late once: the machine was asleep, or busy. */
const failuresMax = 3

/** Watches for ever; the end of the process that it kills is for others to see. */
export const watch = <E extends { readonly message: string }, R>(
  { directory, every = everyDefault, name, pid, ping }: WatchdogOptions<E, R>
): Effect.Effect<never, never, FileSystem.FileSystem | R> =>
  Effect.suspend(() => {
    let failures = 0
    const exists = Effect.mapError(
      Effect.flatMap(FileSystem.FileSystem, (files) => files.access(directory)),
      (error) => ({ message: `lost its data: ${directory}: ${systemText(error)}` })
    )
    const answers = Effect.mapError(ping, ({ message }) => ({ message: `does not answer: ${message}` }))
    const look = Effect.matchEffect(Effect.andThen(exists, answers), {
      onSuccess: () =>
        Effect.sync(() => {
          failures = 0
        }),
      onFailure: ({ message }) =>
        Effect.suspend(() => {
          failures += 1
          if (failures < failuresMax) return Effect.void
          failures = 0
          return Effect.andThen(
            Effect.logError(`${name} (process ${pid}) is killed, to be started again: it ${message}`),
            Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
          )
        })
    })
    return Effect.andThen(Effect.repeat(look, Schedule.spaced(every)), Effect.never)
  })

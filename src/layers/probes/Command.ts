/**
 * Runs small programs to their end and gives back what they said, a bounded number at once.
 *
 * Each costs a process, and hosts that do not answer keep theirs for seconds: a few hundred dead hosts must not become a
 * few hundred processes. Output is bounded, so a program that floods is killed; interruption and the time limit kill at
 * once, because none of the programs used here has anything to save. Programs run in the C locale.
 */
import { Duration, Effect, Option, Schema, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { access, constants } from "node:fs/promises"
import * as path from "node:path"

/** The program could not be started in time, or was killed by a signal, for its output or for its time. */
export class CommandError extends Schema.TaggedError<CommandError>()("CommandError", {
  program: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.program}: ${this.reason}`
  }
}

export interface CommandOutput {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const outputBytesMax = 64 * 1024

export interface CommandLimits {
  /** Programs at once. */
  readonly atOnceMax: number
  /** How long a program waits for its turn. */
  readonly wait: Duration.Duration
  /** How long a program may run. */
  readonly run: Duration.Duration
}

/** Together below the 30 s after which a poller gives up; enough for 200 hosts that do not answer within 2.4 s each. */
export const defaultLimits: CommandLimits = {
  atOnceMax: 32,
  wait: Duration.seconds(15),
  run: Duration.seconds(5)
}

/** How long a command takes at most. */
export const timeMax = (limits: CommandLimits): Duration.Duration => Duration.sum(limits.wait, limits.run)

export interface Commands {
  readonly timeMax: Duration.Duration
  readonly run: (program: string, args: ReadonlyArray<string>) => Effect.Effect<CommandOutput, CommandError>
}

/** Those who run commands through the same value share its limits. */
export const make = (limits: CommandLimits = defaultLimits): Effect.Effect<Commands> =>
  Effect.map(Semaphore.make(limits.atOnceMax), (places) => ({
    timeMax: timeMax(limits),
    run: (program, args) =>
      Effect.suspend(() => {
        let hasPlace = false
        // Errors are dear to make, and most commands end by themselves: each is made where it is needed.
        const killed = () =>
          Effect.fail(new CommandError({ program, reason: `killed after ${Duration.format(limits.run)}` }))
        const work = places.withPermit(Effect.suspend(() => {
          hasPlace = true
          return Effect.timeoutOrElse(spawn(program, args), { duration: limits.run, orElse: killed })
        }))
        const crowded = () =>
          Effect.fail(
            new CommandError({
              program,
              reason: `not run: all ${limits.atOnceMax} places for programs were taken for ${
                Duration.format(limits.wait)
              }`
            })
          )
        const giveUp = Effect.suspend(() => hasPlace ? Effect.never : crowded())
        return Effect.raceFirst(work, Effect.delay(giveUp, limits.wait))
      })
  }))

const spawn = (program: string, args: ReadonlyArray<string>): Effect.Effect<CommandOutput, CommandError> =>
  Effect.callback((resume) => {
    const child = execFile(program, args, {
      maxBuffer: outputBytesMax,
      killSignal: "SIGKILL",
      env: { ...process.env, LC_ALL: "C" }
    }, (error, stdout, stderr) => {
      if (error === null) return resume(Effect.succeed({ exitCode: 0, stdout, stderr }))
      if (typeof error.code === "number") {
        return resume(Effect.succeed({ exitCode: error.code, stdout, stderr }))
      }
      const reason = error.signal ? `killed by ${error.signal}` : error.message
      resume(Effect.fail(new CommandError({ program, reason })))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** The folders of PATH, each once; relative ones are not searched. */
export const searchPath = (pathVariable: string | undefined): ReadonlyArray<string> => [
  ...new Set((pathVariable ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder)))
]

/** The first folder's executable file of that name. */
export const find = (name: string, folders: ReadonlyArray<string>): Effect.Effect<Option.Option<string>> =>
  Effect.gen(function*() {
    for (const folder of folders) {
      const file = path.join(folder, name)
      const isExecutable = yield* Effect.tryPromise(() => access(file, constants.X_OK)).pipe(
        Effect.match({ onSuccess: () => true, onFailure: () => false })
      )
      if (isExecutable) return Option.some(file)
    }
    return Option.none()
  })

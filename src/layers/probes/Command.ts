/**
 * Runs small programs to their end and gives back what they said, a bounded number at once.
 *
 * Each costs a process, and hosts that do not answer keep theirs for seconds: a few hundred dead hosts must not become a
 * few hundred processes. Output is bounded, so a program that floods is killed; interruption and the time limit kill at
 * once, because none of the programs used here has anything to save. Programs run in the C locale.
 */
import { Duration, Effect, Option, Schema, Semaphore } from "effect"
import { access, constants } from "node:fs/promises"
import * as path from "node:path"
import * as Printed from "../process/spawn/Printed.ts"
import type * as Program from "../process/spawn/Program.ts"
import { Spawner } from "../process/spawn/Spawner.ts"

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

const environment = (): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
  ),
  LC_ALL: "C"
})

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
  Effect.map(Effect.all([Semaphore.make(limits.atOnceMax), Spawner]), ([places, begin]) => ({
    timeMax: timeMax(limits),
    run: (program, args) =>
      Effect.suspend(() => {
        let hasPlace = false
        // Errors are dear to make, and most commands end by themselves: each is made where it is needed.
        const killed = () =>
          Effect.fail(new CommandError({ program, reason: `killed after ${Duration.format(limits.run)}` }))
        const work = places.withPermit(Effect.suspend(() => {
          hasPlace = true
          return Effect.timeoutOrElse(spawn(begin, program, args), { duration: limits.run, orElse: killed })
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

const spawn = (
  begin: Program.Begin,
  file: string,
  args: ReadonlyArray<string>
): Effect.Effect<CommandOutput, CommandError> =>
  Effect.callback((resume) => {
    const fail = (reason: string) => resume(Effect.fail(new CommandError({ program: file, reason })))
    const printed = Printed.make(outputBytesMax)
    let ending: { readonly code: number | null; readonly signal: string | null } | undefined
    const program = begin({ file, args, folder: "/", env: environment(), givesWayBy: 0 }, {
      started: () => {},
      printed: (stream, part) => {
        if (printed.add(stream, part)) return
        stop()
        fail(`killed: it printed more than ${outputBytesMax} bytes`)
      },
      failed: fail,
      exited: (code, signal) => {
        ending = { code, signal }
      },
      closed: () => {
        const { code = null, signal = null } = ending ?? {}
        if (code === null) return fail(`killed by ${signal ?? "a signal"}`)
        resume(Effect.succeed({ exitCode: code, stdout: printed.text("stdout"), stderr: printed.text("stderr") }))
      }
    })
    const stop = () => {
      program.signal("SIGKILL")
      program.deafen()
    }
    return Effect.sync(stop)
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

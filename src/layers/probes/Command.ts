/**
 * Runs a small program to its end and gives back what it said.
 *
 * Output is bounded, so a program that floods is killed; interruption kills it at once, because none of the programs
 * used here has anything to save. Programs run in the C locale.
 */
import { Effect, Option, Schema } from "effect"
import { execFile } from "node:child_process"
import { access, constants } from "node:fs/promises"
import * as path from "node:path"

/** The program could not be started, or was killed by a signal or for its output. */
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

export const run = (
  program: string,
  args: ReadonlyArray<string>
): Effect.Effect<CommandOutput, CommandError> =>
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

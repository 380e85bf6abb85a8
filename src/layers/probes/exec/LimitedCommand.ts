/** A program with what limits its memory in front of it: the kernel does, for each process, by way of `prlimit`. */
import { Effect, Option } from "effect"
import { access, constants } from "node:fs/promises"
import { StepFailed } from "../CheckSteps.ts"
import * as Command from "../Command.ts"

export interface Limited {
  /** Absolute path. */
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** For each process; 0 is none. */
  readonly memoryBytesMax: number
}

export type CommandLine = readonly [file: string, args: ReadonlyArray<string>]

const isExecutable = (file: string) =>
  Effect.tryPromise(() => access(file, constants.X_OK)).pipe(
    Effect.match({ onSuccess: () => true, onFailure: () => false })
  )

/** `path` is the PATH variable. */
export const make = (path: string | undefined) => {
  const folders = Command.searchPath(path)
  return Effect.fnUntraced(
    function*({ args, memoryBytesMax, program }: Limited): Effect.fn.Return<CommandLine, StepFailed> {
      if (!(yield* isExecutable(program))) {
        return yield* new StepFailed({ reason: `${program} is no program that this user may run` })
      }
      if (memoryBytesMax === 0) return [program, args]
      const limiter = yield* Command.find("prlimit", folders)
      if (Option.isNone(limiter)) {
        const reason = "memory cannot be limited without prlimit: install util-linux, or set its limit to 0"
        return yield* new StepFailed({ reason })
      }
      return [limiter.value, [`--data=${memoryBytesMax}`, "--core=0", "--", program, ...args]]
    }
  )
}

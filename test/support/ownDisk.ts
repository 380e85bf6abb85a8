/** File systems of their own for a test; mounting one takes root. They go with the scope. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import { temporaryFolder } from "./temporaryFolder.ts"

const run = promisify(execFile)

/** With this much room, for example `160m`. */
export const small = (size: string) =>
  Effect.gen(function*() {
    const folder = path.join(yield* temporaryFolder, "disk")
    yield* Effect.promise(() => fs.mkdir(folder))
    yield* Effect.acquireRelease(
      Effect.promise(() => run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", folder])),
      () => Effect.promise(() => run("umount", ["-l", folder]))
    )
    return folder
  })

/** From now on nothing can be written; fails when somebody has a file open for it. */
export const makeReadOnly = (folder: string) => Effect.promise(() => run("mount", ["-o", "remount,ro", folder]))

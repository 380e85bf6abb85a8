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

const mebibyte = 2 ** 20

/** On a device that, once it is broken, answers EIO for all but its beginning. Takes loop devices. */
export const breakable = Effect.gen(function*() {
  const behind = yield* small("800m")
  const image = path.join(behind, "image")
  const folder = path.join(yield* temporaryFolder, "device")
  yield* Effect.promise(async () => {
    await fs.mkdir(folder)
    await run("truncate", ["-s", `${400 * mebibyte}`, image])
    await run("mkfs.ext4", ["-q", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", image])
  })
  const device = yield* Effect.acquireRelease(
    Effect.map(Effect.promise(() => run("losetup", ["-f", "--show", image])), ({ stdout }) => stdout.trim()),
    (name) => Effect.promise(() => run("losetup", ["-d", name]))
  )
  yield* Effect.acquireRelease(
    Effect.promise(() => run("mount", [device, folder])),
    () => Effect.promise(() => run("umount", ["-l", folder]))
  )
  return {
    folder,
    /** What the system still has in its memory can be read. */
    break: Effect.promise(async () => {
      await run("sync", ["-f", folder])
      await run("truncate", ["-s", `${16 * mebibyte}`, image])
      await run("losetup", ["-c", device])
    })
  }
})

/** From now on nothing can be written; fails when somebody has a file open for it. */
export const makeReadOnly = (folder: string) => Effect.promise(() => run("mount", ["-o", "remount,ro", folder]))

export const makeWritable = (folder: string) => Effect.promise(() => run("mount", ["-o", "remount,rw", folder]))

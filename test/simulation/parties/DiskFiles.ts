/** The folder of a poller's buffer on a simulated disk. */
import { Effect, type Scope } from "effect"
import { BufferFault, type SegmentFiles } from "../../../src/layers/poller/buffer/SegmentFiles.ts"
import type { Disk } from "../../../src/services/simulation/Disk.ts"

/** `hold` answers whether this process has the folder now. */
export const make = (
  disk: Disk,
  folder: string,
  hold: Effect.Effect<boolean, never, Scope.Scope>
): SegmentFiles => {
  const fault = (name: string, step: string, detail: string, isAbsent = false) =>
    new BufferFault({ path: `${folder}/${name}`, step, detail, isAbsent })
  const absent = (name: string, step: string) => fault(name, step, "no such file", true)
  const slowly = <A>(act: () => A): Effect.Effect<A> =>
    Effect.uninterruptible(
      Effect.suspend(() =>
        disk.slowMillis === 0 ? Effect.sync(act) : Effect.andThen(Effect.sleep(disk.slowMillis), Effect.sync(act))
      )
    )
  return {
    folder,
    hold: Effect.flatMap(
      hold,
      (isHeld) => isHeld ? Effect.void : Effect.fail(fault("", "taking the folder", "another process has it"))
    ),
    list: slowly(() => disk.names().map((name) => ({ name, bytes: disk.sizeOf(name) ?? 0 }))),
    create: (name) =>
      Effect.suspend(() => {
        if (disk.isFull) return Effect.fail(fault(name, "making it", "no space left on device"))
        const file = disk.create(name)
        if (file === undefined) return Effect.fail(fault(name, "making it", "file exists"))
        return Effect.succeed({
          append: (bytes: Uint8Array) =>
            Effect.flatMap(
              slowly(() => file.append(bytes)),
              (isWritten) => isWritten ? Effect.void : Effect.fail(fault(name, "writing", "no space left on device"))
            ),
          sync: Effect.flatMap(
            slowly(() => {
              file.sync()
              return file.isThere()
            }),
            (isThere) => isThere ? Effect.void : Effect.fail(absent(name, "syncing"))
          ),
          close: Effect.void
        })
      }),
    read: (name, offset, length) =>
      Effect.flatMap(
        slowly(() => disk.read(name, offset, length)),
        (bytes) => bytes === undefined ? Effect.fail(absent(name, "reading")) : Effect.succeed(bytes)
      ),
    truncate: (name, bytes) =>
      Effect.flatMap(
        slowly(() => disk.truncate(name, bytes)),
        (isCut) => isCut ? Effect.void : Effect.fail(absent(name, "cutting it"))
      ),
    rename: (from, to) =>
      Effect.flatMap(
        slowly(() => disk.rename(from, to)),
        (isRenamed) => isRenamed ? Effect.void : Effect.fail(absent(from, "renaming it"))
      ),
    remove: (name) => slowly(() => disk.remove(name)),
    syncFolder: slowly(() => disk.syncFolder())
  }
}

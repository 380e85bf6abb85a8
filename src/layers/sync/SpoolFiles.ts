/**
 * What the spool needs of the disk beside SQLite: files that are written from their beginning to their end, and read
 * anywhere. A simulated world has its own in its place, see `Current`.
 */
import { Context, Effect, type Scope } from "effect"
import * as fs from "node:fs/promises"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"

export interface SpoolFile {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SpoolError>
  readonly sync: Effect.Effect<void, SpoolError>
  /** From `offset` into all of `into`; how many bytes there were. */
  readonly read: (into: Uint8Array, offset: number) => Effect.Effect<number, SpoolError>
}

export interface SpoolFiles {
  /** Until the scope closes; stays readable when it is removed meanwhile. */
  readonly open: (path: string, flags: "r" | "w") => Effect.Effect<SpoolFile, SpoolError, Scope.Scope>
  /** What is in the file survives a power failure. */
  readonly sync: (path: string) => Effect.Effect<void, SpoolError>
  /** So do names of files that were made or renamed. */
  readonly syncFolder: (folder: string) => Effect.Effect<void, SpoolError>
}

const syncPath = async (path: string, flags: "r" | "r+"): Promise<void> => {
  const handle = await fs.open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** On this machine. */
export const node: SpoolFiles = {
  open: (path, flags) =>
    Effect.map(
      Effect.acquireRelease(
        Database.attemptPromise(path, "opening", () => fs.open(path, flags, 0o600)),
        (handle) => Effect.promise(() => handle.close().catch(() => undefined))
      ),
      (handle) => ({
        write: (bytes) => Database.attemptPromise(path, "writing", () => handle.writeFile(bytes)),
        sync: Database.attemptPromise(path, "syncing", () => handle.sync()),
        read: (into, offset) =>
          Database.attemptPromise(path, "reading", async () => {
            const { bytesRead } = await handle.read(into, 0, into.length, offset)
            return bytesRead
          })
      })
    ),
  sync: (path) => Database.attemptPromise(path, "syncing", () => syncPath(path, "r+")),
  syncFolder: (folder) => Database.attemptPromise(folder, "syncing", () => syncPath(folder, "r"))
}

/** Those of this machine unless a world has others. */
export const Current: Context.Reference<SpoolFiles> = Context.Reference<SpoolFiles>(
  "serviceradar-effect/layers/sync/SpoolFiles",
  { defaultValue: () => node }
)

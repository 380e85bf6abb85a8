/**
 * One service for each spool: a second one would fetch everything twice and number served sets on its own.
 *
 * The lock is SQLite's on a file of its own, as the spool is SQLite's anyway: it ends with the process, however that ends, and
 * holds between containers that share a volume, where ids of processes say nothing. Commands beside the service
 * do not take it.
 */
import { Effect } from "effect"
import { SpoolError } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"
import { SpoolFolder } from "./SqliteSpool.ts"

const setup = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (pid); COMMIT;"

/** Held until the scope closes. */
export const acquire = Effect.gen(function*() {
  const { file, folder } = yield* SpoolFolder
  yield* Database.open(file("lock.sqlite"), setup, { timeoutMillis: 500 }).pipe(
    Effect.mapError((error) =>
      /lock/i.test(error.detail)
        ? new SpoolError({ path: folder, step: "taking the lock", detail: "another sync service uses this folder" })
        : error
    )
  )
})

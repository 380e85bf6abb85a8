/**
 * SQLite files, opened with a scope. Every call is short and synchronous; what may be long is done in batches.
 */
import { Effect, type Scope } from "effect"
import { DatabaseSync } from "node:sqlite"
import { SpoolError } from "../../services/sync/Spool.ts"
import { systemText } from "../process/SystemText.ts"

export { DatabaseSync }

const detailOf = (cause: unknown): string => cause instanceof Error ? systemText(cause) : String(cause)

export const spoolError = (path: string, step: string) => (cause: unknown): SpoolError =>
  new SpoolError({ path, step, detail: detailOf(cause) })

export const attempt = <A>(path: string, step: string, run: () => A): Effect.Effect<A, SpoolError> =>
  Effect.try({ try: run, catch: spoolError(path, step) })

export const attemptPromise = <A>(path: string, step: string, run: () => Promise<A>): Effect.Effect<A, SpoolError> =>
  Effect.tryPromise({ try: run, catch: spoolError(path, step) })

/** How long a writer waits for another process that writes. */
const busyMillis = 2_000

/** Open until the scope closes. */
export const open = (
  path: string,
  setup: string,
  options: { readonly readOnly?: boolean; readonly timeoutMillis?: number } = {}
): Effect.Effect<DatabaseSync, SpoolError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(path, "opening", () => {
      const database = new DatabaseSync(path, {
        readOnly: options.readOnly ?? false,
        timeout: options.timeoutMillis ?? busyMillis
      })
      database.exec(setup)
      return database
    }),
    (database) =>
      Effect.sync(() => {
        if (database.isOpen) database.close()
      })
  )

/** In one transaction. */
export const transaction = <A>(database: DatabaseSync, run: () => A): A => {
  database.exec("BEGIN IMMEDIATE")
  try {
    const result = run()
    database.exec("COMMIT")
    return result
  } catch (cause) {
    if (database.isTransaction) database.exec("ROLLBACK")
    throw cause
  }
}

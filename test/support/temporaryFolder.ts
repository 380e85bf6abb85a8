/**
 * A folder for one test, removed with its scope. Other users may enter it: PostgreSQL runs as one when we are root.
 */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"

export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-test-"))
    await fs.chmod(folder, 0o755)
    return folder
  }),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
)

import * as fs from "node:fs/promises"
import * as path from "node:path"

/** As an editor or a deployment does: whole, under a new inode. */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  const fresh = path.join(path.dirname(file), `.${path.basename(file)}`)
  await fs.writeFile(fresh, text, { mode: 0o644 })
  await fs.rename(fresh, file)
}

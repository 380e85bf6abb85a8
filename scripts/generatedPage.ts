/** Writes a page that is made from the code, or with `--check` says that it is another one, and fails. */
import * as fs from "node:fs"

export const keep = (file: string, wanted: string, complaint: string): void => {
  if (!process.argv.includes("--check")) return fs.writeFileSync(file, wanted)
  if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === wanted) return
  console.error(complaint)
  process.exitCode = 1
}

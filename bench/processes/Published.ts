/** The `serviceradar` command as it is published, or from the sources. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

const root = path.join(import.meta.dirname, "../..")
const launcher = "bin/serviceradar.mjs"

/** Builds the program of a checkout, by default this one, into a folder and answers how to start it. */
export const build = (folder: string, checkout = root): string => {
  const home = path.join(folder, "program")
  const { status } = spawnSync(process.execPath, ["scripts/build.ts", path.join(home, "dist")], {
    cwd: checkout,
    stdio: "inherit"
  })
  if (status !== 0) throw new Error("The program cannot be built; --sources runs it all the same")
  fs.cpSync(path.join(checkout, "bin"), path.join(home, "bin"), { recursive: true })
  fs.cpSync(path.join(checkout, "package.json"), path.join(home, "package.json"))
  fs.symlinkSync(path.join(checkout, "node_modules"), path.join(home, "node_modules"))
  return path.join(home, launcher)
}

export const sources = path.join(root, launcher)

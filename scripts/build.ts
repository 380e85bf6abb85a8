/** Compiles `src` to `dist` with declaration files and source maps, for publishing. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"

fs.rmSync("dist", { recursive: true, force: true })
process.exitCode = spawnSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" }).status ?? 1

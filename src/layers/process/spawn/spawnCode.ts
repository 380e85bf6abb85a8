/** Where the code of the process that starts programs is. The bundle has its text in this module's place, see `scripts/build.ts`. */
import { fileURLToPath } from "node:url"
import type { HouseCode } from "../house/HouseProcess.ts"

export const spawnFile = new URL("./spawnMain.ts", import.meta.url)

export const spawnCode = (): HouseCode => ({ code: fileURLToPath(spawnFile), isText: false })

/** Where the code of the plugins' process is. The bundle, which is one file, has its text in this module's place, see `scripts/build.ts`. */
import { fileURLToPath } from "node:url"
import type { HouseCode } from "../../process/house/HouseProcess.ts"

export const houseFile = new URL("./houseMain.ts", import.meta.url)

export const houseCode = (): HouseCode => ({ code: fileURLToPath(houseFile), isText: false })

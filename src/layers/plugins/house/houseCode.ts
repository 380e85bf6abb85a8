/** Where the code of the plugins' process is. The bundle, which is one file, has its text in this module's place, see `scripts/build.ts`. */
import { fileURLToPath } from "node:url"

export const houseFile = new URL("./houseMain.ts", import.meta.url)

export const houseCode = (): { readonly code: string; readonly isText: boolean } => ({
  code: fileURLToPath(houseFile),
  isText: false
})

/** The text of `hash-wasm`, for a thread. The bundle has it in this module's place, see `scripts/build.ts`. */
import * as fs from "node:fs"
import { createRequire } from "node:module"

export const libraryFile = (): string => createRequire(import.meta.url).resolve("hash-wasm/dist/index.umd.min.js")

export const library = (): string => fs.readFileSync(libraryFile(), "utf8")

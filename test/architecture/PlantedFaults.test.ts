import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { planted } from "../../scripts/faults/planted.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** How often the text stands in the file, which may be gone. */
const times = (file: string, text: string): number =>
  fs.existsSync(path.join(root, file)) ? fs.readFileSync(path.join(root, file), "utf8").split(text).length - 1 : 0

describe("Faults that the simulation is to find", () => {
  it("can be planted: the code that they change is there, once", () => {
    const gone = planted.filter(({ file, from }) => times(file, from) !== 1).map(({ fault, file }) =>
      `${fault}: ${file}`
    )
    assert.deepStrictEqual(gone, [])
  })
})

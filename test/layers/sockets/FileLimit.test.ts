import { assert, describe, it } from "@effect/vitest"
import * as FileLimit from "../../../src/layers/sockets/FileLimit.ts"

describe("FileLimit", () => {
  it("leaves open files for listeners, files and core beside connections to others", () => {
    assert.deepStrictEqual(
      [16, 64, 256, 1_024, 65_536, Infinity].map((limit) => FileLimit.connectionsOutMaxOf(limit)),
      [8, 32, 192, 921, 58_982, Infinity]
    )
  })
})

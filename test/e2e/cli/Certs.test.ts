/** `serviceradar certs` as an operator calls it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../../support/Program.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const certs = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const program = yield* Program.start(["certs", ...args])
  const code = yield* program.exited.pipe(Effect.timeout("60 seconds"))
  return { code, output: program.output() }
})

describe("serviceradar certs", () => {
  it.live("issues nothing whose certificate would take the place of a private key", () =>
    Effect.gen(function*() {
      const dir = path.join(yield* temporaryFolder, "certs")
      assert.strictEqual((yield* certs("init", "--dir", dir)).code, 0)
      const key = () => Effect.promise(() => fs.readFile(path.join(dir, "root-key.pem"), "utf8"))
      const before = yield* key()

      const refused = yield* certs("issue", "root-key", "--dir", dir)

      assert.strictEqual(refused.code, 2)
      assert.include(refused.output, "does not end with \"-key\", got \"root-key\"")
      assert.strictEqual(yield* key(), before)
      assert.strictEqual((yield* certs("issue", "key-store", "--dir", dir)).code, 0)
    }), 120_000)
})

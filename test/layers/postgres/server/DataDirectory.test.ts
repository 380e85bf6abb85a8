import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as DataDirectory from "../../../../src/layers/postgres/server/DataDirectory.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

describe("The data directory of a server of ours", () => {
  it.effect("is known to others of this machine by the port and the password of its last start", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      assert.isTrue(Option.isNone(yield* DataDirectory.known(home, [])))
      yield* Effect.promise(() => fs.writeFile(path.join(home, "password"), "secret\n"))
      assert.isTrue(Option.isNone(yield* DataDirectory.known(home, [])))
      yield* Effect.promise(() => fs.writeFile(path.join(home, "port"), "5433"))
      const found = Option.getOrThrow(yield* DataDirectory.known(home, []))
      assert.strictEqual(found.port, 5433)
      assert.strictEqual(Redacted.value(found.password), "secret")
    }).pipe(Effect.scoped))
})

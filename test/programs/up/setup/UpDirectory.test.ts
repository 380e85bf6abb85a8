import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as UpDirectory from "../../../../src/programs/up/setup/UpDirectory.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const isRoot = process.getuid?.() === 0

describe("The data folder of up", () => {
  const refusal = (prepare: (folder: string) => void) =>
    Effect.gen(function*() {
      const folder = path.join(yield* temporaryFolder, "data")
      fs.mkdirSync(folder, { mode: 0o755 })
      prepare(folder)
      return yield* Effect.match(UpDirectory.acquire(folder), {
        onFailure: ({ message }) => message.replace(folder, "data"),
        onSuccess: () => ""
      })
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

  const told = "data cannot be used for data:"

  it.live("is nobody else's where root works in it", () =>
    Effect.gen(function*() {
      const message = yield* refusal((folder) => isRoot ? fs.chownSync(folder, 65_534, 65_534) : undefined)
      assert.strictEqual(
        message,
        isRoot ? `${told} it belongs to user 65534, and this program runs as root` : ""
      )
    }))

  it.live("is not open to everybody where root works in it", () =>
    Effect.gen(function*() {
      const message = yield* refusal((folder) => fs.chmodSync(folder, 0o777))
      assert.strictEqual(message, isRoot ? `${told} every user may write to it, and this program runs as root` : "")
    }))
})

import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as WholeFile from "../../../src/layers/files/WholeFile.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const read = (file: string) =>
  Effect.match(WholeFile.read(file, 10), { onFailure: ({ detail }) => detail, onSuccess: (text) => `read: ${text}` })

describe("WholeFile", () => {
  it.live("reads files, also through links, and nothing that has no end or is too large", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const at = (name: string) => path.join(folder, name)
      yield* Effect.promise(async () => {
        await fs.writeFile(at("small"), "0123456789")
        await fs.writeFile(at("large"), "01234567890")
        await fs.symlink("small", at("link"))
        await fs.symlink("loop", at("loop"))
        execFileSync("mkfifo", [at("pipe")])
      })

      const found = yield* Effect.forEach(
        [at("small"), at("link"), at("large"), at("loop"), at("pipe"), at("none"), folder, "/dev/zero"],
        read
      )

      assert.deepStrictEqual(found, [
        "read: 0123456789",
        "read: 0123456789",
        "it has 11 bytes, and at most 10 are read",
        "it is a link (ELOOP)",
        "it is no file but a FIFO",
        "there is no such file (ENOENT)",
        "it is a folder (EISDIR)",
        "it is no file but a CharacterDevice"
      ])
    }).pipe(Effect.provide(NodeServices.layer)))
})

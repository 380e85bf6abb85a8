import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import * as ConfigFile from "../../../src/layers/files/ConfigFile.ts"

const Config = Schema.Struct({ name: Schema.String, size: Schema.optionalKey(Schema.Int) })

const withFile = Effect.fnUntraced(function*(text: string) {
  const files = yield* FileSystem.FileSystem
  const path = `${yield* files.makeTempDirectoryScoped()}/config.json`
  yield* files.writeFileString(path, text)
  return path
})

describe("ConfigFile", () => {
  it.layer(NodeFileSystem.layer)((it) => {
    it.effect("loads a file and says which of its keys are unknown", () =>
      Effect.gen(function*() {
        const path = yield* withFile("{\"Name\": \"edge\", \"sise\": 3}")

        const { value, warnings } = yield* ConfigFile.load(Config, path)

        assert.deepStrictEqual(value, { name: "edge" })
        assert.deepStrictEqual(
          warnings.map((warning) => ConfigFile.formatWarning("config.json", warning)),
          ["config.json:1:18: unknown key sise is ignored; did you mean size?"]
        )
      }))

    it.effect("names file, place, key, value and expectation of every problem", () =>
      Effect.gen(function*() {
        const path = yield* withFile("{\"size\":\n \"big\"}")

        const error = yield* Effect.flip(ConfigFile.load(Config, path))

        assert.strictEqual(
          error.message,
          `${path}:1:1: name is missing, expected a value\n${path}:2:2: size is "big", expected number`
        )
      }))

    it.effect("gives line and column of a file that is not JSON", () =>
      Effect.gen(function*() {
        const path = yield* withFile("{\n  name: 1\n}")

        const error = yield* Effect.flip(ConfigFile.load(Config, path))

        assert.strictEqual(error.message, `${path}:2:3: not JSON: expected a key in double quotes`)
      }))

    it.effect("says that a file is missing or is a folder", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const folder = yield* files.makeTempDirectoryScoped()

        const missing = yield* Effect.flip(ConfigFile.load(Config, `${folder}/absent.json`))
        const directory = yield* Effect.flip(ConfigFile.load(Config, folder))

        assert.strictEqual(missing.message, `${folder}/absent.json: cannot be read: there is no such file (ENOENT)`)
        assert.strictEqual(directory.reason._tag, "Unreadable")
      }))
  })
})

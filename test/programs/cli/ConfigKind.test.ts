import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as ConfigKind from "../../../src/programs/cli/ConfigKind.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

describe("The kind of a configuration file", () => {
  const detected = (place: (file: string) => void) =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "some.json")
      place(file)
      return yield* Effect.match(ConfigKind.detect(file), {
        onFailure: ({ message }) => message.replace(file, "some.json"),
        onSuccess: (kind) => kind._tag === "Some" ? kind.value : "nobody's"
      })
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

  const ofText = (text: string | Uint8Array) => detected((file) => fs.writeFileSync(file, text))

  it.live("is told by its keys, whatever mark an editor has put before them", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* ofText("\uFEFF{\"agent_id\":\"a\"}"), "agent")
      assert.strictEqual(yield* ofText("{\r\n\t\"GRPC_ADDR\": null\r\n}"), "core")
      assert.strictEqual(yield* ofText("{\"listen_addr\":\":1\"}"), "nobody's")
    }))

  it.live("is nobody's where it is JSON but no object", () =>
    Effect.gen(function*() {
      for (const text of ["[]", "null", "5", "\"poller_id\""]) assert.strictEqual(yield* ofText(text), "nobody's")
    }))

  it.live("cannot be told of what is no JSON, and it says where that begins", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* ofText(""), "some.json:1:1: not JSON: expected a value")
      assert.strictEqual(
        yield* ofText("{\"agent_id\":\"a\",}"),
        "some.json:1:17: not JSON: expected a key in double quotes"
      )
      assert.strictEqual(yield* ofText("// mine\n{}"), "some.json:1:1: not JSON: expected a value")
    }))

  it.live("is not waited for at a pipe, nor looked for in a device without an end", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* detected((file) => execFileSync("mkfifo", [file])),
        "some.json: cannot be read: it is no file but a FIFO"
      )
      assert.strictEqual(
        yield* detected((file) => fs.symlinkSync("/dev/zero", file)),
        "some.json: cannot be read: it is no file but a CharacterDevice"
      )
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as ModuleContract from "../../../src/domain/plugins/ModuleContract.ts"

const manifest = (stateVersion?: number, migrate = false) => ({
  ...(stateVersion === undefined ? {} : { stateVersion }),
  functions: { migrate }
})

describe("The contract of all plugins", () => {
  it("keeps a state of the same version, migrates one of another, and begins anew where that cannot be done", () => {
    assert.strictEqual(ModuleContract.handOver(manifest(), manifest(1)), "keep")
    assert.strictEqual(ModuleContract.handOver(manifest(), manifest(2, true)), "migrate")
    assert.strictEqual(ModuleContract.handOver(manifest(2), manifest(3)), "begin")
  })

  it("knows plugins by the names of their files", () => {
    assert.deepStrictEqual(ModuleContract.nameOf("slow.check.mjs"), Option.some("slow.check"))
    assert.deepStrictEqual(ModuleContract.nameOf("a.js"), Option.some("a"))
    for (const name of [".hidden.mjs", "a.ts", "a.mjs.bak", "README.md", ".mjs"]) {
      assert.deepStrictEqual(ModuleContract.nameOf(name), Option.none(), name)
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as PluginContract from "../../../../src/domain/poller/plugins/PluginContract.ts"

const manifest = (extra: Partial<PluginContract.Manifest> = {}, migrate = false): PluginContract.Manifest => ({
  contract: 1,
  kind: "check",
  functions: { process: true, initial: false, migrate },
  ...extra
})

describe("The contract of plugins", () => {
  it("keeps a state of the same version, migrates one of another, and begins anew where that cannot be done", () => {
    assert.strictEqual(PluginContract.handOver(manifest(), manifest({ stateVersion: 1 })), "keep")
    assert.strictEqual(PluginContract.handOver(manifest(), manifest({ stateVersion: 2 }, true)), "migrate")
    assert.strictEqual(PluginContract.handOver(manifest({ stateVersion: 2 }), manifest({ stateVersion: 3 })), "begin")
  })

  it("has a plugin asked about its kind and its types of services only", () => {
    const icmp = manifest({ serviceTypes: ["icmp"] })
    assert.isTrue(PluginContract.isFor(icmp, "check", "icmp"))
    assert.isFalse(PluginContract.isFor(icmp, "check", "port"))
    assert.isFalse(PluginContract.isFor(icmp, "results", "icmp"))
    assert.isTrue(PluginContract.isFor(manifest(), "check", "anything"))
  })

  it("knows plugins by the names of their files", () => {
    assert.deepStrictEqual(PluginContract.nameOf("slow.check.mjs"), Option.some("slow.check"))
    assert.deepStrictEqual(PluginContract.nameOf("a.js"), Option.some("a"))
    for (const name of [".hidden.mjs", "a.ts", "a.mjs.bak", "README.md", ".mjs"]) {
      assert.deepStrictEqual(PluginContract.nameOf(name), Option.none(), name)
    }
  })

  it("takes no exports and no answer of another shape", () => {
    const isManifest = Schema.is(PluginContract.Manifest)
    const isAnswer = (value: unknown) => Result.isSuccess(Schema.decodeUnknownResult(PluginContract.Answer)(value))
    assert.isTrue(isManifest(manifest()))
    assert.isFalse(isManifest({ ...manifest(), contract: 2 }))
    assert.isFalse(isManifest({ ...manifest(), functions: { process: false, initial: true, migrate: true } }))
    assert.isTrue(isAnswer({}))
    assert.isTrue(isAnswer({ available: true, message: "x", state: [1, null, { a: "b" }] }))
    for (const wrong of [undefined, "x", { available: 1 }, { message: {} }, { state: "x".repeat(65_535) }]) {
      assert.isFalse(isAnswer(wrong))
    }
  })
})

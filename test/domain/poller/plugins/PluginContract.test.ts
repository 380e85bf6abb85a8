import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as PluginContract from "../../../../src/domain/poller/plugins/PluginContract.ts"

const manifest = (extra: Partial<PluginContract.Manifest> = {}, migrate = false): PluginContract.Manifest => ({
  contract: 1,
  kind: "check",
  functions: { process: true, initial: false, migrate },
  ...extra
})

describe("The contract of plugins", () => {
  it("has a plugin asked about its kind and its types of services only", () => {
    const icmp = manifest({ serviceTypes: ["icmp"] })
    assert.isTrue(PluginContract.isFor(icmp, "check", "icmp"))
    assert.isFalse(PluginContract.isFor(icmp, "check", "port"))
    assert.isFalse(PluginContract.isFor(icmp, "results", "icmp"))
    assert.isTrue(PluginContract.isFor(manifest(), "check", "anything"))
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

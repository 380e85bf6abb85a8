import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import * as SweepFile from "../../../../src/layers/agent/sweep/SweepFile.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const networksOf = (settings: Effect.Success<Effect.Success<ReturnType<typeof SweepFile.make>>>) =>
  Option.getOrUndefined(settings)?.networks

describe("SweepFile", () => {
  it.live("is read again when it is another, and one that cannot be used changes nothing", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = `${folder}/sweep/sweep.json`
      const read = yield* SweepFile.make(folder)

      const absent = yield* read
      fs.mkdirSync(`${folder}/sweep`)
      fs.writeFileSync(file, JSON.stringify({ networks: ["192.0.2.0/24"], icmp_settings: { rate_limit: 7 } }))
      const first = yield* read
      const again = yield* read
      fs.writeFileSync(file, "{\"networks\": [")
      const broken = yield* read
      fs.writeFileSync(file, JSON.stringify({ networks: ["198.51.100.0/24"], interval: "1m" }))
      const second = yield* read
      fs.rmSync(file)
      const gone = yield* read

      assert.deepStrictEqual(absent, Option.none())
      assert.deepStrictEqual(networksOf(first), ["192.0.2.0/24"])
      assert.strictEqual(Option.getOrUndefined(first)?.icmpRatePerSecond, 7)
      assert.strictEqual(again, first)
      assert.strictEqual(broken, first)
      assert.deepStrictEqual(networksOf(second), ["198.51.100.0/24"])
      assert.deepStrictEqual(gone, Option.none())
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})

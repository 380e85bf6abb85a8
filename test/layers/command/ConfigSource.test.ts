import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit } from "effect"
import * as ConfigSource from "../../../src/layers/command/ConfigSource.ts"

const checked = (env: Readonly<Record<string, string>>) =>
  Effect.exit(ConfigSource.check.pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))))

describe("ConfigSource", () => {
  it.effect.each<readonly [Readonly<Record<string, string>>, boolean]>([
    [{}, true],
    [{ CONFIG_SOURCE: "" }, true],
    [{ CONFIG_SOURCE: "FILE" }, true],
    [{ CONFIG_SOURCE: "kv" }, false],
    [{ CONFIG_SOURCE: "env" }, false]
  ])("takes %j for the file: %j", ([env, isFile]) =>
    Effect.gen(function*() {
      const exit = yield* checked(env)

      assert.strictEqual(Exit.isSuccess(exit), isFile)
    }))

  it.effect("says what to do", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        ConfigSource.check.pipe(
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { CONFIG_SOURCE: "kv" } })))
        )
      )

      assert.include(error.message, "unset CONFIG_SOURCE")
    }))
})

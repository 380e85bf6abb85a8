import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Result } from "effect"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import * as KvSource from "../../../src/layers/command/KvSource.ts"

const find = (env: Record<string, string>) =>
  Effect.result(
    KvSource.find.pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
  )

describe("KvSource", () => {
  it.effect("reads the variables of the packaged units", () =>
    Effect.gen(function*() {
      const kv = { CONFIG_SOURCE: "KV", KV_ADDRESS: "127.0.0.1:50057" }
      const files = { KV_CERT_FILE: "/c/poller.pem", KV_KEY_FILE: "/c/poller-key.pem", KV_CA_FILE: "/c/root.pem" }
      const plain = Result.getOrThrow(yield* find({ ...kv, KV_SEC_MODE: "none" }))
      const mtls = Result.getOrThrow(
        yield* find({ ...kv, ...files, KV_SEC_MODE: "mtls", KV_SERVER_NAME: "kv.example" })
      )

      assert.deepStrictEqual(plain, Option.some({ address: "127.0.0.1:50057", security: SecurityConfig.none }))
      const security = Option.getOrThrow(mtls).security
      assert.deepInclude(security, { _tag: "Mtls", certFile: "/c/poller.pem", serverName: Option.some("kv.example") })
    }))

  it.effect("is none where the file alone counts, and names the variable that is missing or wrong", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        Result.getOrThrow(yield* find({ CONFIG_SOURCE: "file", KV_ADDRESS: "x:1" })),
        Option.none()
      )
      const wrong: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [{ CONFIG_SOURCE: "kv" }, "KV_ADDRESS"],
        [{ CONFIG_SOURCE: "kv", KV_ADDRESS: "x:1" }, "KV_SEC_MODE"],
        [{ CONFIG_SOURCE: "kv", KV_ADDRESS: "x:1", KV_SEC_MODE: "mtls" }, "KV_CERT_FILE"],
        [{ CONFIG_SOURCE: "kv", KV_ADDRESS: "x:1", KV_DRIVER: "nats" }, "KV_DRIVER"],
        [{ CONFIG_SOURCE: "env" }, "CONFIG_SOURCE"]
      ]
      for (const [env, variable] of wrong) {
        const failure = Option.getOrThrow(Result.getFailure(yield* find(env)))
        assert.include(failure.message, variable)
      }
    }))
})

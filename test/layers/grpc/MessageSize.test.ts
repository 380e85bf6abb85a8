import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Logger, Option } from "effect"
import * as MessageSize from "../../../src/layers/grpc/MessageSize.ts"

const parsed = (...texts: ReadonlyArray<string>) => texts.map((text) => Option.getOrUndefined(MessageSize.parse(text)))

const limits = (environment: Record<string, string>, warnings: Array<string>) =>
  MessageSize.fromEnvironment.pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provide(Logger.layer([Logger.make(({ message }) => {
      warnings.push(String(message))
    })]))
  )

describe("MessageSize", () => {
  it("reads bytes and steps of 1024, in any case", () => {
    assert.deepStrictEqual(parsed("4194304", "64K", "64kb", "8M", " 8 mb ", "1G", "1gB"), [
      4_194_304,
      65_536,
      65_536,
      8_388_608,
      8_388_608,
      1_073_741_824,
      1_073_741_824
    ])
  })

  it("refuses what is no size or more than a message can be", () => {
    const refused = parsed("", "0", "-1", "1.5M", "8T", "MB", "8 M B", "2G", "9".repeat(30))

    assert.deepStrictEqual(refused, refused.map(() => undefined))
  })

  it.effect("is 4 MiB both ways when the environment says nothing", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []

      const given = yield* limits({}, warnings)

      assert.deepStrictEqual(given, { maxReceiveBytes: 4_194_304, maxSendBytes: 4_194_304 })
      assert.deepStrictEqual(warnings, [])
    }))

  it.effect("takes what the environment says, and warns about what it cannot read", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []

      const given = yield* limits({ GRPC_MAX_RECV_MSG_SIZE: "16MB", GRPC_MAX_SEND_MSG_SIZE: "lots" }, warnings)

      assert.deepStrictEqual(given, { maxReceiveBytes: 16_777_216, maxSendBytes: 4_194_304 })
      assert.deepStrictEqual(warnings, [
        "GRPC_MAX_SEND_MSG_SIZE=lots is not a size such as 8M or 4194304; keeping 4194304 bytes"
      ])
    }))
})

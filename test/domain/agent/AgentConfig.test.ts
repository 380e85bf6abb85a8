import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"

describe("AgentConfig", () => {
  it("listens on every address of the default port unless told", () =>
    assert.deepStrictEqual(AgentConfig.fromFile({}).listen, { host: "", port: 50051 }))

  it("leaves out a checker file without name or type", () =>
    assert.deepStrictEqual(AgentConfig.checkerFromFile({ name: "rperf" }), Option.none()))

  it("sends a check without details to its checker file's address, a grpc one without address to its listen_addr", () => {
    const checkers = Option.toArray(AgentConfig.checkerFromFile({ name: "x", type: "grpc", listen_addr: "h:50081" }))
    const config = { ...AgentConfig.fromFile({}), checkers }

    assert.deepStrictEqual(
      AgentConfig.dialTarget(config, "x", ""),
      Result.succeed({ host: "h", port: 50081, address: "h:50081" })
    )
    assert.isTrue(Result.isFailure(AgentConfig.dialTarget(config, "y", "")))
  })
})

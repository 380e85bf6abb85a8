import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { HostNetwork } from "../../../src/services/monitoring/HostNetwork.ts"
import { HostIdentity, type Options } from "../../../src/services/poller/HostIdentity.ts"
import { agent } from "./statuses.ts"

const names: ReadonlyMap<string, string> = new Map([["poller.example", "192.0.2.5"], ["agent.example", "192.0.2.6"]])

const identity = (options: Partial<Options> = {}, own: ReadonlyArray<string> = ["198.51.100.1"]) =>
  HostIdentity.layer({ sourceIps: [], agentIp: () => Effect.succeedNone, ...options }).pipe(
    Layer.provide(Layer.succeed(HostNetwork, {
      resolve: (name) => Effect.succeed(Option.fromNullishOr(names.get(name))),
      addresses: Effect.succeed(own)
    }))
  )

const sourceIp = (sourceIps: ReadonlyArray<string>, own?: ReadonlyArray<string>) =>
  HostIdentity.use((one) => one.sourceIp).pipe(Effect.provide(identity({ sourceIps }, own)))

const agentHost = (name: string, address: string, options?: Partial<Options>) =>
  HostIdentity.use((one) => one.agentHost(agent(name, address, []))).pipe(Effect.provide(identity(options)))

describe("HostIdentity", () => {
  it.effect("takes the first candidate that is or has an address", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* sourceIp(["auto", "unknown.example", "poller.example:50053"]), "192.0.2.5")
      assert.strictEqual(yield* sourceIp(["203.0.113.9", "poller.example"]), "203.0.113.9")
    }))

  it.effect("falls back to an address of this machine, and to nothing without one", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* sourceIp(["auto", "localhost", ""]), "198.51.100.1")
      assert.strictEqual(yield* sourceIp([], []), "")
    }))

  it.effect("finds an agent by what the operator says, its address, its name, or as the poller itself", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* agentHost("a", "agent.example:50051", { agentIp: () => Effect.succeedSome("203.0.113.1") }),
        { ip: Option.some("203.0.113.1"), name: "203.0.113.1" }
      )
      assert.deepStrictEqual(yield* agentHost("a", "agent.example:50051"), {
        ip: Option.some("192.0.2.6"),
        name: "agent.example"
      })
      assert.deepStrictEqual(yield* agentHost("a", ":50051"), { ip: Option.some("198.51.100.1"), name: "a" })
    }))
})

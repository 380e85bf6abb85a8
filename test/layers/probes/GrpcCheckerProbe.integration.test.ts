import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { anyPeer, none, type SecurityConfig } from "../../../src/domain/security/SecurityConfig.ts"
import type { StatusRequest, StatusResponse } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import { secured } from "../../support/secured.ts"
import { agentService, rawServer, serveOn, statusResponse } from "../grpc/fixture.ts"
import { certificate, probe } from "./probing.ts"

/** An external checker that answers every question the same and remembers what it was asked. */
const checker = (answer: StatusResponse, security: SecurityConfig = none) =>
  Effect.gen(function*() {
    const asked: Array<StatusRequest> = []
    const credentials = yield* GrpcCredentials.server(security, "127.0.0.1")
    const { port } = yield* serveOn(
      0,
      { credentials, maxSendBytes: 16 * 1024 * 1024 },
      agentService({
        getStatus: (request) => {
          asked.push(request)
          return Effect.succeed(answer)
        }
      })
    )
    return { asked, port }
  }).pipe(Effect.provide(secured))

const mtls = (name: string): SecurityConfig => ({
  _tag: "Mtls",
  certFile: certificate(`${name}.pem`),
  keyFile: certificate(`${name}-key.pem`),
  caFile: certificate("root.pem"),
  clientCaFile: certificate("root.pem"),
  serverName: Option.none(),
  peers: anyPeer
})

const configured = (address: string, own: SecurityConfig, ofAgent = none): AgentConfig.AgentConfig => ({
  ...AgentConfig.fromFile({}),
  security: ofAgent,
  checkers: [{ name: "sysmon", type: "grpc", details: undefined, address, security: own }]
})

describe("GrpcCheckerProbe", () => {
  it.live("asks rperf-checker once, without a name, and passes its answer on as it is", () =>
    Effect.gen(function*() {
      const message = "{\"available\":true,\"response_time\":5,\"status\":{\"results\":[]}}"
      const { asked, port } = yield* checker({ ...statusResponse("rperf", message), responseTime: 77n })

      const result = yield* probe("grpc", `127.0.0.1:${port}`, { serviceName: "rperf-checker" })

      assert.deepInclude(result, { available: true, message, responseTimeNanos: 77n })
      assert.deepStrictEqual(asked, [
        { serviceName: "", serviceType: "grpc", agentId: "agent-1", pollerId: "", details: "", port: 0 }
      ])
    }).pipe(Effect.scoped))

  it.live("asks sysmon twice, and passes on that it is not available", () =>
    Effect.gen(function*() {
      const well = yield* checker(statusResponse("sysmon", "{\"cpu\":1}"))
      const ill = yield* checker({ ...statusResponse("sysmon", "{}"), available: false })

      const result = yield* probe("grpc", `127.0.0.1:${well.port}`, { serviceName: "sysmon-vm" })
      const unhealthy = yield* probe("grpc", `127.0.0.1:${ill.port}`, { serviceName: "sysmon" })

      assert.deepStrictEqual(result.document, { cpu: 1 })
      assert.deepStrictEqual(well.asked.map((request) => request.serviceName), ["sysmon-vm", "sysmon-vm"])
      assert.deepStrictEqual(unhealthy.document, { error: "Service reported unhealthy" })
    }).pipe(Effect.scoped))

  it.live("makes an object of null, texts and numbers, which nobody can read a field of", () =>
    Effect.gen(function*() {
      const messages = yield* Effect.forEach(["null", "\"x\"", "42", "{\"a\":null}"], (message) =>
        Effect.gen(function*() {
          const { port } = yield* checker(statusResponse("sysmon", message))
          return (yield* probe("grpc", `127.0.0.1:${port}`, { serviceName: "sysmon" })).message
        }))

      assert.deepStrictEqual(messages, [
        "{\"message\":null}",
        "{\"message\":\"x\"}",
        "{\"message\":42}",
        "{\"a\":null}"
      ])
    }).pipe(Effect.scoped))

  it.live("speaks mTLS as the checker's file says, or else as the agent's own security", () =>
    Effect.gen(function*() {
      const { port } = yield* checker(statusResponse("sysmon", "{\"cpu\":1}"), mtls("agent"))
      const address = `localhost:${port}`
      const ask = (config: AgentConfig.AgentConfig, details = "") =>
        probe("grpc", details, { serviceName: "sysmon", config })

      const byFile = yield* ask(configured(address, mtls("poller")))
      const byAgent = yield* ask({ ...configured(address, none, mtls("poller")), checkers: [] }, address)
      const plain = yield* ask(configured(address, none, mtls("poller")))
      const stranger = yield* ask(configured(address, mtls("stranger")))

      assert.deepStrictEqual([byFile, byAgent, plain, stranger].map((one) => one.available), [true, true, false, false])
      assert.include(plain.message, "Health check failed")
      assert.include(stranger.message, "stranger.pem: does not chain")
    }).pipe(Effect.scoped))

  it.live("says what is wrong with certificates that cannot be read", () =>
    Effect.gen(function*() {
      const result = yield* probe("grpc", "", {
        serviceName: "sysmon",
        config: configured("127.0.0.1:1", mtls("nobody"))
      })

      assert.include(result.message, "Failed to connect")
      assert.include(result.message, "nobody")
    }))

  it.live("refuses an answer of 5 MiB, of no JSON, or of bytes that are no gRPC", () =>
    Effect.gen(function*() {
      const huge = yield* checker(statusResponse("sysmon", JSON.stringify("x".repeat(5 * 1024 * 1024))))
      const text = yield* checker(statusResponse("sysmon", "not json \0"))
      const garbage = yield* rawServer((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"))

      const outcomes = yield* Effect.forEach([huge.port, text.port, garbage.port], (port) =>
        probe("grpc", `127.0.0.1:${port}`, { serviceName: "sysmon" }))

      assert.deepStrictEqual(
        outcomes.map((one) =>
          one.available
        ),
        [false, false, false]
      )
      assert.match(outcomes[0]?.message ?? "", /larger than max/)
      assert.deepStrictEqual(outcomes[1]?.document, { error: "Failed to get status: the checker answered no JSON" })
      assert.include(outcomes[2]?.message, "Health check failed")
    }).pipe(Effect.scoped))
})

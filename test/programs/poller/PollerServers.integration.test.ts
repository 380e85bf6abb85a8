import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Option, References, Schedule } from "effect"
import type { ListenAddress } from "../../../src/domain/config/ListenAddress.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import * as FreePort from "../../../src/layers/process/endpoint/FreePort.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as FakeAgent from "../../fixtures/FakeAgent.ts"
import * as FakeCore from "../../fixtures/FakeCore.ts"
import { config } from "../../fixtures/fleet.ts"
import { agent, check } from "../../services/poller/statuses.ts"

const host = "127.0.0.1"

const listening = (listenAddress: ListenAddress, coreAddress: string) => ({
  ...config([agent("a", "127.0.0.1:1", [check("ssh")])], { pollInterval: "1 minute", coreAddress }),
  listenAddress: Option.some(listenAddress)
})

const environment = Layer.merge(NodeFileSystem.layer, SupervisionTree.layer)

const whenUp = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("5 seconds"))

describe("A poller's own servers", () => {
  it.live("serve its health under service_name, and the live tree over HTTP", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve()
      const port = yield* FreePort.next(host, 0)
      const httpPort = yield* FreePort.next(host, 0)
      yield* Effect.forkScoped(
        PollerProgram.run(listening({ host, port }, core.address), { http: { host, port: httpPort } })
      )
      const channel = yield* GrpcChannel.make({ target: `${host}:${port}` })
      const serving = yield* whenUp(GrpcHealth.client(channel).check("PollerService"))
      const tree = yield* whenUp(
        Effect.tryPromise(() => fetch(`http://${host}:${httpPort}/api/tree`).then((response) => response.text()))
      )

      assert.strictEqual(serving, "SERVING")
      for (const id of ["CoreReporter", "AgentSupervisor/a/ConnectionManager", "ManagementServer"]) {
        assert.include(tree, `"Poller/${id}"`)
      }
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "Error"),
      Effect.scoped,
      Effect.provide(environment)
    ))

  it.live("say over HTTP that nothing answers, and that all is well once core and an agent do", () =>
    Effect.gen(function*() {
      const freePort = FreePort.next(host, 0)
      const [corePort, agentPort, httpPort] = [yield* freePort, yield* freePort, yield* freePort]
      const poller = config([agent("a", `${host}:${agentPort}`, [check("ssh")])], {
        pollInterval: "1 second",
        coreAddress: `${host}:${corePort}`
      })
      yield* Effect.forkScoped(PollerProgram.run(poller, { http: { host, port: httpPort } }))
      const readiness = (...expected: ReadonlyArray<string>) =>
        whenUp(
          Effect.tryPromise(() => fetch(`http://${host}:${httpPort}/health/ready`)).pipe(
            Effect.flatMap((response) => Effect.tryPromise(() => response.text())),
            Effect.filterOrFail((text) => expected.every((part) => text.includes(part)))
          )
        )
      yield* readiness("not ready", "none of the 1 agents answers", "CoreAway")
      yield* FakeCore.serve({ port: corePort })
      yield* FakeAgent.serve({ port: agentPort })
      const ready = yield* readiness("\"status\":\"ready\"")

      assert.deepStrictEqual(JSON.parse(ready), {
        status: "ready",
        checks: [
          { name: "supervision tree", ready: true },
          { name: "core", ready: true },
          { name: "agents", ready: true }
        ]
      })
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.scoped,
      Effect.provide(environment)
    ))

  it.live("end the poller with the address when the port is busy", () =>
    Effect.gen(function*() {
      const busy = Number((yield* FakeAgent.hang).split(":")[1])
      const error = yield* Effect.flip(PollerProgram.run(listening({ host, port: busy }, "127.0.0.1:1")))
      const cause = error._tag === "SupervisorShutdown" ? Cause.findErrorOption(error.failure) : Option.none()

      const failure = Option.getOrThrow(cause)
      assert.deepStrictEqual(
        failure._tag === "BindError" ? failure.address : failure._tag,
        `${host}:${busy}`
      )
    }).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.scoped,
      Effect.provide(environment)
    ))
})

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

  it.live("tell how many agents answer, why others do not, how they are reached, and how long polls take", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve()
      const freePort = FreePort.next(host, 0)
      const [port, httpPort, goneBefore] = [yield* freePort, yield* freePort, yield* freePort]
      const agents = [
        agent("there", yield* FakeAgent.serve(), [check("ssh")]),
        agent("gone", `${host}:${goneBefore}`, [check("ssh")])
      ]
      const poller = {
        ...config(agents, { pollInterval: "1 second", coreAddress: core.address }),
        listenAddress: Option.some({ host, port })
      }
      yield* Effect.forkScoped(PollerProgram.run(poller, { http: { host, port: httpPort } }))
      const text = (path: string) =>
        Effect.tryPromise(() => fetch(`http://${host}:${httpPort}${path}`).then((response) => response.text()))
      const agentsHealth = yield* whenUp(
        Effect.filterOrFail(text("/health/agents"), (body) => body.includes("\"absent\":1"))
      )
      const absent = JSON.parse(yield* text("/api/agents?state=absent"))
      const security = JSON.parse(yield* text("/health/security"))
      const health = GrpcHealth.client(yield* GrpcChannel.make({ target: `${host}:${port}` }))
      const ready = yield* whenUp(
        Effect.filterOrFail(health.check("serviceradar.ready"), (status) => status !== "UNKNOWN")
      )
      const metrics = yield* whenUp(
        Effect.filterOrFail(text("/metrics"), (body) => body.includes("poller_agents{state=\"absent\"} 1"))
      )

      assert.deepStrictEqual(JSON.parse(agentsHealth), { status: "degraded", total: 2, present: 1, absent: 1 })
      assert.deepInclude(absent.agents[0], { agent_id: "gone", class: "plain", checks: 1, state: "absent" })
      assert.match(absent.agents[0].reason, /Unreachable/)
      assert.deepStrictEqual(security.agents, { plain: 2, mtls: 0, spiffe: 0 })
      assert.strictEqual(security.status, "healthy")
      assert.strictEqual(ready, "SERVING")
      assert.match(metrics, /poll_duration_seconds_count\{agent_class="plain"\} [1-9]/)
      assert.match(metrics, /poll_lateness_seconds_count [1-9]/)
      assert.match(metrics, /status_acknowledged_seconds_count [1-9]/)
      assert.match(metrics, /polls_in_flight \d/)
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

import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Schedule, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as CoreConfig from "../../../src/domain/core/CoreConfig.ts"
import type { TreeNode } from "../../../src/domain/supervision/TreeNode.ts"
import { PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import type { BindError } from "../../../src/layers/grpc/GrpcServer.ts"
import type { DatabaseSchemaError } from "../../../src/layers/postgres/connection/PgConnection.ts"
import type { PostgresStartError } from "../../../src/layers/postgres/server/PostgresError.ts"
import * as FreePort from "../../../src/layers/process/endpoint/FreePort.ts"
import type { CredentialsError } from "../../../src/layers/security/GrpcCredentials.ts"
import type { SecurityError } from "../../../src/layers/security/SecurityLayer.ts"
import * as CoreProgram from "../../../src/programs/core/CoreProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import type { SupervisorShutdown } from "../../../src/services/supervision/SupervisorError.ts"
import { wireReport, wireStatus } from "../../support/coreProcess.ts"
import { get } from "../../support/http.ts"
import { secured } from "../../support/secured.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ until: holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("15 seconds")
  )

const loopback = (port: number) => Option.some({ host: "127.0.0.1", port })

const startCore = Effect.gen(function*() {
  const home = path.join(yield* temporaryFolder, "pg")
  const grpc = yield* FreePort.next("127.0.0.1", 0)
  const http = yield* FreePort.next("127.0.0.1", 0)
  const config = CoreConfig.fromFile({
    listen_addr: loopback(http),
    grpc_addr: loopback(grpc),
    data_dir: home
  })
  yield* Effect.forkScoped(CoreProgram.run(config, { postgres: { port: 0, durable: false } }))
  const address = `127.0.0.1:${http}`
  const answer = (at: string) => Effect.catchDefect(get(address, at), () => Effect.succeed({ status: 0, body: "" }))
  yield* until(answer("/health/ready"), ({ status }) => status === 200)
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${grpc}` })
  const report = (serviceName: string) => poller.reportStatus(wireReport(1_700_000_000n, [wireStatus({ serviceName })]))
  return { answer, home, report }
})

const postmaster = (home: string) =>
  Effect.promise(() => fs.readFile(path.join(home, "data", "postmaster.pid"), "utf8")).pipe(
    Effect.map((text) => Number(text.split("\n")[0]))
  )

const live = Layer.mergeAll(SupervisionTree.layer, secured)

describe("CoreProgram", () => {
  it.live("takes reports and shows state and tree, with a PostgreSQL of its own", () =>
    Effect.gen(function*() {
      const core = yield* startCore

      const received = yield* core.report("ssh")
      const services = yield* core.answer("/api/services?agent=agent-1&limit=5")
      const tree = yield* core.answer("/api/tree")
      const refused = yield* core.answer("/api/services?limit=0")

      assert.deepStrictEqual(received, { received: true })
      assert.nestedPropertyVal(services.body, "services[0].serviceName", "ssh")
      assert.nestedPropertyVal(services.body, "services[0].reportedAt", "2023-11-14T22:13:20.000Z")
      assert.nestedPropertyVal(tree.body, "tree[0].children[10].id", "ManagementServer")
      assert.strictEqual(refused.status, 400)
      assert.nestedPropertyVal(refused.body, "errors[0].parameter", "limit")
    }).pipe(Effect.provide(live)))

  it.live(
    "heals within five seconds when its PostgreSQL is killed, and nothing else is restarted",
    () =>
      Effect.gen(function*() {
        const core = yield* startCore
        yield* core.report("before")
        const killed = yield* postmaster(core.home)

        yield* Effect.sync(() => process.kill(killed, "SIGKILL"))
        const killedAt = yield* Clock.currentTimeMillis
        const error = yield* core.report("during").pipe(
          Effect.repeat(Schedule.spaced("1 millis")),
          Effect.flip,
          Effect.timeout("5 seconds")
        )
        yield* core.report("after").pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("5 seconds"))
        const outageMillis = (yield* Clock.currentTimeMillis) - killedAt
        const services = yield* core.answer("/api/services?name=before")
        const [root] = yield* SupervisionTree.use((tree) => tree.snapshot)

        assert.strictEqual(error._tag, "Unavailable")
        assert.isBelow(outageMillis, 5_000)
        assert.nestedPropertyVal(services.body, "services[0].serviceName", "before")
        assert.deepStrictEqual(
          root?.children.map(({ id, restartsTotal }: TreeNode) => [id, restartsTotal]),
          [
            ["SecurityManager", 0],
            ["SecurityMonitor", 0],
            ["PostgreSQL", 1],
            ["Database", 0],
            ["Retention", 0],
            [
              "GrpcServer",
              0
            ],
            ["DeviceDiscovery", 0],
            ["PollerWatch", 0],
            ["Webhooks", 0],
            ["Accounts", 0],
            ["ManagementServer", 0]
          ]
        )
      }).pipe(Effect.provide(live)),
    { retry: 2 }
  )

  it.live("is live but not ready while its database is away, and says so", () =>
    Effect.gen(function*() {
      const http = yield* FreePort.next("127.0.0.1", 0)
      const grpc = yield* FreePort.next("127.0.0.1", 0)
      const nobody = yield* FreePort.next("127.0.0.1", 0)
      const config = CoreConfig.fromFile({
        listen_addr: loopback(http),
        grpc_addr: loopback(grpc),
        database_url: `postgresql://nobody@127.0.0.1:${nobody}/none`
      })
      yield* Effect.forkScoped(CoreProgram.run(config))
      const answer = (at: string) =>
        Effect.catchDefect(get(`127.0.0.1:${http}`, at), () => Effect.succeed({ status: 0, body: "" }))

      yield* until(answer("/health/live"), ({ status }) => status === 200)
      const ready = yield* until(answer("/health/ready"), ({ body }) => JSON.stringify(body).includes("ECONNREFUSED"))
      const services = yield* answer("/api/services")

      assert.deepStrictEqual(ready, {
        status: 503,
        body: {
          status: "not ready",
          checks: [{ name: "supervision tree", ready: true }, {
            name: "database",
            ready: false,
            reason: `The database is not available: connect ECONNREFUSED 127.0.0.1:${nobody}`
          }]
        }
      })
      assert.strictEqual(services.status, 503)
    }).pipe(Effect.provide(live)))

  it("names in its type whatever can end it", () => {
    type Failure = Effect.Error<ReturnType<typeof CoreProgram.run>>
    type Ending = Extract<Failure, { readonly _tag: "SupervisorShutdown" }> extends SupervisorShutdown<infer E> ? E
      : never

    expectTypeOf<Failure["_tag"]>().toEqualTypeOf<"SupervisorShutdown" | "CredentialsError" | SecurityError["_tag"]>()
    expectTypeOf<Ending>().toEqualTypeOf<BindError | CredentialsError | DatabaseSchemaError | PostgresStartError>()
  })

  it("serves HTTP where its file says, on all interfaces when the address names no host", () => {
    const config = CoreConfig.fromFile(
      Schema.decodeUnknownSync(CoreConfig.CoreConfigFile)({ listen_addr: ":8090", grpc_addr: ":50052" })
    )

    assert.deepStrictEqual(config.http, Option.some({ host: "", port: 8090 }))
    assert.deepStrictEqual(config.grpc, { host: "", port: 50_052 })
  })
})

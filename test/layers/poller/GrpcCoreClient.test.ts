import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, Option, References } from "effect"
import * as ReportBatch from "../../../src/domain/monitoring/reports/ReportBatch.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import * as GrpcCoreClient from "../../../src/layers/poller/GrpcCoreClient.ts"
import { CoreClient, type ReportHeader } from "../../../src/services/poller/CoreClient.ts"
import * as ReportDelivery from "../../../src/services/poller/ReportDelivery.ts"
import * as FakeAgent from "../../fixtures/FakeAgent.ts"
import * as FakeCore from "../../fixtures/FakeCore.ts"
import { poller, status } from "../../services/poller/statuses.ts"
import { secured } from "../../support/secured.ts"

const header: ReportHeader = {
  pollerId: poller.pollerId,
  partition: poller.partition,
  reportId: "",
  sourceIp: "192.0.2.1",
  timestampSeconds: 1_700_000_000n,
  interval: Duration.seconds(30)
}

const withClient = <A, E>(address: string, test: (client: CoreClient["Service"]) => Effect.Effect<A, E>) =>
  CoreClient.use(test).pipe(
    Effect.provide(
      GrpcCoreClient.layer({ address, security: SecurityConfig.none }).pipe(
        Layer.provide(secured),
        Layer.orDie
      )
    )
  )

describe("GrpcCoreClient", () => {
  it.live("reports statuses and waits until core has them", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve()
      yield* withClient(core.address, (client) => client.report(header, [status("ssh"), status("http")]))

      const [report] = core.received
      assert.deepStrictEqual(
        [report?.pollerId, report?.sourceIp, report?.timestamp, report?.services.map((one) => one.serviceName)],
        ["poller-1", "192.0.2.1", 1_700_000_000n, ["ssh", "http"]]
      )
    }))

  it.live("streams a message of 7 MiB in slices that core can put together", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve()
      const message = new Uint8Array(7 * 1_048_576).map((_, index) => index % 251)
      const large = { ...status("sync"), message }
      yield* withClient(core.address, (client) => client.stream(header, ReportBatch.chunks([status("ssh"), large])))

      const [report] = core.received
      const slices = (report?.services ?? []).filter((one) => one.serviceName === "sync").map((one) => one.message)
      assert.deepStrictEqual(report?.chunks.map((one) => [one.chunkIndex, one.totalChunks, one.isFinal]), [
        [0, 4, false],
        [1, 4, false],
        [2, 4, false],
        [3, 4, true]
      ])
      assert.isTrue(Buffer.concat(slices).equals(message))
    }))

  it.live("brings everything to a core that takes messages of 256 KiB", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve({ maxReceiveBytes: 262_144, takesParts: true })
      const sizes = [90_000, 90_000, 90_000, 90_000, 600_000, 90_000]
      const reports = sizes.map((bytes, index) => ({ status: status(`s${index}`, { bytes }) }))
      const [refused, delivered] = yield* withClient(core.address, (client) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(client.report(header, reports.map((one) => one.status)))
          const delivery = yield* ReportDelivery.make(Effect.succeed(0))
          return [error, yield* delivery.deliverParts(reports, header)] as const
        }).pipe(Effect.provideService(CoreClient, client))).pipe(
          Effect.provideService(Metric.MetricRegistry, new Map()),
          Effect.provideService(References.MinimumLogLevel, "None")
        )

      assert.deepStrictEqual(
        refused.reason._tag === "ReportTooLarge" ? refused.reason.bytesMax : refused.reason._tag,
        Option.some(262_144)
      )
      assert.deepStrictEqual(delivered._tag === "Settled" ? [...delivered.refused] : delivered._tag, [])
      const services = core.received.flatMap((one) => one.services)
      assert.deepStrictEqual(
        sizes.map((_, index) =>
          services.reduce((sum, one) => sum + (one.serviceName === `s${index}` ? one.message.length : 0), 0)
        ),
        sizes
      )
      assert.deepStrictEqual(
        [...new Set(services.filter(({ serviceName }) => serviceName === "s4").map(({ source }) => source))],
        [""]
      )
    }))

  it.live("fails as away when nobody is there, and as failed when core does not take the report", () =>
    Effect.gen(function*() {
      const nobody = yield* FakeAgent.refusing
      const away = yield* Effect.flip(withClient(nobody, (client) => client.report(header, [])))
      const core = yield* FakeCore.serve({ isTaking: () => false })
      const failed = yield* Effect.flip(withClient(core.address, (client) => client.report(header, [])))

      assert.deepStrictEqual([away.reason._tag, failed.reason._tag], ["CoreAway", "CoreFailed"])
    }))

  it.live("goes to another core once it is another one, counts the connection as lost, and comes back", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* FakeCore.serve(), yield* FakeCore.serve()]
      let address = one.address
      const wanted = Effect.sync(() => ({ address, security: SecurityConfig.none }))
      yield* CoreClient.use((client) =>
        Effect.gen(function*() {
          yield* client.report(header, [status("a")])
          const before = yield* client.losses
          address = other.address
          yield* client.report(header, [status("b")])
          const between = yield* client.losses
          address = one.address
          yield* client.report(header, [status("c")])

          assert.deepStrictEqual([before, between, yield* client.losses], [0, 1, 2])
        })
      ).pipe(Effect.provide(Layer.orDie(Layer.provide(GrpcCoreClient.layerFollowing(wanted), secured))))

      const names = ({ received }: typeof one) =>
        received.map(({ services }) => services.map(({ serviceName }) => serviceName))
      assert.deepStrictEqual([names(one), names(other)], [[["a"], ["c"]], [["b"]]])
    }))

  it.live("says of a core whose certificates cannot be used that it is away, and goes on once they can", () =>
    Effect.gen(function*() {
      const core = yield* FakeCore.serve()
      const missing = { cert_file: "/nowhere/a.pem", key_file: "/nowhere/a.key", ca_file: "/nowhere/ca.pem" }
      let security: SecurityConfig.SecurityConfig = SecurityConfig.none
      const wanted = Effect.sync(() => ({ address: core.address, security }))
      yield* CoreClient.use((client) =>
        Effect.gen(function*() {
          yield* client.report(header, [status("a")])
          security = SecurityConfig.fromBlock({ mode: "mtls", role: "poller", tls: missing })
          const error = yield* Effect.flip(client.report(header, [status("b")]))
          security = SecurityConfig.none
          yield* client.report(header, [status("c")])

          assert.strictEqual(error.reason._tag, "CoreAway")
          assert.include(error.message, "/nowhere/")
        })
      ).pipe(Effect.provide(Layer.orDie(Layer.provide(GrpcCoreClient.layerFollowing(wanted), secured))))

      assert.strictEqual(core.received.length, 2)
    }))
})

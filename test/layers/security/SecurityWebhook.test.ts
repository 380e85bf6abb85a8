/** Critical events are told to a webhook that is away at first; recording waits for nobody. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Queue, References, Result } from "effect"
import * as http from "node:http"
import * as SecurityEvent from "../../../src/domain/security/SecurityEvent.ts"
import * as SecurityWebhook from "../../../src/layers/security/SecurityWebhook.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"

const monitorWith = (address: string) =>
  SecurityMonitor.layer.pipe(
    Layer.provide(SecurityWebhook.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ [SecurityWebhook.variable]: address })))
  )

/** Fails the first posts; answers what was posted, and where. */
const hook = (failures: number) =>
  Effect.gen(function*() {
    const posts = yield* Queue.unbounded<{ readonly status: number; readonly body: string }>()
    let count = 0
    const server = yield* Effect.acquireRelease(
      Effect.callback<http.Server>((resume) => {
        const made = http.createServer((incoming, response) => {
          let body = ""
          incoming.on("data", (part) => void (body += String(part)))
          incoming.on("end", () => {
            count += 1
            const status = count <= failures ? 503 : 204
            response.writeHead(status).end()
            Queue.offerUnsafe(posts, { status, body })
          })
        })
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
      }),
      (made) =>
        Effect.sync(() => {
          made.closeAllConnections()
          made.close()
        })
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return { posts, address: `http://127.0.0.1:${port}/hook?token=secret` }
  })

describe("SecurityWebhook", () => {
  it.live("posts a critical event again until it is taken, and no other events", () =>
    Effect.gen(function*() {
      const { address, posts } = yield* hook(2)
      yield* Effect.gen(function*() {
        const monitor = yield* SecurityMonitor
        yield* Effect.forkScoped(monitor.keep)
        yield* monitor.record(SecurityEvent.CertificateRotated.make({ commonName: "a", serialNumber: "1" }))
        yield* monitor.record(
          SecurityEvent.SignatureInvalid.make({ sender: "poller.serviceradar", error: "Replayed", reason: "twice" })
        )
        const got = yield* Effect.timeout(
          Effect.forEach([1, 2, 3], () => Queue.take(posts)),
          "15 seconds"
        )
        assert.deepStrictEqual(got.map(({ status }) => status), [503, 503, 204])
        const body: unknown = JSON.parse(got[2]?.body ?? "")
        assert.containSubset(body, {
          security_event: "message_signature_invalid",
          critical: true,
          sender: "poller.serviceradar",
          error: "Replayed",
          reason: "twice"
        })
      }).pipe(Effect.provide(monitorWith(address)))
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("refuses an address that is none, and does not repeat it", () =>
    Effect.gen(function*() {
      const found = yield* Effect.result(Effect.scoped(Layer.build(monitorWith("secret-without-scheme"))))
      assert.isTrue(Result.isFailure(found))
      if (Result.isFailure(found)) assert.notInclude(found.failure.message, "secret")
    }))
})

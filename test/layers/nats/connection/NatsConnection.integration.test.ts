import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Logger, Option, Redacted, Schedule, Stream } from "effect"
import {
  NatsConnection,
  type NatsConnectionOptions,
  type NatsStatus
} from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { NatsEndpoint } from "../../../../src/layers/nats/connection/NatsEndpoint.ts"
import * as FreePort from "../../../../src/layers/process/endpoint/FreePort.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import { secured } from "../../../support/secured.ts"

const layers = (url: Option.Option<string>, lines: Array<string>, options: NatsConnectionOptions = {}) =>
  NatsConnection.layer(options).pipe(
    Layer.provideMerge(NatsEndpoint.layer(Option.map(url, (text) => Redacted.make(text)))),
    Layer.provide(secured),
    Layer.provideMerge(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]))
  )

const keep = Effect.flatMap(NatsConnection, (connection) => Effect.forkScoped(connection.keep))

const statuses = (until: NatsStatus["_tag"]) =>
  Effect.flatMap(NatsConnection, (connection) =>
    connection.changes.pipe(
      Stream.takeUntil((status) => status._tag === until),
      Stream.runCollect,
      Effect.timeout("20 seconds")
    ))

describe("NatsConnection", () => {
  it.live(
    "is there again soon after the server was killed, and tells of the outage once and of its end once",
    () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const server = yield* natsServer.start()
        yield* Effect.gen(function*() {
          const connection = yield* NatsConnection
          yield* keep
          const before = yield* natsClient.ready(connection)
          yield* connection.check

          yield* server.kill("SIGKILL")
          yield* statuses("Away")
          const error = yield* Effect.flip(connection.client)
          assert.strictEqual(error.isRefused, false)
          yield* server.restart
          const [took, after] = yield* Effect.timed(natsClient.ready(connection))

          assert.notStrictEqual(after.nc, before.nc)
          assert.isTrue(before.nc.isClosed())
          assert.isBelow(Duration.toMillis(took), 3_000)
          const address = server.url.slice("nats://".length)
          assert.deepStrictEqual(lines.map((line) => line.replace(/\(.*\)/, "(why)").replace(/NATS \d[^ ]*/, "NATS")), [
            `Connected to NATS at ${address}`,
            `NATS at ${address} is not available (why): trying on`,
            `Connected to NATS at ${address}`
          ])
        }).pipe(Effect.scoped, Effect.provide(layers(Option.some(server.url), lines)))
      }),
    60_000
  )

  it.live(
    "waits for an address, takes the next one when it changes, and lets go of the first server",
    () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const first = yield* natsServer.start()
        const second = yield* natsServer.start()
        yield* Effect.gen(function*() {
          const connection = yield* NatsConnection
          const endpoint = yield* NatsEndpoint
          yield* keep
          assert.match((yield* Effect.flip(connection.client)).message, /not connected yet/)

          yield* endpoint.publish(Redacted.make(first.url))
          const before = yield* natsClient.ready(connection)
          yield* endpoint.publish(Redacted.make(second.url))
          const after = yield* natsClient.eventually(natsClient.ready(connection), ({ nc }) => nc !== before.nc)

          assert.isTrue(before.nc.isClosed())
          assert.strictEqual(after.nc.getServer(), second.url.slice("nats://".length))
        }).pipe(Effect.scoped, Effect.provide(layers(Option.none(), lines)))
      }),
    60_000
  )

  it.live(
    "finds the one server of several that is there, and the other one when that goes into lame duck mode",
    () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const first = yield* natsServer.start({ config: "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"" })
        const port = yield* FreePort.next("127.0.0.1", 0)
        yield* Effect.gen(function*() {
          const connection = yield* NatsConnection
          yield* keep
          const before = yield* natsClient.ready(connection)
          assert.strictEqual(before.nc.getServer(), `127.0.0.1:${first.port}`)

          yield* natsServer.start({ port })
          process.kill(first.pid, "SIGUSR2")
          const after = yield* natsClient.eventually(natsClient.ready(connection), ({ nc }) => nc !== before.nc)

          assert.strictEqual(after.nc.getServer(), `127.0.0.1:${port}`)
          assert.isTrue(lines.some((line) => line.includes("lame duck")))
        }).pipe(
          Effect.scoped,
          Effect.provide(layers(Option.some(`nats://127.0.0.1:${port},${first.url}`), lines))
        )
      }),
    60_000
  )

  it.live("says what an address lacks without repeating it, and waits for a better one", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        const connection = yield* NatsConnection
        const endpoint = yield* NatsEndpoint
        yield* keep
        const error = yield* Effect.flip(connection.client).pipe(
          Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: ({ isRefused }) => isRefused })
        )
        assert.isFalse([error.message, ...lines].some((line) => line.includes("secret")))

        yield* endpoint.publish(Redacted.make(server.url))

        yield* natsClient.ready(connection)
      }).pipe(Effect.scoped, Effect.provide(layers(Option.some("http://me:secret@host:1"), lines)))
    }), 60_000)

  it.live(
    "closes its connection within its limit when it ends, also with a server that is stopped",
    () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const server = yield* natsServer.start()
        const keeping = yield* Effect.forkScoped(
          Effect.gen(function*() {
            const connection = yield* NatsConnection
            yield* Effect.forkScoped(connection.keep)
            yield* natsClient.ready(connection)
            process.kill(server.pid, "SIGSTOP")
          }).pipe(Effect.scoped, Effect.provide(layers(Option.some(server.url), lines)))
        )

        yield* Fiber.join(keeping).pipe(Effect.timeout("8 seconds"))

        process.kill(server.pid, "SIGCONT")
      }),
    60_000
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, Redacted, Ref, Stream } from "effect"
import * as fs from "node:fs/promises"
import { inject } from "vitest"
import { NatsEndpoint } from "../../../src/layers/nats/connection/NatsEndpoint.ts"
import * as LocalNats from "../../../src/programs/up/LocalNats.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { secured } from "../../support/secured.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const layer = Layer.mergeAll(
  secured,
  NatsEndpoint.layer(),
  LocalNats.NatsAvailability.layer(Option.none())
)

/** Runs the child with this program as nats-server until it is decided whether there is one, then calls `look`. */
const withServer = Effect.fnUntraced(function*<A>(
  named: string,
  look: (facts: {
    readonly isAvailable: boolean
    readonly notices: ReadonlyArray<string>
    readonly logged: ReadonlyArray<string>
  }) => Effect.Effect<A, never, NatsEndpoint>
) {
  const notices = yield* Ref.make<ReadonlyArray<string>>([])
  const logged: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => logged.push(`${logLevel} ${String(message)}`))
  const home = `${yield* temporaryFolder}/nats`
  const tree = Supervisor.run({
    id: "Up",
    strategy: "one_for_one",
    children: [LocalNats.child({
      home,
      search: { named, searchPath: undefined },
      certificates: undefined,
      notice: (text) => Ref.update(notices, (all) => [...all, text])
    })]
  })
  const running = yield* Effect.forkChild(Effect.provide(tree, Logger.layer([logger])))
  const isAvailable = yield* LocalNats.NatsAvailability.use(({ decided }) => decided)
  const result = yield* look({ isAvailable, notices: yield* Ref.get(notices), logged })
  yield* Fiber.interrupt(running)
  return result
})

describe("LocalNats", () => {
  it.live("runs the server, publishes its address and says which program it is", () =>
    withServer(inject("natsServerPath"), ({ isAvailable, logged, notices }) =>
      Effect.gen(function*() {
        const url = yield* NatsEndpoint.use(({ urls }) => Stream.runHead(urls))

        assert.isTrue(isAvailable)
        assert.match(Option.match(url, { onNone: () => "", onSome: Redacted.value }), /^nats:\/\/.+@127\.0\.0\.1:\d+$/)
        assert.deepStrictEqual(notices, [""])
        assert.isTrue(logged.some((line) => /^Info NATS 2\.\S+ \(.*, named by NATS_SERVER_BIN\) listens on/.test(line)))
      })).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("says what it is busy with when that takes long", () =>
    Effect.gen(function*() {
      const slow = `${yield* temporaryFolder}/slow-nats-server`
      const script = `#!/bin/sh\n[ "$1" = --version ] && sleep 2.5\nexec ${inject("natsServerPath")} "$@"\n`
      yield* Effect.promise(() => fs.writeFile(slow, script, { mode: 0o755 }))

      yield* withServer(slow, ({ isAvailable, notices }) =>
        Effect.sync(() => {
          assert.isTrue(isAvailable)
          assert.deepStrictEqual(notices, ["preparing NATS …", ""])
        }))
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("says once how to get a server where there is none, and ends in order", () =>
    withServer("/nonexistent/nats-server", ({ isAvailable, logged, notices }) =>
      Effect.sync(() => {
        assert.isFalse(isAvailable)
        assert.deepStrictEqual(notices, ["no nats-server: events are not stored"])
        assert.lengthOf(logged, 1)
        assert.match(logged[0] ?? "", /^Warn No nats-server: events are not stored.* Install .* Tried NATS_SERVER_BIN=/)
      })).pipe(Effect.scoped, Effect.provide(layer)))
})

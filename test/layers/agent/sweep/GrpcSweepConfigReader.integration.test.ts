/** An agent's sweep config over a real connection to a data service. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Queue, Scope, Stream } from "effect"
import * as crypto from "node:crypto"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import * as GrpcSweepConfigReader from "../../../../src/layers/agent/sweep/GrpcSweepConfigReader.ts"
import * as SecurityLayer from "../../../../src/layers/security/SecurityLayer.ts"
import { type Content, SweepConfigReader } from "../../../../src/services/agent/sweep/SweepConfigReader.ts"
import * as FakeDataService from "../../../fixtures/FakeDataService.ts"

const key = "agents/agent-a/checkers/sweep/sweep.json"

const readerOf = (address: string) =>
  Layer.build(
    GrpcSweepConfigReader.layer({ address, security: SecurityConfig.none }).pipe(
      Layer.provide(SecurityLayer.layer),
      Layer.provide(NodeServices.layer)
    )
  ).pipe(Effect.flatMap((context) => Effect.provide(SweepConfigReader.useSync((reader) => reader), context)))

const textOf = (content: Option.Option<Content>) =>
  Option.getOrUndefined(Option.map(content, ({ bytes }) => Buffer.from(bytes).toString("utf8")))

const sha256 = (bytes: Uint8Array) => crypto.createHash("sha256").update(bytes).digest("hex")

/** What the reader says of the key, one after the other; each is awaited for so long. */
const following = Effect.fnUntraced(function*(reader: SweepConfigReader["Service"]) {
  const said = yield* Queue.unbounded<string | undefined>()
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(reader.values(key), (content) => Queue.offer(said, textOf(content)))
  )
  /** Until this one comes: what a watch begins with may have been read already. */
  const next = (wanted: string | undefined): Effect.Effect<void> =>
    Effect.flatMap(Queue.take(said), (one) => one === wanted ? Effect.void : next(wanted))
  return { fiber, next: (wanted: string | undefined) => Effect.timeout(next(wanted), "10 seconds") }
})

describe("GrpcSweepConfigReader", () => {
  it.live("says what is at the key, then each change, and that it was deleted", () =>
    Effect.gen(function*() {
      const data = yield* FakeDataService.serve
      data.keys.set(key, Buffer.from("{\"networks\":[\"192.0.2.0/24\"]}"))
      const { next } = yield* following(yield* readerOf(data.address))

      yield* next("{\"networks\":[\"192.0.2.0/24\"]}")
      // A watch that begins after this has it too.
      data.put(key, "{\"networks\":[\"198.51.100.0/24\"]}")
      yield* next("{\"networks\":[\"198.51.100.0/24\"]}")
      data.put(`${key}.other`, "{}")
      data.remove(key)
      yield* next(undefined)
      data.put(key, "{}")
      yield* next("{}")
    }).pipe(Effect.scoped))

  it.live("says nothing of a key that is not there, and fails when the store goes away", () =>
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const { data, error } = yield* Effect.gen(function*() {
        const data = yield* FakeDataService.serve
        const reader = yield* readerOf(data.address).pipe(Effect.provideService(Scope.Scope, scope))
        const { fiber, next } = yield* following(reader).pipe(Effect.provideService(Scope.Scope, scope))
        data.put(key, "{}")
        yield* next("{}")
        return { data, error: Effect.flip(Fiber.join(fiber)) }
      }).pipe(Effect.scoped)

      const failure = yield* Effect.timeout(error, "10 seconds")

      assert.strictEqual(failure._tag, "SweepConfigUnavailable")
      assert.include(failure.message, key)
      assert.isTrue(data.keys.has(key))
    }).pipe(Effect.scoped))

  it.live("brings an object of many pieces whole, with its hash, and says which one is missing", () =>
    Effect.gen(function*() {
      const data = yield* FakeDataService.serve
      const bytes = crypto.randomBytes(1_000_000)
      data.objects.set("sweeps/a", bytes)
      const reader = yield* readerOf(data.address)

      const content = yield* reader.object("sweeps/a")
      const missing = yield* Effect.flip(reader.object("sweeps/b"))

      assert.isTrue(bytes.equals(content.bytes))
      assert.strictEqual(content.sha256, sha256(bytes))
      assert.include(missing.message, "sweeps/b")
    }).pipe(Effect.scoped))
})

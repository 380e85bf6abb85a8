import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Schema } from "effect"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import * as SecurityLayer from "../../../src/layers/security/SecurityLayer.ts"
import * as FakeArmis from "../../../src/layers/sync/fakes/FakeArmis.ts"
import * as GrpcSweepConfigStore from "../../../src/layers/sync/GrpcSweepConfigStore.ts"
import * as SourceTable from "../../../src/layers/sync/SourceTable.ts"
import * as KvWriter from "../../../src/services/sync/KvWriter.ts"
import * as FakeDataService from "../../fixtures/FakeDataService.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const key = "agents/agent-a/checkers/sweep/sweep.json"

const Pointer = Schema.fromJsonString(Schema.Struct({
  storage: Schema.Literal("data_service"),
  object_key: Schema.String,
  sha256: Schema.String,
  total_size: Schema.Int,
  chunks: Schema.Int,
  content_type: Schema.String,
  updated_at: Schema.String,
  overrides: Schema.optionalKey(Schema.Unknown)
}))
const pointerOf = Schema.decodeUnknownSync(Pointer)

const textOf = (bytes: Buffer | undefined): string => bytes?.toString("utf8") ?? ""

/** A served set of an Armis that can change, a data service, and a writer between them. */
const setup = Effect.fnUntraced(function*(devices: number, refresh: Duration.Input = "12 hours") {
  const armis = yield* FakeArmis.serve({ devices })
  const data = yield* FakeDataService.serve
  const folder = yield* temporaryFolder
  const config = rig.configOf(folder, {
    sources: {
      armis: rig.armis(armis.url),
      // The same agent has a second source: both are in one document.
      two: rig.armis(armis.url, { partition: "two" })
    }
  })
  const store = GrpcSweepConfigStore.layer({ address: data.address, security: SecurityConfig.none })
  const context = yield* Layer.build(
    Layer.merge(rig.layer(config), store.pipe(Layer.provide(SecurityLayer.layer), Layer.provide(NodeServices.layer)))
  )
  const sources = yield* SourceTable.make(config)
  const writer = (configured: KvWriter.KvWriterOptions["sources"]) =>
    KvWriter.make({ prefix: "agents", refresh: Duration.fromInputUnsafe(refresh), sources: configured })
  const write = yield* writer(config.sources)
  /** As if this source were configured for the same agent, and had never been read. */
  const writeBeside = yield* writer([...config.sources, { name: "unread", agentId: "agent-a" }])
  return {
    armis,
    data,
    cycle: Effect.provide(rig.cycle(sources), context),
    write: Effect.provide(write, context),
    writeBeside: Effect.provide(writeBeside, context)
  }
})

const statuses = (results: ReadonlyArray<KvWriter.KvResult>) => results.map(({ status }) => status)

/** What an agent would load now. */
const loaded = (data: FakeDataService.FakeDataService) => {
  const pointer = pointerOf(textOf(data.keys.get(key)))
  return { pointer, object: textOf(data.objects.get(pointer.object_key)) }
}

describe("KvWriter", () => {
  it.live("tells an agent nothing before all its sources have been read once, and then no longer waits for them", () =>
    Effect.gen(function*() {
      const { armis, cycle, data, write, writeBeside } = yield* setup(50)
      const before = Buffer.from("{\"networks\":[\"192.0.2.0/24\"]}")
      data.keys.set(key, before)
      yield* cycle

      const [first] = yield* writeBeside

      assert.deepInclude(first, { status: "kept_incomplete", bytes: 0 })
      assert.include(first?.detail, "unread")
      assert.deepStrictEqual(data.keys.get(key), before)
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      armis.set({ revision: 1 })
      yield* cycle
      assert.deepStrictEqual(statuses(yield* writeBeside), ["written"])
    }).pipe(Effect.scoped))

  it.live("writes the object under its content's name, then the pointer, and nothing while nothing changes", () =>
    Effect.gen(function*() {
      const { armis, cycle, data, write } = yield* setup(300)
      yield* cycle

      assert.deepStrictEqual(statuses(yield* write), ["written"])

      const first = loaded(data)
      assert.match(first.pointer.object_key, /^agents\/agent-a\/checkers\/sweep\/objects\/[0-9a-f]{64}\.json$/)
      assert.strictEqual(first.pointer.total_size, first.object.length)
      assert.lengthOf(first.object.match(/"network":/g) ?? [], 600)
      const received = data.received()
      yield* cycle
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
      assert.strictEqual(data.received(), received)

      for (const revision of [1, 2, 3]) {
        armis.set({ revision })
        yield* cycle
        assert.deepStrictEqual(statuses(yield* write), ["written"])
      }
      assert.strictEqual(data.objects.size, 2)
      assert.include(loaded(data).object, "-R3")
    }).pipe(Effect.scoped))

  it.live("writes again when the key is gone, was replaced or is old, and keeps overrides with durations as text", () =>
    Effect.gen(function*() {
      const { cycle, data, write } = yield* setup(20)
      yield* cycle
      yield* write
      data.keys.delete(key)
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      data.keys.set(key, Buffer.from("{\"networks\":[],\"interval\":300000000000}"))
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      const { pointer } = loaded(data)
      const old = {
        ...pointer,
        object_key: "agents/agent-a/checkers/sweep/sweep.json",
        overrides: { interval: 300_000_000_000, ports: [22] }
      }
      data.keys.set(key, Buffer.from(JSON.stringify(old)))

      assert.deepStrictEqual(statuses(yield* write), ["written"])

      assert.deepStrictEqual(loaded(data).pointer.overrides, { interval: "5m0s", ports: [22] })
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
      // Also when somebody sets them later, at the pointer that is right otherwise.
      data.keys.set(
        key,
        Buffer.from(JSON.stringify({ ...loaded(data).pointer, overrides: { timeout: 5_000_000_000 } }))
      )
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.deepStrictEqual(loaded(data).pointer.overrides, { timeout: "5s" })
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
    }).pipe(Effect.scoped))

  it.live("refreshes a key before the store may drop it", () =>
    Effect.gen(function*() {
      const { cycle, data, write } = yield* setup(20, "0 millis")
      yield* cycle
      yield* write

      assert.deepStrictEqual(statuses(yield* write), ["written"])

      assert.lengthOf(data.history, 2)
    }).pipe(Effect.scoped))

  it.live("refreshes what a clock wrote that was set back since, for nobody knows how old that is", () =>
    Effect.gen(function*() {
      const { cycle, data, write } = yield* setup(20)
      const clock = yield* Clock.Clock
      const back = (hours: number) => {
        const behind = hours * 3_600_000
        return Effect.provideService(write, Clock.Clock, {
          currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
          currentTimeNanos: clock.currentTimeNanos,
          monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
          monotonicTimeNanos: clock.monotonicTimeNanos,
          sleep: (duration) => clock.sleep(duration),
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - behind,
          currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis - behind)
        })
      }
      yield* cycle
      yield* write

      assert.deepStrictEqual(statuses(yield* back(6)), ["written"])
      assert.deepStrictEqual(statuses(yield* back(6)), ["unchanged"])
      // And forward again: as old as it says.
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
      assert.deepStrictEqual(statuses(yield* back(-7)), ["written"])
      assert.lengthOf(data.history, 3)
    }).pipe(Effect.scoped))

  it.live("does not upload over an object that an agent may be loading, and repairs one that was spoiled", () =>
    Effect.gen(function*() {
      const { cycle, data, write } = yield* setup(1_600, "0 millis")
      yield* cycle
      yield* write
      const { object, pointer } = loaded(data)
      // What comes of a broken upload stays under the object's key: so there must be none.
      data.breakUploadAt = 1
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.strictEqual(loaded(data).object, object)
      data.keys.delete(key)
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.strictEqual(loaded(data).object, object)

      data.breakUploadAt = undefined
      data.objects.set(pointer.object_key, Buffer.from(object.slice(0, 1_000)))
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.strictEqual(loaded(data).object, object)
    }).pipe(Effect.scoped))

  it.live("removes what broken uploads of contents that never came to be left behind", () =>
    Effect.gen(function*() {
      const { armis, cycle, data, write } = yield* setup(800)
      yield* cycle
      yield* write
      data.breakUploadAt = 1
      for (const revision of [1, 2, 3]) {
        armis.set({ revision })
        yield* cycle
        assert.deepStrictEqual(statuses(yield* write), ["failed"])
      }
      assert.strictEqual(data.objects.size, 4)
      data.breakUploadAt = undefined
      armis.set({ revision: 4 })
      yield* cycle

      assert.deepStrictEqual(statuses(yield* write), ["written"])

      assert.strictEqual(data.objects.size, 2)
      assert.include(loaded(data).object, "-R4")
    }).pipe(Effect.scoped))

  it.live("leaves the old config in place when an upload breaks at any message, or when the hash is wrong", () =>
    Effect.gen(function*() {
      // Two sources of 1,600 devices: a document of several messages.
      const { armis, cycle, data, write } = yield* setup(1_600)
      yield* cycle
      yield* write
      const before = loaded(data)
      armis.set({ revision: 1 })
      yield* cycle
      const messages = Math.ceil(before.object.length / (256 * 1024))
      assert.isAbove(messages, 3)

      for (let message = 0; message < messages; message++) {
        data.breakUploadAt = message
        assert.deepStrictEqual(statuses(yield* write), ["failed"])
        assert.deepStrictEqual(loaded(data), before)
      }
      data.breakUploadAt = undefined
      data.isLying = true
      assert.deepStrictEqual(statuses(yield* write), ["failed"])
      assert.deepStrictEqual(loaded(data), before)
      data.isLying = false
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.include(loaded(data).object, "-R1")
    }).pipe(Effect.scoped))

  it.live("writes the document itself to a peer without objects, and keeps the old one when it is too large", () =>
    Effect.gen(function*() {
      const { armis, cycle, data, write } = yield* setup(100)
      data.hasObjects = false
      yield* cycle
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      const before = textOf(data.keys.get(key))
      assert.lengthOf(before.match(/"network":/g) ?? [], 200)
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
      // What somebody sets beside the targets stays, in a form that an agent can read.
      data.keys.set(key, Buffer.from(JSON.stringify({ networks: [], interval: 300_000_000_000, ports: [22] })))
      assert.deepStrictEqual(statuses(yield* write), ["written"])
      assert.deepStrictEqual(JSON.parse(textOf(data.keys.get(key))), {
        ...JSON.parse(before),
        interval: "5m0s",
        ports: [22]
      })
      assert.deepStrictEqual(statuses(yield* write), ["unchanged"])
      const kept = textOf(data.keys.get(key))
      armis.set({ devices: 6_000 })
      yield* cycle

      assert.deepStrictEqual(statuses(yield* write), ["kept_too_large"])

      assert.strictEqual(textOf(data.keys.get(key)), kept)
    }).pipe(Effect.scoped))

  it.live("never writes a config without targets", () =>
    Effect.gen(function*() {
      const { armis, cycle, data, write } = yield* setup(10)
      armis.set({ devices: 0 })
      yield* cycle

      assert.deepStrictEqual(statuses(yield* write), [])

      assert.strictEqual(data.keys.size, 0)
    }).pipe(Effect.scoped))
})

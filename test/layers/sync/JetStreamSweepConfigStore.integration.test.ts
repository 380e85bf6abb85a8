/** Agents' configs in a real nats-server, with uploads that are cut off at every message. */
import { assert, describe, it } from "@effect/vitest"
import { Kvm } from "@nats-io/kv"
import { Objm } from "@nats-io/obj"
import { Duration, Effect, Layer, Schema } from "effect"
import * as crypto from "node:crypto"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import * as FakeArmis from "../../../src/layers/sync/fakes/FakeArmis.ts"
import * as JetStreamSweepConfigStore from "../../../src/layers/sync/JetStreamSweepConfigStore.ts"
import * as SourceTable from "../../../src/layers/sync/SourceTable.ts"
import * as KvWriter from "../../../src/services/sync/KvWriter.ts"
import * as cuttingProxy from "../../support/cuttingProxy.ts"
import * as natsClient from "../../support/natsClient.ts"
import * as natsServer from "../../support/natsServer.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const key = "agents/agent-a/checkers/sweep/sweep.json"
const buckets = { keys: "serviceradar-datasvc", objects: "serviceradar-objects" }

const Pointer = Schema.fromJsonString(Schema.Struct({
  object_key: Schema.String,
  sha256: Schema.String,
  total_size: Schema.Int
}))
const pointerOf = Schema.decodeUnknownSync(Pointer)
const Sweep = Schema.fromJsonString(Schema.Struct({
  device_targets: Schema.Array(Schema.Struct({ network: Schema.String, metadata: Schema.Unknown }))
}))
const sweepOf = Schema.decodeUnknownSync(Sweep)

const statuses = (results: ReadonlyArray<KvWriter.KvResult>) => results.map(({ status }) => status)

/** A served set of an Armis that can change, a nats-server, a proxy before it for the writer, and a look past it. */
const setup = Effect.fnUntraced(function*(devices: number) {
  const armis = yield* FakeArmis.serve({ devices })
  const server = yield* natsServer.start()
  // What an upload sends: a publish to a subject of the objects' stream.
  const proxy = yield* cuttingProxy.make(server.port, "PUB $O.serviceradar-objects.")
  const folder = yield* temporaryFolder
  const config = rig.configOf(folder, { sources: { armis: rig.armis(armis.url) } })
  const context = yield* Layer.build(
    Layer.mergeAll(
      rig.layer(config),
      JetStreamSweepConfigStore.layer({ leftoverAge: Duration.zero }).pipe(
        Layer.provideMerge(natsClient.layer(`nats://127.0.0.1:${proxy.port}`))
      )
    )
  )
  const beside = yield* Layer.build(natsClient.layer(server.url))
  const { js } = yield* Effect.provide(Effect.flatMap(NatsConnection, natsClient.ready), beside)
  const connected = Effect.provide(Effect.flatMap(NatsConnection, natsClient.ready), context)
  const sources = yield* SourceTable.make(config)
  const write = Effect.fnUntraced(function*(refresh: Duration.Input = "12 hours") {
    yield* connected
    return yield* Effect.provide(
      Effect.flatten(
        KvWriter.make({ prefix: "agents", refresh: Duration.fromInputUnsafe(refresh), sources: config.sources })
      ),
      context
    )
  })
  yield* connected
  const keys = yield* Effect.promise(() => new Kvm(js).create(buckets.keys, { history: 1 }))
  const objects = yield* Effect.promise(() => new Objm(js).create(buckets.objects))

  /** As an agent: the pointer, then its object, which must be what the pointer says. */
  const load = Effect.promise(async () => {
    const entry = await keys.get(key)
    if (entry === null || entry.operation !== "PUT") return undefined
    const pointer = pointerOf(entry.string())
    const bytes = Buffer.from(await objects.getBlob(pointer.object_key) ?? [])
    assert.strictEqual(bytes.length, pointer.total_size)
    assert.strictEqual(crypto.createHash("sha256").update(bytes).digest("base64url"), pointer.sha256.replace(/=+$/, ""))
    return { revision: entry.revision, pointer, text: bytes.toString("utf8"), sweep: sweepOf(bytes.toString("utf8")) }
  })
  const names = Effect.promise(async () => (await objects.list()).map(({ name }) => name))
  /** Uploads of which there is anything in the store. */
  const uploads = Effect.promise(async () => {
    const jsm = await js.jetstreamManager()
    const { state } = await jsm.streams.info(`OBJ_${buckets.objects}`, {
      subjects_filter: `$O.${buckets.objects}.C.>`
    })
    return Object.keys(state.subjects ?? {}).length
  })
  const bytesStored = Effect.promise(async () => {
    const jsm = await js.jetstreamManager()
    const streams = await Promise.all(
      [`KV_${buckets.keys}`, `OBJ_${buckets.objects}`].map((name) => jsm.streams.info(name))
    )
    return streams.map(({ state }) => [state.last_seq, state.bytes])
  })
  return {
    armis,
    bytesStored,
    cycle: Effect.provide(rig.cycle(sources), context),
    keys,
    load,
    names,
    proxy,
    uploads,
    write
  }
})

describe("Sweep configs in JetStream", () => {
  it.live(
    "are never absent and never in part, wherever an upload is cut off",
    () =>
      Effect.gen(function*() {
        const { armis, bytesStored, cycle, load, names, proxy, uploads, write } = yield* setup(2_000)
        yield* cycle
        proxy.cutAt(undefined)
        assert.deepStrictEqual(statuses(yield* write()), ["written"])
        const messages = proxy.seen()
        const before = yield* load
        assert.isAbove(messages, 4)
        assert.lengthOf(before?.sweep.device_targets ?? [], 2_000)

        const stored = yield* bytesStored
        yield* cycle
        assert.deepStrictEqual(statuses(yield* write()), ["unchanged"])
        assert.deepStrictEqual(yield* bytesStored, stored)

        armis.set({ revision: 1 })
        yield* cycle
        for (let message = 0; message < messages; message++) {
          proxy.cutAt(message)
          assert.deepStrictEqual(statuses(yield* write()), ["failed"], `cut at ${message}`)
          assert.deepStrictEqual(yield* load, before, `cut at ${message}`)
        }
        // What was cut off with its connection nobody could take back.
        assert.isAbove(yield* uploads, 1)
        proxy.cutAt(undefined)
        assert.deepStrictEqual(statuses(yield* write()), ["written"])
        assert.strictEqual(yield* uploads, 2)
        const after = yield* load
        assert.include(after?.text, "-R1")
        assert.lengthOf(after?.sweep.device_targets ?? [], 2_000)

        armis.set({ revision: 2 })
        yield* cycle
        yield* write()
        assert.lengthOf(yield* names, 2)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("are written again when the key is gone, was replaced or is old", () =>
    Effect.gen(function*() {
      const { cycle, keys, load, write } = yield* setup(20)
      yield* cycle
      yield* write()
      const first = yield* load

      yield* Effect.promise(() => keys.purge(key))
      assert.deepStrictEqual(statuses(yield* write()), ["written"])
      assert.strictEqual((yield* load)?.text, first?.text)
      yield* Effect.promise(() => keys.put(key, "{}"))
      assert.deepStrictEqual(statuses(yield* write()), ["written"])
      assert.strictEqual((yield* load)?.text, first?.text)
      assert.deepStrictEqual(statuses(yield* write()), ["unchanged"])
      assert.deepStrictEqual(statuses(yield* write("0 millis")), ["written"])
    }).pipe(Effect.scoped), 60_000)
})

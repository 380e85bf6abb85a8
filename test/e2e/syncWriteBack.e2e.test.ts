/** `serviceradar sync write-back` as a user runs it, between core's database, an SRQL service and an Armis. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as FakeArmis from "../../src/layers/sync/fakes/FakeArmis.ts"
import * as Program from "../support/Program.ts"
import * as SrqlService from "../support/srqlService.ts"
import * as rig from "../support/syncRig.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 2 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const Reports = Schema.fromJsonString(Schema.Array(Schema.Struct({
  source: Schema.String,
  outcome: Schema.String,
  written: Schema.Int,
  unchanged: Schema.Int,
  pending: Schema.Int
})))
const reportsOf = Schema.decodeUnknownSync(Reports)

const world = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const armis = yield* FakeArmis.serve({ devices: 30 })
  const srql = yield* SrqlService.make("k3y")
  const sql = yield* PgClient.PgClient
  yield* sql`
    insert into ocsf_devices (uid, is_available, discovery_sources, metadata)
    select 'sr:' || n, n > 10, array['armis', 'sweep'], jsonb_build_object('armis_device_id', n::text)
    from generate_series(1, 20) n`
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-sync-" })
  const fileOf = Effect.fnUntraced(function*(name: string, change: Readonly<Record<string, unknown>>) {
    const file = `${directory}/${name}.json`
    const source = rig.armis(armis.url, {
      custom_field: "Isolated",
      credentials: { secret_key: "s", page_size: "100", api_key: "k3y", serviceradar_endpoint: srql.url },
      ...change
    })
    const config = {
      listen_addr: "127.0.0.1:0",
      agent_id: "a",
      spool_dir: `${directory}/spool`,
      sources: { hq: source }
    }
    yield* files.writeFileString(file, JSON.stringify(config))
    return file
  })
  const run = (...args: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const program = yield* Program.start(["sync", ...args])
      const code = yield* program.exited
      return { code, stdout: program.stdout(), output: program.output() }
    })
  return { armis, off: yield* fileOf("off", {}), on: yield* fileOf("on", { write_back: true }), run }
})

layer(client, { excludeTestServices: true })("serviceradar sync write-back", (it) => {
  it.effect(
    "shows what it would write, writes only when a source says so, and nothing twice",
    () =>
      Effect.gen(function*() {
        const { armis, off, on, run } = yield* world
        assert.strictEqual((yield* run("run", "--once", "--config", off)).code, 0)

        const looked = yield* run("write-back", "--dry-run", "--config", off)

        assert.strictEqual(looked.code, 0, looked.output)
        assert.match(looked.stdout, /^hq +Isolated +dry_run +20 +0 +0 +0 +20$/m)
        assert.include(looked.stdout, "device 1: Isolated = true")
        const refused = yield* run("write-back", "--config", off)
        assert.strictEqual(refused.code, 1)
        assert.include(refused.output, "sources.hq.write_back is not true")
        assert.strictEqual(armis.properties.size, 0)

        const first = yield* run("write-back", "--json", "--config", on)
        assert.strictEqual(first.code, 0, first.output)
        assert.deepStrictEqual(reportsOf(first.stdout), [
          { source: "hq", outcome: "written", written: 20, unchanged: 0, pending: 0 }
        ])
        assert.deepStrictEqual(
          [1, 10, 11, 20].map((id) => armis.properties.get(`${id}.Isolated`)),
          [true, true, false, false]
        )
        const second = yield* run("write-back", "--json", "--config", on)
        assert.deepInclude(reportsOf(second.stdout)[0], { written: 0, unchanged: 20 })
        assert.lengthOf(armis.writes, 1)
        armis.set({ faults: [{ kind: "403", on: "write" }] })
        const failed = yield* run("write-back", "--all", "--config", on)
        assert.strictEqual(failed.code, 1)
        assert.include(failed.stdout, "403")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )
})

/** From core's database through the SRQL API to Armis: with real PostgreSQL, and a fake Armis that breaks. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as path from "node:path"
import * as FakeArmis from "../../../../src/layers/sync/fakes/FakeArmis.ts"
import * as SourceTable from "../../../../src/layers/sync/SourceTable.ts"
import * as WriteBackTable from "../../../../src/layers/sync/writeback/WriteBackTable.ts"
import type { Spool } from "../../../../src/services/sync/Spool.ts"
import * as WriteBack from "../../../../src/services/sync/writeback/WriteBack.ts"
import * as SrqlService from "../../../support/srqlService.ts"
import * as rig from "../../../support/syncRig.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 2 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provide(TestDatabase.layer))

const devices = 2_500
const apiKey = "k3y"
const field = "Isolated"

const dry = { isDryRun: true, isAll: false }
const wet = { isDryRun: false, isAll: false }

/** Core knows all of the source's devices but the last ten, and some that are not the source's. */
const known = devices - 10

const fill = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  yield* sql`
    insert into ocsf_devices (uid, ip, last_seen_time, is_available, discovery_sources, metadata)
    select 'sr:' || lpad(n::text, 8, '0'), '172.16.0.1', now(), n % 2 = 0,
      case when n % 10 = 3 then array['armis'] else array['armis', 'sweep'] end,
      jsonb_build_object('armis_device_id', n::text, 'integration_type', 'armis')
    from generate_series(1, ${known}) n`
  // Of another Armis, without a known state, without an id, and one device twice.
  yield* sql`
    insert into ocsf_devices (uid, ip, last_seen_time, is_available, discovery_sources, metadata) values
      ('sr:x1', '10.0.0.1', now(), true, array['armis', 'sweep'], '{"armis_device_id":"900001"}'),
      ('sr:x2', '10.0.0.2', now(), null, array['armis', 'sweep'], '{"armis_device_id":"2"}'),
      ('sr:x3', '10.0.0.3', now(), false, array['armis', 'sweep'], '{}'),
      ('sr:x4', '10.0.0.4', now(), false, array['armis', 'sweep'], '{"armis_device_id":"4"}')`
})

/** Devices that a sweep has seen. */
const swept = Array.from({ length: known }, (_, index) => index + 1).filter((id) => id % 10 !== 3)

const world = Effect.gen(function*() {
  const armis = yield* FakeArmis.serve({ devices })
  const srql = yield* SrqlService.make(apiKey)
  yield* fill
  const folder = yield* temporaryFolder
  const config = rig.configOf(path.join(folder, "spool"), {
    sources: {
      armis: rig.armis(armis.url, {
        custom_field: field,
        write_back: true,
        batch_size: 500,
        credentials: {
          secret_key: "s3cr3t",
          page_size: "1000",
          api_key: apiKey,
          serviceradar_endpoint: srql.url
        }
      })
    }
  })
  const sql = yield* PgClient.PgClient
  yield* Effect.addFinalizer(() => Effect.ignore(sql`drop table ocsf_devices`))
  return { armis, config, srql }
})

const within = <A, E>(
  body: (
    given: Effect.Success<typeof world> & {
      readonly run: (options: WriteBack.WriteBackOptions) => ReturnType<typeof WriteBack.run>
    }
  ) => Effect.Effect<
    A,
    E,
    PgClient.PgClient | Scope.Scope | Effect.Services<ReturnType<typeof WriteBackTable.make>> | Spool
  >
) =>
  Effect.scoped(Effect.gen(function*() {
    const given = yield* world
    return yield* Effect.gen(function*() {
      yield* Effect.flatMap(SourceTable.make(given.config), rig.cycle)
      const [source] = WriteBackTable.writable(given.config)
      if (source === undefined) throw new Error("no source to write back to")
      const writable = yield* WriteBackTable.make(source)
      return yield* body({ ...given, run: (options) => WriteBack.run(writable, options) })
    }).pipe(Effect.provide(rig.layer(given.config)))
  }))

const isolated = (armis: FakeArmis.FakeArmis, id: number) => armis.properties.get(`${id}.${field}`)

layer(client, { excludeTestServices: true })("Write-back", (it) => {
  it.effect(
    "writes the inverse of what core knows, in batches, and afterwards only what has changed",
    () =>
      within(({ armis, run, srql }) =>
        Effect.gen(function*() {
          const looked = yield* run(dry)
          assert.deepInclude(looked, {
            outcome: "dry_run",
            devices: swept.length,
            pending: swept.length,
            written: 0,
            foreign: 1,
            rejected: 2
          })
          assert.strictEqual(armis.writes.length, 0)

          const report = yield* run(wet)

          assert.deepInclude(report, { outcome: "written", written: swept.length, unchanged: 0, pending: 0 })
          assert.deepStrictEqual(armis.writes.map((ids) => ids.length), [500, 500, 500, 500, swept.length - 2_000])
          assert.strictEqual(armis.properties.size, swept.length)
          assert.deepStrictEqual([isolated(armis, 1), isolated(armis, 2), isolated(armis, 3)], [true, false, undefined])
          // Of two states of one device the reachable one counts.
          assert.strictEqual(isolated(armis, 4), false)
          assert.strictEqual(srql.asked[0]?.query, "in:devices discovery_sources:(armis,sweep) sort:uid:asc")
          assert.isAbove(srql.asked.length, 4)

          assert.deepInclude(yield* run(wet), { outcome: "written", written: 0, unchanged: swept.length, pending: 0 })
          assert.lengthOf(armis.writes, 5)
          const sql = yield* PgClient.PgClient
          yield* sql`update ocsf_devices set is_available = not is_available where metadata->>'armis_device_id' in ('1', '8')`
          assert.deepInclude(yield* run(wet), { written: 2, unchanged: swept.length - 2 })
          assert.deepStrictEqual(armis.writes[5], [1, 8])
          assert.deepStrictEqual([isolated(armis, 1), isolated(armis, 8)], [false, true])
          assert.deepInclude(yield* run({ isDryRun: false, isAll: true }), { written: swept.length })
        })
      ),
    60_000
  )

  it.effect(
    "gets through what passes: revoked tokens, rate limits, errors and lost answers",
    () =>
      within(({ armis, run, srql }) =>
        Effect.gen(function*() {
          armis.revokeTokens()
          armis.set({
            faults: [
              { kind: "500", on: "write", page: 1, times: 1 },
              { kind: "429", on: "write", page: 3, times: 1 },
              { kind: "lost-answer", on: "write", page: 5, times: 1 },
              { kind: "html", on: "write", page: 7, times: 1 }
            ]
          })
          srql.failures.push(503, 429)

          const report = yield* run(wet)

          assert.deepInclude(report, { outcome: "written", written: swept.length, pending: 0, detail: "" })
          assert.strictEqual(armis.properties.size, swept.length)
          assert.isTrue(swept.every((id) => id === 4 || isolated(armis, id) === (id % 2 === 1)))
        })
      ),
    60_000
  )

  it.effect(
    "leaves for the next run what a failure or a refusal left over",
    () =>
      within(({ armis, run }) =>
        Effect.gen(function*() {
          armis.set({ faults: [{ kind: "403", on: "write", page: 2 }] })
          const failed = yield* run(wet)
          assert.deepInclude(failed, { outcome: "failed", written: 1_000, pending: swept.length - 1_000 })
          assert.include(failed.detail, "403")
          armis.set({ faults: [{ kind: "refused-item", on: "write", page: 3 }] })
          const refused = yield* run(wet)
          assert.deepInclude(refused, { outcome: "failed", refused: 1, unchanged: 1_000, pending: 0 })
          assert.include(refused.detail, "404")
          armis.set({ faults: [] })
          assert.deepInclude(yield* run(wet), { outcome: "written", written: 1, refused: 0 })
          assert.strictEqual(armis.properties.size, swept.length)
        })
      ),
    60_000
  )

  it.effect(
    "writes nothing of a part: core that does not answer to the end, or does not know the key",
    () =>
      within(({ armis, config, run, srql }) =>
        Effect.gen(function*() {
          // Four attempts at the first page that fails.
          srql.failures.push(500, 500, 500, 500)
          assert.deepInclude(yield* run(wet), { outcome: "failed", written: 0 })
          assert.lengthOf(armis.writes, 0)
          const [source] = config.sources
          if (source === undefined) throw new Error("no source")
          const wrong = { ...source, credential: () => source.credential("secret_key") }
          const report = yield* WriteBack.run(yield* WriteBackTable.make(wrong), wet)
          assert.deepInclude(report, { outcome: "failed", written: 0 })
          assert.include(report.detail, "unauthorized")
          assert.lengthOf(armis.writes, 0)
          assert.deepInclude(yield* run(wet), { outcome: "written", written: swept.length })
        })
      ),
    60_000
  )
})

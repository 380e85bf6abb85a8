import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { SyncConfig } from "../../../src/domain/sync/SyncConfig.ts"
import * as FakeArmis from "../../../src/layers/sync/fakes/FakeArmis.ts"
import * as Inventory from "../../../src/layers/sync/fakes/Inventory.ts"
import * as SourceTable from "../../../src/layers/sync/SourceTable.ts"
import { ResultsStore } from "../../../src/services/sync/ResultsStore.ts"
import * as SourceRun from "../../../src/services/sync/SourceRun.ts"
import { Spool } from "../../../src/services/sync/Spool.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const fakeArmis = (devices: number) => FakeArmis.serve({ devices })

const within = <A, E>(
  config: SyncConfig,
  body: Effect.Effect<A, E, Effect.Services<ReturnType<typeof rig.cycle>> | Scope.Scope>
) => Effect.scoped(body).pipe(Effect.provide(rig.layer(config)))

/** One Armis, its sources and a spool. */
const single = Effect.fnUntraced(function*(devices: number, change: Readonly<Record<string, unknown>> = {}) {
  const armis = yield* fakeArmis(devices)
  const folder = yield* temporaryFolder
  return { armis, folder, config: rig.configOf(folder, { sources: { armis: rig.armis(armis.url, change) } }) }
})

const sequence = Effect.map(
  ResultsStore.use((store) => store.current),
  (set) => Option.match(set, { onNone: () => 0, onSome: (one) => one.sequence })
)

const tags = (results: ReadonlyArray<SourceRun.RunResult>) => results.map(({ _tag }) => _tag)

describe("A cycle of sync", () => {
  it.live("asks for the token once and for each page once, as the Go service spells it", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(250)

      yield* within(config, Effect.flatMap(SourceTable.make(config), rig.cycle))

      assert.deepStrictEqual(armis.requests, [
        "POST /api/v1/access_token/",
        "GET /api/v1/search/?aql=in%3Adevices+orderBy%3Did&length=100",
        "GET /api/v1/search/?aql=in%3Adevices+orderBy%3Did&length=100&from=100",
        "GET /api/v1/search/?aql=in%3Adevices+orderBy%3Did&length=100&from=200"
      ])
    }).pipe(Effect.scoped))

  it.live("renews a token that was revoked in between, and refuses one that is over already", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(250)

      yield* within(
        config,
        Effect.gen(function*() {
          const sources = yield* SourceTable.make(config)
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"])
          armis.revokeTokens()
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"])
          armis.revokeTokens()
          armis.set({ faults: [{ kind: "token-expired" }] })
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Failed"])
          assert.deepStrictEqual((yield* rig.status(config)).stale.map(({ reason }) => reason), ["token"])
          armis.set({ faults: [{ kind: "token-500", times: 1 }] })
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"])
          assert.deepStrictEqual((yield* rig.status(config)).stale, [])
        })
      )
    }).pipe(Effect.scoped))

  it.live("keeps a device whose element cannot be read, and takes the rest of the page", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(250)

      yield* within(
        config,
        Effect.gen(function*() {
          const sources = yield* SourceTable.make(config)
          yield* rig.cycle(sources)
          const before = yield* rig.served
          for (const kind of ["bad-id", "bad-address", "no-address", "bad-date"] as const) {
            armis.set({ faults: [{ kind, page: 1 }], revision: 1 })
            assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"], kind)
            const after = yield* rig.served

            assert.deepStrictEqual(after.map(({ ip }) => ip), before.map(({ ip }) => ip), kind)
            const isKept = !after[100]?.hostname.endsWith("-R1")
            assert.strictEqual(isKept, kind !== "bad-date", kind)
            assert.isTrue(after[101]?.hostname.endsWith("-R1"))
            armis.set({ faults: [], revision: 0 })
            yield* rig.cycle(sources)
          }
        })
      )
    }).pipe(Effect.scoped))

  it.live("holds a run that lost too much, and applies it only when a person says so", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(1_000)

      yield* within(
        config,
        Effect.gen(function*() {
          const spool = yield* Spool
          const sources = yield* SourceTable.make(config)
          yield* rig.cycle(sources)
          const before = { served: yield* rig.served, sweeps: yield* rig.sweeps, sequence: yield* sequence }
          armis.set({ devices: 400 })

          const [held] = yield* rig.cycle(sources)

          assert.strictEqual(held?._tag, "Held")
          assert.deepStrictEqual(
            { served: yield* rig.served, sweeps: yield* rig.sweeps, sequence: yield* sequence },
            before
          )
          const status = yield* rig.status(config)
          assert.strictEqual(status.status, "degraded")
          assert.strictEqual(status.devices, 1_000)
          const planId = status.stale[0]?.plan ?? ""
          const [plan] = yield* spool.plans
          assert.deepInclude(plan?.items[0]?.diff, { adds: 0, changes: 0, retractions: 600, unchanged: 400 })

          yield* spool.apply(planId)
          yield* spool.apply(planId)
          yield* rig.aggregate(sources)

          assert.lengthOf(yield* rig.served, 400)
          assert.deepStrictEqual((yield* rig.status(config)).stale, [])
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"])
        })
      )
    }).pipe(Effect.scoped))

  it.live("recovers by itself when the devices are back, and forgets the plan", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(1_000)

      yield* within(
        config,
        Effect.gen(function*() {
          const spool = yield* Spool
          const sources = yield* SourceTable.make(config)
          yield* rig.cycle(sources)
          armis.set({ devices: 0 })
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Held"])
          const planId = (yield* rig.status(config)).stale[0]?.plan ?? ""
          armis.set({ devices: 990 })
          assert.deepStrictEqual(tags(yield* rig.cycle(sources)), ["Committed"])

          assert.lengthOf(yield* rig.served, 990)
          assert.deepStrictEqual(yield* spool.plans, [])
          const refusal = yield* Effect.flip(spool.apply(planId))
          assert.strictEqual(refusal._tag, "PlanRefused")
        })
      )
    }).pipe(Effect.scoped))

  it.live("refuses a plan when its source has changed since", () =>
    Effect.gen(function*() {
      const { armis, config } = yield* single(300)

      yield* within(
        config,
        Effect.gen(function*() {
          const spool = yield* Spool
          const sources = yield* SourceTable.make(config)
          yield* rig.cycle(sources)
          armis.set({ devices: 200 })
          const plan = yield* Effect.scoped(
            Effect.flatMap(Effect.forEach(sources, ({ runnable }) => SourceRun.plan(runnable)), spool.hold)
          )
          assert.deepInclude(plan.items[0]?.diff, { retractions: 100, unchanged: 200 })
          // As a person knows it: id, name and address.
          assert.match(plan.items[0]?.diff.examples.retractions[0] ?? "", /^201 FAKER-\S+ 10\.0\.0\.\d+$/)
          assert.lengthOf(yield* rig.served, 300)
          armis.set({ devices: 299 })
          yield* rig.cycle(sources)

          assert.strictEqual((yield* Effect.flip(spool.apply(plan.id)))._tag, "PlanRefused")
          assert.lengthOf(yield* rig.served, 299)
        })
      )
    }).pipe(Effect.scoped))

  it.live("plans and applies what it would have done by itself", () =>
    Effect.gen(function*() {
      const left = yield* single(300)
      const right = yield* single(300)
      const elements = (change: typeof left, isPlanned: boolean) =>
        within(
          change.config,
          Effect.gen(function*() {
            const spool = yield* Spool
            const sources = yield* SourceTable.make(change.config)
            yield* rig.cycle(sources)
            change.armis.set({ devices: 310, revision: 2 })
            if (isPlanned) {
              const plan = yield* Effect.scoped(
                Effect.flatMap(Effect.forEach(sources, ({ runnable }) => SourceRun.plan(runnable)), spool.hold)
              )
              yield* spool.apply(plan.id)
              yield* rig.aggregate(sources)
            } else yield* rig.cycle(sources)
            return (yield* rig.served).map((element) => ({ ...element, timestamp: "" }))
          })
        )

      const planned = yield* elements(left, true)

      assert.lengthOf(planned, 310)
      assert.deepStrictEqual(planned, yield* elements(right, false))
    }).pipe(Effect.scoped))

  it.live(
    "serves after a restart what it served before, under the same sequence, with the source away",
    () =>
      Effect.gen(function*() {
        const { armis, config } = yield* single(250)
        const before = yield* within(
          config,
          Effect.gen(function*() {
            yield* Effect.flatMap(SourceTable.make(config), rig.cycle)
            return { served: yield* rig.served, sequence: yield* sequence }
          })
        )
        yield* armis.close

        yield* within(
          config,
          Effect.gen(function*() {
            const results = yield* Effect.flatMap(SourceTable.make(config), rig.cycle)
            assert.deepStrictEqual(tags(results), ["Failed"])
            assert.deepStrictEqual({ served: yield* rig.served, sequence: yield* sequence }, before)
          })
        )
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("numbers every set higher, also within a second and after the spool was lost", () =>
    Effect.gen(function*() {
      const { config, folder } = yield* single(10)
      const sequences: Array<number> = []
      const some = within(
        config,
        Effect.gen(function*() {
          const sources = yield* SourceTable.make(config)
          for (let cycle = 0; cycle < 3; cycle++) {
            yield* rig.cycle(sources)
            sequences.push(yield* sequence)
          }
        })
      )
      yield* some
      yield* Effect.promise(() => fs.rm(folder, { recursive: true }))
      // Unix seconds go on: within the same second as before a lost spool could repeat.
      yield* Effect.sleep("3 seconds")
      yield* some

      assert.deepStrictEqual(sequences, [...new Set(sequences)].sort((a, b) => a - b))
    }).pipe(Effect.scoped))

  it.live("keeps what each source brought while others begin, end and tidy", () =>
    Effect.gen(function*() {
      const { armis, folder } = yield* single(30)
      const names = Array.from({ length: 6 }, (_, index) => `armis-${index}`)
      const config = rig.configOf(path.join(folder, "many"), {
        sources: Object.fromEntries(names.map((name) => [name, rig.armis(armis.url, { partition: name })]))
      })

      yield* within(
        config,
        Effect.gen(function*() {
          const spool = yield* Spool
          const sources = yield* SourceTable.make(config)
          yield* Effect.forEach(
            sources,
            ({ runnable }) => Effect.repeat(SourceRun.run(runnable), { times: 14 }),
            { concurrency: "unbounded" }
          )
          yield* rig.aggregate(sources)
          assert.lengthOf(yield* rig.served, 6 * 30)
          yield* spool.tidy
          const files = yield* Effect.promise(() => fs.readdir(path.join(folder, "many")))
          assert.lengthOf(files.filter((file) => file.startsWith("generation-")), 6)
        })
      )
    }).pipe(Effect.scoped))

  it.live("makes one of the device that two sources have, once, and leaves two of one source alone", () =>
    Effect.gen(function*() {
      const { armis, folder } = yield* single(3)
      const [one, two] = [Inventory.firstMac(0), Inventory.firstMac(1)]
      const csv = path.join(folder, "devices.csv")
      yield* Effect.promise(() =>
        fs.writeFile(
          csv,
          `id,ip,hostname,mac,owner\na,192.0.2.1,first,${one},ops\nb,192.0.2.2,second,${one},ops\n` +
            `c,192.0.2.3,third,${
              two.replaceAll(":", "-")
            },\nd,10.0.0.2,fourth,,net\ne,192.0.2.5,fifth,,\nf,nonsense,sixth,,\n`
        )
      )
      const config = rig.configOf(path.join(folder, "spool"), {
        sources: {
          csv: { type: "file", endpoint: csv, agent_id: "agent-f" },
          armis: rig.armis(armis.url, { network_blacklist: ["10.0.0.1/32", "bad"] })
        },
        source_precedence: ["armis"]
      })

      const { elements, sweeps } = yield* within(
        config,
        Effect.gen(function*() {
          yield* Effect.flatMap(SourceTable.make(config), rig.cycle)
          return { elements: yield* rig.served, sweeps: yield* rig.sweeps }
        })
      )

      assert.deepStrictEqual(elements.map(({ hostname, ip, metadata }) => [ip, hostname, metadata["merged_sources"]]), [
        // 10.0.0.0 and its file's namesake are one; 10.0.0.1 is blacklisted with its part; the rest stand alone.
        ["10.0.0.0", "FAKER-DEL-COM-00001", "armis,csv"],
        ["10.0.0.2", "FAKER-LEN-PRI-00003", "armis,csv"],
        ["192.0.2.2", "second", undefined],
        ["192.0.2.5", "fifth", undefined]
      ])
      assert.strictEqual(elements[0]?.metadata["owner"], "ops")
      assert.strictEqual(elements[0]?.metadata["field_sources"], "owner=csv")
      const targets = (agent: string) => sweeps[agent]?.match(/"network":"([^"]+)"/g)?.length
      assert.deepStrictEqual([targets("agent-a"), targets("agent-f")], [2, 5])
    }).pipe(Effect.scoped))
})

/** The service is killed at random moments of its runs: what is served afterwards is always one complete set. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option } from "effect"
import * as FakeArmis from "../../src/layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../src/layers/sync/fakes/FakeNetBox.ts"
import { Spool } from "../../src/services/sync/Spool.ts"
import * as FakeDataService from "../fixtures/FakeDataService.ts"
import * as Program from "../support/Program.ts"
import * as rig from "../support/syncRig.ts"

const devices = { armis: 2_000, netbox: 300 }

/** `SYNC_KILLS=200` for the whole measurement. */
const kills = Number(process.env["SYNC_KILLS"] ?? 12)

/** Spread over start, fetching, sealing, joining, publishing and writing, without luck. */
const momentMillis = (kill: number): number => (kill * 977) % 2_000

const world = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const armis = yield* FakeArmis.serve({ devices: devices.armis })
  const netbox = yield* FakeNetBox.serve({ devices: devices.netbox })
  const data = yield* FakeDataService.serve
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-sync-" })
  const file = `${directory}/sync.json`
  const content = {
    listen_addr: `127.0.0.1:${yield* Program.freePort}`,
    kv_address: data.address,
    discovery_interval: "300ms",
    agent_id: "agent-a",
    spool_dir: `${directory}/spool`,
    sources: { armis: rig.armis(armis.url), netbox: rig.netbox(netbox.url) }
  }
  yield* files.writeFileString(file, JSON.stringify(content))
  return { armis, data, file, config: rig.configOf(content.spool_dir, content) }
})

/** Of each source all devices of one revision and one run, or nothing of it at all. */
const problemsOf = (elements: ReadonlyArray<rig.Element>): ReadonlyArray<string> =>
  (["armis", "netbox"] as const).flatMap((source) => {
    const own = elements.filter((element) => element.source === source)
    const isWhole = own.length === 0 || own.length === devices[source]
    const revisions = new Set(own.map(({ hostname }) => /-R\d+$/.exec(hostname)?.[0] ?? ""))
    const runs = new Set(own.map(({ timestamp }) => timestamp))
    return isWhole && revisions.size <= 1 && runs.size <= 1
      ? []
      : [`${source}: ${own.length} devices of ${runs.size} runs and ${revisions.size} revisions`]
  })

/** Every agent's key names an object that is there, whole and of one revision. */
const configProblems = (data: FakeDataService.FakeDataService): ReadonlyArray<string> =>
  [...data.keys].flatMap(([key, value]) => {
    const pointer: { object_key: string; total_size: number } = JSON.parse(value.toString("utf8"))
    const object = data.objects.get(pointer.object_key)?.toString("utf8") ?? ""
    if (object.length !== pointer.total_size) return [`${key}: ${object.length} of ${pointer.total_size} bytes`]
    JSON.parse(object)
    return []
  })

describe("serviceradar sync, killed", () => {
  it.live(
    `serves one complete set after each of ${kills} kills, and the next run completes`,
    () =>
      Effect.gen(function*() {
        const { armis, config, data, file } = yield* world
        const look = <A, E>(effect: Effect.Effect<A, E, Effect.Services<ReturnType<typeof rig.status>>>) =>
          Effect.provide(effect, rig.layer(config))
        let last = 0
        let seen = 0
        for (let kill = 0; kill < kills; kill++) {
          armis.set({ revision: kill })
          yield* Effect.scoped(Effect.gen(function*() {
            const program = yield* Program.start(["sync", "--config", file, "--http", "off"])
            yield* Program.eventually(
              "the service begins",
              Effect.sync(() => Option.liftPredicate(program, (one) => one.stdout().includes("sync reads 2 sources"))),
              { within: "60 seconds", programs: [program] }
            )
            // At a moment, not until a condition: where it is then is what varies.
            yield* Effect.sleep(momentMillis(kill))
            yield* program.kill("SIGKILL")
            yield* program.exited
          }))
          const { elements, sequence } = yield* look(Effect.gen(function*() {
            return { elements: yield* rig.served, sequence: Number((yield* rig.status(config)).sequence) }
          }))
          assert.deepStrictEqual(problemsOf(elements), [], `kill ${kill}`)
          assert.deepStrictEqual(configProblems(data), [], `kill ${kill}`)
          if (elements.length > 0) seen += 1
          assert.isTrue(elements.length > 0 || last === 0, `kill ${kill}: what was served is gone`)
          assert.isTrue(elements.length === 0 || sequence >= last, `kill ${kill}: the sequence went back`)
          last = elements.length > 0 ? sequence : last
        }
        assert.isAbove(seen, 0)

        armis.set({ revision: kills })
        const program = yield* Program.start(["sync", "--config", file, "--http", "off"])
        yield* Program.eventually(
          "the next run completes",
          Effect.map(look(rig.served), (elements) =>
            Option.liftPredicate(elements, (all) =>
              all.length === devices.armis + devices.netbox && all[0]?.hostname.endsWith(`-R${kills}`) === true)),
          { within: "60 seconds", programs: [program] }
        )
        yield* program.kill("SIGTERM")
        yield* program.exited
        yield* look(Spool.use((spool) =>
          spool.tidy
        ))
        const names = yield* FileSystem.FileSystem.use((files) => files.readDirectory(config.spoolFolder))
        // Of each source what it stands for, and at most what the served set was made of: a run may have just ended.
        const kept = names.filter((name) => name.startsWith("generation-")).length
        assert.isTrue(kept >= 2 && kept <= 4, `${kept} generations are kept`)
        assert.lengthOf(names.filter((name) => name.startsWith("scratch-")), 0)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    1_800_000
  )
})

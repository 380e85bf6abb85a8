/** `serviceradar up --demo` as a new user starts it: a separate process in an empty folder. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Schema } from "effect"
import * as Program from "../support/Program.ts"

const Line = Schema.fromJsonString(Schema.Struct({
  inventory: Schema.Struct({
    sources: Schema.Array(Schema.Struct({
      source: Schema.String,
      phase: Schema.String,
      generation: Schema.Int,
      devices: Schema.Int,
      retractionsPending: Schema.Int
    })),
    served: Schema.NullOr(Schema.Struct({ devices: Schema.Int, sequence: Schema.Int })),
    devicesInCore: Schema.NullOr(Schema.Int),
    agent: Schema.Struct({
      sweep: Schema.NullOr(Schema.Struct({ targets: Schema.Int, networks: Schema.Int }))
    })
  })
}))
const decodeLine = Schema.decodeUnknownOption(Line)

const SyncFile = Schema.fromJsonString(Schema.Struct({
  sources: Schema.Struct({ "demo-armis": Schema.Struct({ endpoint: Schema.String }) })
}))
const decodeSyncFile = Schema.decodeUnknownEffect(SyncFile)

const newest = (program: Program.Program) =>
  Option.map(
    Option.fromNullishOr(program.stdout().split("\n").flatMap((line) => Option.toArray(decodeLine(line))).at(-1)),
    ({ inventory }) => inventory
  )

type Inventory = Option.Option.Value<ReturnType<typeof newest>>

const until = (what: string, program: Program.Program, isTrue: (inventory: Inventory) => boolean) =>
  Program.eventually(what, Effect.sync(() => Option.filter(newest(program), isTrue)), {
    within: "120 seconds",
    programs: [program]
  })

const armisOf = ({ sources }: Inventory) => sources.find(({ source }) => source === "demo-armis")

describe("serviceradar up --demo", () => {
  it.live(
    "brings devices to core and sweep configs to the agent, and holds a mass deletion until somebody applies it",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const home = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-demo-" })
        // PostgreSQL's own user has to get in.
        yield* files.chmod(home, 0o755)
        const directory = `${home}/data`
        const program = yield* Program.start(["up", "--demo", "--json", "--dir", directory])

        const all = yield* until(
          "core has all devices and the agent its targets",
          program,
          ({ agent, devicesInCore }) => devicesInCore === 1_000 && agent.sweep?.targets === 800
        )
        assert.deepInclude(all.agent.sweep, { targets: 800, networks: 200 })
        assert.strictEqual(all.served?.devices, 1_000)

        const file = `${directory}/demo/sync.json`
        const { sources } = yield* Effect.flatMap(files.readFileString(file), decodeSyncFile)
        const control = (devices: number) =>
          Effect.promise(() =>
            fetch(`${sources["demo-armis"].endpoint}/_control`, { method: "POST", body: JSON.stringify({ devices }) })
          )
        const refused = yield* Effect.promise(() =>
          fetch(`${sources["demo-armis"].endpoint}/_control`, { method: "POST", body: "{\"devices\":-1}" })
        )
        assert.strictEqual(refused.status, 400)

        yield* control(100)
        const held = yield* until(
          "the mass deletion is held",
          program,
          (inventory) => armisOf(inventory)?.retractionsPending === 700
        )
        assert.deepInclude(armisOf(held), { phase: "held", devices: 800 })
        assert.deepInclude(held, { devicesInCore: 1_000 })
        assert.deepInclude(held.agent.sweep, { targets: 800, networks: 200 })

        // The service makes another plan with each run, which takes the place of this one; the next has the same effects.
        const apply = Effect.gen(function*() {
          const list = yield* Program.start(["sync", "plan", "--list", "--json", "--config", file])
          yield* list.exited
          const id = /"id":"([^"]+)"/.exec(list.stdout())?.[1] ?? ""
          const command = yield* Program.start(["sync", "apply", id, "--config", file])
          return (yield* command.exited) === 0 ? Option.some(command.output()) : Option.none()
        }).pipe(Effect.scoped)
        yield* Program.eventually("the plan is applied", apply, { within: "120 seconds", programs: [program] })
        const after = yield* until(
          "it is done",
          program,
          ({ agent, devicesInCore }) => devicesInCore === 300 && agent.sweep?.targets === 100
        )
        assert.strictEqual(armisOf(after)?.retractionsPending, 0)

        yield* program.kill("SIGTERM")
        assert.strictEqual(yield* program.exited, 0)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    400_000
  )

  it.live(
    "does so with certificates too, and says nothing of a core that is only starting",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const home = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-demo-" })
        yield* files.chmod(home, 0o755)
        const program = yield* Program.start(["up", "--demo", "--mtls", "--json", "--dir", `${home}/data`])

        yield* until(
          "core has all devices and the agent its targets",
          program,
          ({ agent, devicesInCore }) => devicesInCore === 1_000 && agent.sweep?.targets === 800
        )

        assert.notMatch(program.output(), /wait in the buffer","level":"WARN"/)
        yield* program.kill("SIGTERM")
        assert.strictEqual(yield* program.exited, 0)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    200_000
  )

  it.live("is refused where it could do harm or has no time", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const home = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-demo-" })
      const once = yield* Program.start(["up", "--demo", "--once", "--dir", `${home}/a`])
      assert.strictEqual(yield* once.exited, 2)
      assert.include(once.output(), "--demo is not possible here")

      const theirs = yield* Program.start(["up", "--demo", "--dir", `${home}/b`], {
        env: { NATS_URL: "nats://127.0.0.1:4222" }
      })
      assert.strictEqual(yield* theirs.exited, 2)
      assert.include(theirs.output(), "NATS_URL")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)
})

import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Logger, Option, References } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { AgentId } from "../../../../src/domain/monitoring/Ids.ts"
import * as PluginFolder from "../../../../src/layers/poller/plugins/PluginFolder.ts"
import * as ReplyPlugins from "../../../../src/services/poller/plugins/ReplyPlugins.ts"
import { check, poller } from "../../../services/poller/statuses.ts"
import { eventually } from "../../../support/Program.ts"
import { replaceFile } from "../../../support/replaceFile.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const subject = {
  poller,
  agentId: AgentId.make("agent-1"),
  host: { ip: Option.none(), name: "agent-1" },
  check: check("ssh"),
  source: "getStatus"
} as const

const reply = (message = "{\"n\":1}") => ({
  available: true,
  message: new TextEncoder().encode(message),
  responseTimeNanos: 2_000_000n,
  agentId: ""
})

const contract = "export const contract = 1\nexport const kind = \"check\"\n"
/** Counts what it was asked, in its state. */
const counting = (label: string, extra = "") =>
  `${contract}export const initial = () => ({ count: 0 })
export const process = (input, state) => {
  const count = state.count + 1
  return { message: JSON.stringify({ label: ${JSON.stringify(label)}, count }), state: { count } }
}
${extra}`

interface World {
  readonly folder: string
  readonly lines: Array<string>
  readonly ask: Effect.Effect<{ readonly label?: string; readonly count?: number; readonly n?: number }>
  readonly write: (name: string, text: string) => Effect.Effect<void>
}

/** Asks the plugins of a folder, in the way in which a poll does. */
const withPlugins = <A, E>(
  files: Readonly<Record<string, string>>,
  test: (world: World) => Effect.Effect<A, E, never>,
  callLimit: Duration.Input = "1 second"
) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const lines: Array<string> = []
    const write = (name: string, text: string) => Effect.promise(() => replaceFile(path.join(folder, name), text))
    for (const [name, text] of Object.entries(files)) yield* write(name, text)
    const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
    return yield* Effect.gen(function*() {
      const limits = { folder, callLimit: Duration.fromInputUnsafe(callLimit) }
      yield* Effect.forkScoped(yield* PluginFolder.open(limits))
      const context = yield* Effect.context<never>()
      const ask = ReplyPlugins.apply(subject, reply()).pipe(
        Effect.map((answer) => JSON.parse(new TextDecoder().decode(answer.message))),
        Effect.provide(context)
      )
      return yield* test({ folder, lines, ask, write })
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.sync(ReplyPlugins.ReplyPlugins, ReplyPlugins.make).pipe(Layer.provideMerge(Logger.layer([logger])))
      ),
      Effect.provideService(References.MinimumLogLevel, "Info")
    )
  })

const until = <A>(what: string, effect: Effect.Effect<A>, holds: (value: A) => boolean) =>
  eventually(what, Effect.map(effect, Option.liftPredicate(holds)), { within: "20 seconds" })

describe("Plugins of a folder", () => {
  it.live("change what an agent answered, and only where they are for it", () =>
    withPlugins({
      "a.mjs": `${contract}export const process = (input) => ({ available: false, message: input.message + "a" })`,
      "b.mjs": `${contract}export const process = (input) => ({ message: input.message + "b" + input.serviceName })`,
      "c.mjs": `${contract}export const serviceTypes = ["icmp"]\nexport const process = () => ({ message: "never" })`,
      "d.mjs":
        `export const contract = 1\nexport const kind = "results"\nexport const process = () => ({ message: "never" })`,
      "README.txt": "no plugin"
    }, () =>
      Effect.gen(function*() {
        const answer = yield* ReplyPlugins.apply(subject, reply("x"))

        assert.isFalse(answer.available)
        assert.strictEqual(new TextDecoder().decode(answer.message), "xabssh")
        assert.strictEqual(answer.responseTimeNanos, 2_000_000n)
      })).pipe(Effect.scoped))

  it.live("are swapped at the next poll, with their state kept, migrated or begun anew", () =>
    withPlugins({ "p.mjs": counting("one") }, ({ ask, write }) =>
      Effect.gen(function*() {
        yield* ask
        assert.deepStrictEqual(yield* ask, { label: "one", count: 2 })
        yield* write("p.mjs", counting("two"))
        const second = yield* until("the second version", ask, ({ label }) => label === "two")
        assert.isAbove(second.count ?? 0, 2)
        const before = (yield* ask).count ?? 0
        yield* write(
          "p.mjs",
          counting(
            "three",
            "export const stateVersion = 2\nexport const migrate = ({ count }, from) => ({ count: count + from * 1000 })"
          )
        )
        const third = yield* until("the third version", ask, ({ label }) => label === "three")
        assert.isAbove(third.count ?? 0, 1_000 + before)
        yield* write("p.mjs", counting("four", "export const stateVersion = 3"))
        assert.deepStrictEqual(yield* until("the fourth version", ask, ({ label }) => label === "four"), {
          label: "four",
          count: 1
        })
      })).pipe(Effect.scoped))

  for (
    const [what, process, reason] of [
      ["throws", "() => { throw new Error(\"broken\") }", "threw: broken"],
      ["answers with something else", "() => ({ available: \"yes\" })", "wrong shape"],
      ["has too large a state", "() => ({ state: \"x\".repeat(70000) })", "a state of at most 65536"],
      ["spins", "() => { for (;;); }", "timed out: no answer within 1s"],
      ["ends its thread", "() => globalThis.process.exit(1)", "ended"],
      [
        "takes too much memory",
        "() => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)) }",
        "ended|timed out"
      ]
    ] as const
  ) {
    it.live(`go back to the version before when the new one ${what}, and to its state`, () =>
      withPlugins({ "p.mjs": counting("good") }, ({ ask, lines, write }) =>
        Effect.gen(function*() {
          for (let calls = 0; calls < 5; calls++) yield* ask
          yield* write("p.mjs", `${contract}export const process = ${process}`)
          const asked = yield* until(
            "the rollback",
            ask,
            () => lines.some((line) => /goes, \w+ is back/.test(line))
          )

          assert.strictEqual(asked.label, "good")
          assert.match(lines.join("\n"), new RegExp(reason))
          assert.deepStrictEqual(yield* ask, { label: "good", count: (asked.count ?? 0) + 1 })
        })).pipe(Effect.scoped))
  }

  it.live("that do not keep the contract, or that others may write to, are refused, and what runs runs on", () =>
    withPlugins({ "p.mjs": counting("good") }, ({ ask, folder, lines, write }) =>
      Effect.gen(function*() {
        const refused = (text: string) =>
          until("a refusal", Effect.sync(() => lines.join("\n")), (all) => all.includes(text))
        yield* write("p.mjs", `${contract}export const run = 1`)
        yield* refused("p.mjs is not loaded: plugin p: manifest: wrong shape")
        yield* write("p.mjs", "export const contract = 2\nexport const process = () => ({})")
        yield* refused("[\"contract\"]")
        yield* write("p.mjs", "this is no JavaScript")
        yield* refused("manifest: ")
        yield* Effect.promise(() => fs.writeFile(path.join(folder, "q.mjs"), counting("bad")))
        yield* Effect.promise(() => fs.chmod(path.join(folder, "q.mjs"), 0o666))
        yield* refused("q.mjs is not loaded: others than its owner may write to it")
        assert.strictEqual((yield* ask).label, "good")
      })).pipe(Effect.scoped))

  it.live(
    "that spin cost their limit of time and nobody else, and are switched off until they change",
    () =>
      withPlugins(
        { "p.mjs": `${contract}export const process = () => { for (;;); }`, "q.mjs": counting("good") },
        ({ ask, lines, write }) =>
          Effect.gen(function*() {
            const delay = monitorEventLoopDelay({ resolution: 5 })
            delay.enable()
            const startedMillis = yield* Clock.currentTimeMillis
            const first = yield* ask
            const took = (yield* Clock.currentTimeMillis) - startedMillis
            delay.disable()

            assert.deepStrictEqual(first, { label: "good", count: 1 })
            assert.isBelow(took, 3_000)
            // The thread spins, and the poller's own loop does not wait for it.
            assert.isBelow(delay.percentile(50) / 1e6, 50)
            assert.match(lines.join("\n"), /plugin p: process: timed out.*; it is switched off until its file changes/)
            const again = yield* Clock.currentTimeMillis
            yield* ask
            assert.isBelow((yield* Clock.currentTimeMillis) - again, 150)
            yield* write("p.mjs", `${contract}export const process = ({ message }) => ({ message })`)
            yield* until(
              "the mended one",
              ask,
              () => lines.filter((line) => /plugin p: version/.test(line)).length === 2
            )
          }),
        "200 millis"
      ).pipe(Effect.scoped),
    { retry: 2 }
  )

  it.live("leave no thread behind, however often they change", () =>
    withPlugins({ "p.mjs": counting("0") }, ({ ask, write }) =>
      Effect.gen(function*() {
        const threads = Effect.promise(() => fs.readdir("/proc/self/task")).pipe(Effect.map((all) => all.length))
        yield* ask
        const before = yield* threads
        for (const label of ["1", "2", "3", "4"]) {
          yield* write("p.mjs", counting(label))
          yield* until(`version ${label}`, ask, (answer) => answer.label === label)
          for (let calls = 0; calls < 3; calls++) yield* ask
        }
        yield* until("the end of the old threads", threads, (count) => count <= before)
      })).pipe(Effect.scoped))
})

/** Checkers of an operator's own, as an agent runs them: well and ill ones, each in its thread. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, References } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import { CheckerModules } from "../../../../src/layers/probes/modules/CheckerModules.ts"
import * as AgentProgram from "../../../../src/programs/agent/AgentProgram.ts"
import { CheckRunner } from "../../../../src/services/agent/CheckRunner.ts"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import * as OwnHouse from "../../../support/ownHouse.ts"
import { eventually } from "../../../support/Program.ts"
import { replaceFile } from "../../../support/replaceFile.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { document } from "../probing.ts"

const checker = (type: string, check: string, extra = "export const timeoutMillis = 1000") =>
  `export const contract = 1
export const kind = "checker"
export const serviceTypes = [${JSON.stringify(type)}]
${extra}
export const check = ${check}
`

interface World {
  readonly lines: Array<string>
  readonly ask: (
    serviceType: string,
    serviceName?: string
  ) => Effect.Effect<{ readonly available: boolean; readonly document: Record<string, unknown> }>
  readonly write: (name: string, text: string) => Effect.Effect<void>
  readonly remove: (name: string) => Effect.Effect<void>
}

const withModules = <A, E>(
  files: Readonly<Record<string, string>>,
  test: (world: World) => Effect.Effect<A, E, SupervisionTree>
) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const lines: Array<string> = []
    const write = (name: string, text: string) => Effect.promise(() => replaceFile(path.join(folder, name), text))
    const remove = (name: string) => Effect.promise(() => fs.rm(path.join(folder, name)))
    for (const [name, text] of Object.entries(files)) yield* write(name, text)
    const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
    const config = AgentConfig.fromFile({ agent_id: "agent-1", plugins: { dir: folder, memory_mb: 32 } })
    return yield* Effect.gen(function*() {
      const runner = yield* CheckRunner
      yield* Effect.asVoid(runner.serve("Checkers"))
      yield* Effect.forkScoped(Effect.flatMap(CheckerModules, ({ run }) => run))
      const ask = (serviceType: string, serviceName = "it") =>
        runner.run({ serviceType, serviceName, details: "d", port: 0, agentId: "agent-1", pollerId: "poller-1" }).pipe(
          Effect.map(({ available, message }) => ({ available, document: document(message) })),
          Effect.orDie
        )
      return yield* test({ lines, ask, write, remove })
    }).pipe(
      Effect.scoped,
      Effect.provide(
        AgentProgram.layer(config).pipe(
          Layer.provideMerge(secured),
          Layer.provideMerge(SupervisionTree.layer),
          Layer.provideMerge(Logger.layer([logger]))
        )
      ),
      Effect.provideService(References.MinimumLogLevel, "Info")
    )
  })

const until = <A>(what: string, effect: Effect.Effect<A>, holds: (value: A) => boolean) =>
  eventually(what, Effect.map(effect, Option.liftPredicate(holds)), { within: "20 seconds" })

const house = OwnHouse.of("serviceradar-plugins", process.pid)

/** A field of each of its threads, the first one first; behind a name that may hold anything. */
const ofThreads = (field: number) =>
  Effect.flatMap(house, (pid) =>
    Effect.promise(async () => {
      const ids = (await fs.readdir(`/proc/${pid}/task`)).map(Number).toSorted((one, other) => one - other)
      const stats = await Promise.all(
        ids.map((id) => fs.readFile(`/proc/${pid}/task/${id}/stat`, "utf8").catch(() => ""))
      )
      return stats.map((text) => Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[field - 3]))
    }))
const prioritiesOfThreads = ofThreads(19)
/** 5 is SCHED_IDLE. */
const policiesOfThreads = ofThreads(41)

const counting = (label: string, extra = "") =>
  checker(
    "queue",
    `(input, { count }) => ({ available: true, facts: { label: ${
      JSON.stringify(label)
    }, count: count + 1, ...input }, state: { count: count + 1 } })`,
    `export const initial = () => ({ count: 0 })\n${extra}`
  )

const good = checker("good", "async () => ({ available: true, facts: { depth: 3 } })", "")

describe("Checkers that are modules", () => {
  it.live("may throw what is no error, at once or later, and fail by it alone", () =>
    withModules({
      "odd.mjs": checker("odd", "async () => { throw { toString() { throw 1 } } }"),
      "late.mjs": checker("late", "() => new Promise(() => setTimeout(() => { throw \"late text\" }, 10))"),
      "empty.mjs": checker("empty", "() => new Promise(() => setImmediate(() => { throw undefined }))"),
      "none.mjs": checker("none", "() => new Promise(() => setImmediate(() => { throw null }))"),
      "code.mjs": checker("code", "() => new Promise(() => setImmediate(() => { throw { code: 5 } }))"),
      "good.mjs": good
    }, ({ ask }) =>
      Effect.gen(function*() {
        for (const name of ["odd", "late", "empty", "none", "code"]) {
          const answer = yield* ask(name)
          assert.isFalse(answer.available, name)
          assert.isString(answer.document["error"], name)
        }
        assert.isTrue((yield* ask("good")).available)
      })).pipe(Effect.scoped))

  it.live(
    "answer a check that there is already when their file has taken another's place",
    () =>
      withModules({ "good.mjs": counting("one") }, ({ ask, remove, write }) =>
        Effect.gen(function*() {
          const answeredBy = (label: string) =>
            until(`${label} answers`, ask("queue", "a"), ({ document }) => document["label"] === label)
          yield* answeredBy("one")
          yield* write("renamed.mjs", counting("two"))
          yield* remove("good.mjs")
          yield* answeredBy("two")
          // Of two for one type the first by name answers.
          yield* write("good.mjs", counting("three"))
          yield* answeredBy("three")
          yield* Effect.all([remove("good.mjs"), remove("renamed.mjs")])
          const gone = yield* until("none answers", ask("queue", "a"), ({ available }) => !available)
          assert.match(String(gone.document["error"]), /its file was removed/)
        })).pipe(Effect.scoped),
    60_000
  )

  it.live("answer types of their own with what the agent was asked, each check with a state of its own", () =>
    withModules({ "queue.mjs": counting("one"), "good.mjs": good }, ({ ask }) =>
      Effect.gen(function*() {
        yield* ask("queue", "a")
        const second = yield* ask("queue", "a")
        assert.deepStrictEqual(second, {
          available: true,
          document: {
            label: "one",
            count: 2,
            agentId: "agent-1",
            serviceType: "queue",
            serviceName: "a",
            details: "d",
            port: 0
          }
        })
        assert.strictEqual((yield* ask("queue", "b")).document["count"], 1)
        assert.deepStrictEqual((yield* ask("good")).document, { depth: 3 })
      })).pipe(Effect.scoped))

  for (
    const [what, check, reason] of [
      ["spins", "() => { for (;;); }", /timed out: no answer within/],
      ["hangs", "() => new Promise(() => {})", /timed out: no answer within/],
      ["ends its thread", "() => process.exit(1)", /ended: its thread ended/],
      ["leaks its heap", "() => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)) }", /ended: /],
      [
        "leaks buffers",
        "async () => { globalThis.all = []; for (;;) { all.push(Buffer.alloc(8e6, 1)); await new Promise((r) => setTimeout(r, 10)) } }",
        /ended: its thread used \d+ MB, 48 MB are allowed/
      ]
    ] as const
  ) {
    it.live(
      `cost nobody else anything when one ${what}, and rest when it does so again and again`,
      () =>
        withModules(
          { "bad.mjs": checker("bad", check, what.startsWith("leaks") ? "" : undefined), "good.mjs": good },
          ({ ask }) =>
            Effect.gen(function*() {
              yield* ask("good")
              const delay = monitorEventLoopDelay({ resolution: 5 })
              delay.enable()
              const bad = yield* Effect.forkChild(ask("bad"))
              while (bad.pollUnsafe() === undefined) {
                assert.isTrue((yield* ask("good")).available)
                yield* Effect.sleep("10 millis")
              }
              delay.disable()
              const first = yield* Fiber.join(bad)
              assert.isFalse(first.available)
              assert.match(String(first.document["error"]), reason)
              // Its thread is busy, the agent's is not.
              assert.isBelow(delay.percentile(50) / 1e6, 50)
              yield* ask("bad")
              yield* ask("bad")
              assert.match(String((yield* ask("bad")).document["error"]), /broke too often and rests for/)
              // Another check of the same module has a thread, and a budget, of its own.
              assert.match(String((yield* ask("bad", "other")).document["error"]), reason)
              const [root] = yield* SupervisionTree.use(({ snapshot }) => snapshot)
              const checkers = root?.children.flatMap(({ children }) => children) ?? []
              assert.strictEqual(checkers.find(({ id }) => id.startsWith("bad:it"))?.restartsTotal, 3)
            })
        ).pipe(Effect.scoped),
      30_000
    )
  }

  it.live(
    "give way to the agent, and one that does not stop working to everybody",
    () =>
      withModules({
        "spinning.mjs": checker("spinning", "() => { for (;;); }", "export const timeoutMillis = 10000"),
        "good.mjs": good
      }, ({ ask }) =>
        Effect.gen(function*() {
          yield* ask("good")
          const own = os.getPriority()
          const begun = yield* prioritiesOfThreads
          assert.strictEqual(begun.filter((priority) => priority === Math.min(19, own + 10)).length, 1)
          const bad = yield* Effect.forkChild(ask("spinning"))
          yield* until("the least priority", prioritiesOfThreads, (all) => all.includes(19))
          yield* until("SCHED_IDLE", policiesOfThreads, (all) => all.filter((policy) => policy === 5).length === 1)
          const [first] = yield* prioritiesOfThreads
          assert.strictEqual(first, own)
          yield* Fiber.interrupt(bad)
        })).pipe(Effect.scoped),
    30_000
  )

  it.live("are ended when they use more of a core than they may, also between two checks", () =>
    withModules({
      "busy.mjs": checker(
        "busy",
        "() => { globalThis.timer ??= setInterval(() => { const end = Date.now() + 90; while (Date.now() < end); }, 10); return { available: true } }"
      )
    }, ({ ask }) =>
      Effect.gen(function*() {
        const pid = yield* house
        const threads = Effect.promise(() => fs.readdir(`/proc/${pid}/task`))
        // Among them perhaps the one that read the module, which is about to end.
        const before = new Set(yield* threads)
        assert.isTrue((yield* ask("busy")).available)
        const begun = (yield* threads).filter((id) => !before.has(id))
        assert.isNotEmpty(begun)
        yield* until("the end of its thread", threads, (now) => begun.some((id) => !now.includes(id)))
        assert.isTrue((yield* ask("busy")).available)
      })).pipe(Effect.scoped), 30_000)

  it.live(
    "are taken up when their file changes, with their state, go back when the new one fails, and go with it",
    () =>
      withModules({ "queue.mjs": counting("one") }, ({ ask, lines, remove, write }) =>
        Effect.gen(function*() {
          for (let calls = 0; calls < 3; calls++) yield* ask("queue")
          yield* write(
            "queue.mjs",
            counting(
              "two",
              "export const stateVersion = 2\nexport const migrate = ({ count }) => ({ count: count + 1000 })"
            )
          )
          const second = yield* until("the second version", ask("queue"), ({ document }) => document["label"] === "two")
          assert.isAbove(Number(second.document["count"]), 1_003)
          for (let calls = 0; calls < 3; calls++) yield* ask("queue")
          yield* write(
            "queue.mjs",
            checker("queue", "() => { throw new Error(\"broken\") }", "export const stateVersion = 2")
          )
          const third = yield* until(
            "the rollback",
            ask("queue"),
            () => lines.some((line) => /goes, \w+ is back/.test(line))
          )
          assert.strictEqual(third.document["label"], "two", JSON.stringify(third.document))
          assert.isAbove(Number(third.document["count"]), 1_006)
          yield* remove("queue.mjs")
          yield* until(
            "its end",
            ask("queue"),
            ({ document }) => /its file was removed/.test(String(document["error"]))
          )
          yield* write("queue.mjs", counting("three"))
          yield* until("its return", ask("queue"), ({ document }) => document["label"] === "three")
        })).pipe(Effect.scoped),
    30_000
  )

  it.live("may end their process with all others of them, which the agent outlives", () =>
    withModules({
      "deadly.mjs": checker("deadly", "() => process.kill(process.pid, \"SIGKILL\")"),
      "good.mjs": good
    }, ({ ask }) =>
      Effect.gen(function*() {
        assert.isTrue((yield* ask("good")).available)
        assert.match(
          String((yield* ask("deadly")).document["error"]),
          /the process of all plugins: it ended with SIGKILL/
        )
        yield* until("its return", ask("good"), ({ available }) => available)
      })).pipe(Effect.scoped))

  it.live("that do not keep the contract, or want a type of the agent's own, are refused with a reason", () =>
    withModules({
      "a.mjs": checker("port", "() => ({ available: true })"),
      "b.mjs": "export const contract = 1\nexport const kind = \"check\"\nexport const process = () => ({})",
      "good.mjs": checker("good", "() => \"yes\"")
    }, ({ ask, lines }) =>
      Effect.gen(function*() {
        const all = lines.join("\n")
        assert.match(all, /a\.mjs is not loaded: .*serviceTypes: the agent itself answers port/)
        assert.match(all, /b\.mjs is not loaded: plugin b: manifest: wrong shape/)
        const answer = yield* ask("good")
        assert.isFalse(answer.available)
        assert.match(String(answer.document["error"]), /plugin good: check: wrong shape/)
      })).pipe(Effect.scoped))
})

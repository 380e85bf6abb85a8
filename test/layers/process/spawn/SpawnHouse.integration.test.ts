/** The process that starts programs for another one: what it tells of them, and what becomes of them when it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Option } from "effect"
import * as path from "node:path"
import * as Program from "../../../../src/layers/process/spawn/Program.ts"
import * as SpawnHouse from "../../../../src/layers/process/spawn/SpawnHouse.ts"
import * as OwnHouse from "../../../support/ownHouse.ts"
import { eventually } from "../../../support/Program.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const orderOf = (script: string, more: Partial<Program.Order> = {}): Program.Order => ({
  file: "/bin/sh",
  args: ["-c", script],
  folder: "/",
  env: { PATH: "/usr/bin:/bin" },
  givesWayBy: 0,
  ...more
})

interface Run {
  readonly program: Program.Program
  readonly told: Array<string>
  readonly printed: { readonly stdout: Array<Buffer>; readonly stderr: Array<Buffer> }
  readonly pid: Effect.Effect<number>
  readonly closed: Effect.Effect<void>
}

const runOf = (begin: Program.Begin, order: Program.Order): Run => {
  const told = new Array<string>()
  const printed = { stdout: new Array<Buffer>(), stderr: new Array<Buffer>() }
  const pid = Deferred.makeUnsafe<number>()
  const closed = Deferred.makeUnsafe<void>()
  const program = begin(order, {
    started: (id) => {
      told.push("started")
      Deferred.doneUnsafe(pid, Effect.succeed(id))
    },
    printed: (stream, part) => void printed[stream].push(part),
    failed: (message) => {
      told.push(message)
      Deferred.doneUnsafe(closed, Effect.void)
    },
    exited: (code, signal) => void told.push(`exited ${code} ${signal}`),
    closed: () => {
      told.push("closed")
      Deferred.doneUnsafe(closed, Effect.void)
    }
  })
  const within = <A>(deferred: Deferred.Deferred<A>) =>
    Effect.orDie(Effect.timeout(Deferred.await(deferred), "30 seconds"))
  return { program, told, printed, pid: within(pid), closed: within(closed) }
}

const text = (parts: ReadonlyArray<Buffer>) => Buffer.concat(parts).toString("utf8")

for (
  const [who, make] of [
    ["This process", Effect.succeed(Program.begin)],
    ["A process that starts programs", SpawnHouse.make]
  ] as const
) {
  describe(who, () => {
    it.live("tells what a program prints, in which folder and environment, and how it ends", () =>
      Effect.gen(function*() {
        const begin = yield* make
        const folder = yield* temporaryFolder
        const run = runOf(
          begin,
          orderOf("pwd; echo \"$WORD\" >&2; env | wc -l; exit 7", { folder, env: { WORD: "ä" } })
        )
        yield* run.closed
        const [where, count] = text(run.printed.stdout).split("\n")
        assert.strictEqual(path.basename(where ?? ""), path.basename(folder))
        // What the shell itself adds.
        assert.isAtMost(Number(count), 4)
        assert.strictEqual(text(run.printed.stderr), "ä\n")
        assert.deepStrictEqual(run.told, ["started", "exited 7 null", "closed"])
      }).pipe(Effect.scoped))

    it.live("tells of all that a program prints, however much", () =>
      Effect.gen(function*() {
        const begin = yield* make
        const run = runOf(begin, orderOf("head -c 20000000 /dev/zero"))
        yield* run.closed
        assert.strictEqual(Buffer.concat(run.printed.stdout).length, 20_000_000)
      }).pipe(Effect.scoped), 60_000)

    it.live("tells why a program could not be started", () =>
      Effect.gen(function*() {
        const begin = yield* make
        const absent = runOf(begin, orderOf("", { file: "/no/such/program" }))
        const long = runOf(begin, orderOf("", { args: ["x".repeat(4_000_000)] }))
        yield* absent.closed
        yield* long.closed
        assert.deepStrictEqual(absent.told, ["spawn /no/such/program ENOENT"])
        assert.deepStrictEqual(long.told, ["spawn E2BIG"])
      }).pipe(Effect.scoped))

    it.live("ends a program with all of its group, also by a signal that comes before it has started", () =>
      Effect.gen(function*() {
        const begin = yield* make
        const run = runOf(begin, orderOf("sleep 600 & echo $!; wait"))
        yield* eventually(
          "its child",
          Effect.sync(() => text(run.printed.stdout) === "" ? Option.none() : Option.some(undefined)),
          { within: "20 seconds" }
        )
        run.program.signal("SIGKILL")
        yield* run.closed
        assert.deepStrictEqual(run.told, ["started", "exited null SIGKILL", "closed"])
        yield* OwnHouse.untilGone(Number(text(run.printed.stdout)))
        const early = runOf(begin, orderOf("sleep 600"))
        early.program.signal("SIGTERM")
        yield* early.closed
        assert.include(early.told, "exited null SIGTERM")
      }).pipe(Effect.scoped))

    it.live("waits for none that keeps its output open once it is deaf to it", () =>
      Effect.gen(function*() {
        const begin = yield* make
        const run = runOf(begin, orderOf("echo $$; sleep 600 & exit 0"))
        yield* eventually(
          "its end",
          Effect.sync(() => run.told.includes("exited 0 null") ? Option.some(undefined) : Option.none()),
          { within: "20 seconds" }
        )
        assert.notInclude(run.told, "closed")
        run.program.deafen()
        yield* run.closed
        run.program.signal("SIGKILL")
      }).pipe(Effect.scoped))
  })
}

describe("A process that starts programs", () => {
  it.live("takes with it what it has started when it is killed, which is told, and the next program begins it again", () =>
    Effect.gen(function*() {
      const begin = yield* SpawnHouse.make
      assert.deepStrictEqual(yield* OwnHouse.allOf("serviceradar-programs", process.pid), [])
      const run = runOf(begin, orderOf("exec sleep 600"))
      const pid = yield* run.pid
      const house = yield* OwnHouse.of("serviceradar-programs", process.pid)
      process.kill(house, "SIGKILL")
      yield* run.closed
      assert.deepStrictEqual(run.told, ["started", "exited null SIGKILL", "closed"])
      yield* OwnHouse.untilGone(pid)
      const next = runOf(begin, orderOf("echo again"))
      yield* next.closed
      assert.strictEqual(text(next.printed.stdout), "again\n")
      assert.notStrictEqual(yield* OwnHouse.of("serviceradar-programs", process.pid), house)
    }).pipe(Effect.scoped))

  it.live("goes with its scope, and takes with it what still runs", () =>
    Effect.gen(function*() {
      const pids = yield* Effect.scoped(Effect.gen(function*() {
        const begin = yield* SpawnHouse.make
        const pid = yield* runOf(begin, orderOf("exec sleep 600")).pid
        return [pid, yield* OwnHouse.of("serviceradar-programs", process.pid)]
      }))
      for (const pid of pids) yield* OwnHouse.untilGone(pid)
    }))

  it.live("minds no signal that a terminal, or who stops a service, sends to all", () =>
    Effect.gen(function*() {
      const begin = yield* SpawnHouse.make
      const run = runOf(begin, orderOf("read line </dev/null; exec sleep 600"))
      yield* run.pid
      const house = yield* OwnHouse.of("serviceradar-programs", process.pid)
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(house, signal)
      const next = runOf(begin, orderOf("echo yes"))
      yield* next.closed
      assert.strictEqual(text(next.printed.stdout), "yes\n")
      assert.notInclude(run.told, "closed")
    }).pipe(Effect.scoped))
})

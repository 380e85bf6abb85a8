import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { probe } from "../probing.ts"

describe("ProcessProbe", () => {
  it.live("finds this test's own process and misses one that is not there", () =>
    Effect.gen(function*() {
      const own = yield* probe("process", "node")
      const absent = yield* probe("process", "no-such-process-here")

      assert.deepInclude(own.document, {
        status: "active",
        process_name: "node",
        active: true,
        agent_id: "agent-1",
        poller_id: "poller-1"
      })
      assert.isFalse(absent.available)
      assert.include(absent.message, "Process no-such-process-here is not running")
    }))

  it.live("reads a name as a name, never as a pattern or a program's option", () =>
    Effect.gen(function*() {
      const dots = yield* probe("process", "n.de")
      const refused = yield* Effect.forEach(["n.*", "node|x", "-x", "no de", "n\0de", "a".repeat(257)], (name) =>
        Effect.flip(probe("process", name)))

      assert.isFalse(dots.available)
      assert.deepStrictEqual([
        ...new Set(refused.map((error) =>
          error._tag
        ))
      ], ["InvalidTarget"])
    }))

  /** A process that can be told from all others, and does nothing. */
  const idle = (mark: string) =>
    Effect.acquireRelease(
      Effect.callback<number>((resume) => {
        const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1e6)", mark], {
          stdio: ["ignore", "pipe", "ignore"]
        })
        child.stdout.once("data", () => resume(Effect.succeed(child.pid ?? 0)))
      }),
      (pid) => Effect.sync(() => void process.kill(pid, "SIGKILL"))
    )

  it.live("finds a process by its command line and by its pid file, and tells what it uses", () =>
    Effect.gen(function*() {
      const mark = `idle-${process.pid}-${Math.random()}`
      const pid = yield* idle(mark)
      const file = path.join(yield* temporaryFolder, "it.pid")
      yield* Effect.promise(() => fs.writeFile(file, `${pid}\n`))

      const byLine = yield* probe("process", JSON.stringify({ commandLine: `setInterval.* ${mark}$` }))
      const byFile = yield* probe("process", JSON.stringify({ pidFile: file }))
      const tooMuch = yield* probe("process", JSON.stringify({ pidFile: file, memoryBytesMax: 1_000_000 }))
      const tooFew = yield* probe("process", JSON.stringify({ commandLine: `${mark}$`, countMin: 2 }))

      assert.deepInclude(byLine.document, { active: true, count: 1, pids: [pid] })
      assert.deepInclude(byFile.document, { process_name: file, count: 1, pids: [pid] })
      assert.isAbove(Number(byFile.document["memory_bytes"]), 10_000_000)
      assert.isAtLeast(Number(byFile.document["cpu_percent"]), 0)
      assert.match(tooMuch.message, /bytes of memory are held, at most 1000000 are expected/)
      assert.include(tooFew.message, "1 run, at least 2 are expected")
    }).pipe(Effect.scoped))

  it.live("does not find the check itself from the command line", () =>
    Effect.gen(function*() {
      const line = (yield* Effect.promise(() => fs.readFile("/proc/self/cmdline", "utf8"))).replace(/\0$/, "")
      const pattern = line.replaceAll("\0", " ").slice(0, 500).replace(/[^\w\s/]/g, ".")
      const details = JSON.stringify({ commandLine: `^${pattern}`, countMin: 0 })
      const inAgent = yield* probe("process", details)
      const fromUser = yield* probe("process", details, { takesPrograms: true })

      assert.include(inAgent.document["pids"], process.pid)
      assert.notInclude(fromUser.document["pids"], process.pid)
    }))

  it.live("does not show what stands in a file that holds no process id", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "it.pid")
      yield* Effect.promise(() => fs.writeFile(file, "secret"))

      const secret = yield* probe("process", JSON.stringify({ pidFile: file }))
      const gone = yield* probe("process", JSON.stringify({ pidFile: path.join(folder, "no.pid") }))
      yield* Effect.promise(() => fs.writeFile(file, "2147483646"))
      const dead = yield* probe("process", JSON.stringify({ pidFile: file }))

      assert.include(secret.message, "holds no process id")
      assert.notInclude(secret.message, "secret")
      assert.include(gone.message, "no.pid")
      assert.include(dead.message, "no process with the id in it")
    }).pipe(Effect.scoped))
})

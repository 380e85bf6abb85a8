import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as ProcessTable from "../../src/layers/process/ProcessTable.ts"
import * as AgentProgram from "../support/agentProgram.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

/** The servers that the process has started; what guards them is a shell. */
const serversOf = (parent: number) =>
  Effect.promise(async () => {
    const pids = (await fs.readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
    const found = await Promise.all(pids.map(async (pid) => {
      const stat = await fs.readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return Number(fields[1]) === parent && !stat.includes("(sh)") ? [pid] : []
    }))
    return found.flat()
  })

/** `up` with its nats-server, which is the last of its servers to come. */
const startUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const up = yield* Program.start(["up", "--dir", folder])
  const nats = yield* Program.eventually(
    "a nats-server",
    Effect.promise(() => fs.readFile(path.join(folder, "nats/nats-server.pid"), "utf8").catch(() => "")).pipe(
      Effect.map((text) => Option.liftPredicate(Number(text), (pid) => pid > 1))
    ),
    { within: "60 seconds", programs: [up] }
  )
  return { up, nats }
})

const isRunning = (pid: number) => Effect.provide(ProcessTable.isRunning(pid), NodeFileSystem.layer)

/** Sends one to itself every 5 ms, a hundred times, from the first moment on at which it does not end by it for want of a handler. */
const hangUps = `let left = 100; const again = setInterval(() => {
  if (process.listenerCount("SIGHUP") === 0) return
  process.kill(process.pid, "SIGHUP")
  left -= 1
  if (left === 0) clearInterval(again)
}, 5); again.unref()`

describe("SIGHUP", () => {
  it.live("is kept for a program that reads its file again, until it can", () =>
    Effect.gen(function*() {
      const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hangUps)}` }
      const { isLive, program } = yield* AgentProgram.start({ env })
      yield* Program.eventually(
        "its file read again",
        Effect.sync(() => Option.liftPredicate(program.output(), (text) => text.includes("was read again"))),
        { within: "20 seconds", programs: [program] }
      )

      assert.isTrue(Option.isSome(yield* isLive))
    }), 60_000)

  it.live("drains a program that takes up no other file, as SIGTERM does", () =>
    Effect.gen(function*() {
      const { up } = yield* startUp
      yield* up.kill("SIGHUP")

      assert.strictEqual(yield* Effect.timeout(up.exited, "30 seconds"), 0)
      assert.match(up.output(), /SIGHUP: stopping/)
    }), 120_000)

  it.live("is left ignored where it was, run by its own name as nohup runs it", () =>
    Effect.gen(function*() {
      const launcher = path.join(Program.projectRoot, "bin/serviceradar.mjs")
      const folder = path.dirname(process.execPath)
      const within = `trap '' HUP; shift 2; PATH="${folder}:$PATH" exec "${launcher}" "$@"`
      const { isLive, program } = yield* AgentProgram.start({ within })
      yield* program.kill("SIGHUP")
      const live = yield* Effect.repeat(isLive, { times: 5 })
      yield* program.kill("SIGTERM")

      assert.isTrue(Option.isSome(live))
      assert.strictEqual(yield* Effect.timeout(program.exited, "10 seconds"), 0)
      assert.notMatch(program.output(), /SIGHUP/)
    }))
})

describe("A program that is killed", () => {
  it.live("takes its PostgreSQL and nats-server with it, also one that does not answer any more", () =>
    Effect.gen(function*() {
      const { nats, up } = yield* startUp
      const servers = yield* serversOf(up.pid)
      process.kill(nats, "SIGSTOP")
      yield* up.kill("SIGKILL")
      yield* up.exited

      yield* Program.eventually(
        "the end of all servers",
        Effect.map(
          Effect.forEach(servers, isRunning),
          (running) => running.includes(true) ? Option.none() : Option.some(true)
        ),
        { within: "20 seconds" }
      )
      assert.include(servers, nats)
      assert.isAtLeast(servers.length, 2)
    }))
})

/** `exec` with Debian's monitoring plugins, and with programs that do what a program should not. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import { withPeer } from "../../../support/peers.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { probe } from "../probing.ts"

const plugins = "/usr/lib/nagios/plugins"
const missing = fs.existsSync(`${plugins}/check_dummy`) ? undefined : "monitoring-plugins-basic"

/** An agent that has this program in a file called `it`. */
const withProgram = (details: object): AgentConfig.AgentConfig => ({
  ...AgentConfig.fromFile({ agent_id: "agent-1" }),
  checkers: [{ name: "it", type: "exec", address: "", security: undefined, details }]
})

const run = (details: object) => probe("exec", "it", { config: withProgram(details) })

const shell = (script: string, more: object = {}) => run({ program: "/bin/sh", args: ["-c", script], ...more })

/** The processes whose command line has the text. */
const running = (text: string) =>
  fs.readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false
    try {
      return fs.readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(text)
    } catch {
      return false
    }
  })

const untilGone = (text: string) =>
  Effect.sync(() => running(text)).pipe(
    Effect.repeat({ until: (found) => found.length === 0, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("5 seconds")
  )

describe("ExecProbe with monitoring-plugins", () => {
  withPeer(missing, "takes the state of a plugin, its text and its performance data", () =>
    Effect.gen(function*() {
      const dummy = (state: string) => run({ program: `${plugins}/check_dummy`, args: [state, "it's so"] })
      const load = yield* run({ program: `${plugins}/check_load`, args: ["-w", "900,900,900", "-c", "999,999,999"] })
      const states = yield* Effect.forEach(["0", "1", "2", "3"], dummy)

      assert.isTrue(load.available, load.message)
      assert.deepInclude(load.document, { command: "it", exit_code: 0, state: "OK" })
      assert.match(JSON.stringify(load.document["performance"]), /"label":"load1","value":[\d.]+,"unit":"","warn":"900/)
      assert.deepStrictEqual(states.map(({ document }) => document["state"]), ["OK", "WARNING", "CRITICAL", "UNKNOWN"])
      assert.deepStrictEqual(states.map(({ available }) => available), [true, true, false, false])
      assert.strictEqual(states[2]?.document["error"], "CRITICAL: it's so")
    }))

  withPeer(missing, "counts a warning as down where it is told to", () =>
    Effect.gen(function*() {
      const result = yield* run({ program: `${plugins}/check_dummy`, args: ["1"], warningIsDown: true })

      assert.isFalse(result.available)
    }))
})

describe("ExecProbe", () => {
  it.live("passes arguments on as they are, without a shell and without this process's environment", () =>
    Effect.gen(function*() {
      process.env["TRIAL_SECRET"] = "secret"
      const given = yield* run({
        program: "/usr/bin/printf",
        args: ["%s|", "$HOME; touch /tmp/x", "a b"],
        contract: "exitCode"
      })
      const env = yield* run({ program: "/usr/bin/env", contract: "exitCode", env: { B: "2" } })
      const long = yield* shell("env", { contract: "nagios", env: { B: "2" } })
      delete process.env["TRIAL_SECRET"]

      assert.strictEqual(given.document["output"], "$HOME; touch /tmp/x|a b|")
      assert.isTrue(env.available)
      assert.include(JSON.stringify(long.document), "B=2")
      assert.notInclude(JSON.stringify(long.document), "TRIAL_SECRET")
    }))

  it.live("reads JSON, in which the program may say itself whether all is well", () =>
    Effect.gen(function*() {
      const json = (text: string, code = 0) => shell(`printf '%s' '${text}'; exit ${code}`, { contract: "json" })

      const good = yield* json("{\"available\":true,\"queue\":3}", 1)
      const bad = yield* json("{\"available\":false,\"error\":\"queue is full\"}")
      const byCode = yield* json("{\"queue\":3}", 7)
      const none = yield* json("oops")
      const wrong = yield* json("{\"available\":\"yes\"}")

      assert.isTrue(good.available)
      assert.deepInclude(good.document, { data: { available: true, queue: 3 } })
      assert.deepStrictEqual([bad, byCode, none, wrong].map(({ document }) => document["error"]), [
        "queue is full",
        "exit code 7",
        "it printed no JSON",
        "it printed no object with `available`, true or false, and `error`, a text"
      ])
    }))

  it.live("ends a program that takes too long with all that it has started", () =>
    Effect.gen(function*() {
      const mark = `86400.${process.pid}`
      const startedNanos = yield* Clock.monotonicTimeNanos

      const stubborn = yield* shell(`trap '' TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}`, { timeout: "500ms" })
      const tookMillis = Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e6
      yield* untilGone(mark)

      assert.include(stubborn.message, "timed out after 500ms (from the program's start to its end)")
      assert.isBelow(tookMillis, 8_000)
    }))

  it.live("ends what has gone into a session of its own, after a good check and after one that took too long", () =>
    Effect.gen(function*() {
      const mark = `86402.${process.pid}`
      const detached = `setsid sleep ${mark} >/dev/null 2>&1 & (setsid setsid sleep ${mark} >/dev/null 2>&1 &)`

      const good = yield* shell(`${detached}; sleep 0.2; echo fine`, { contract: "exitCode" })
      yield* untilGone(mark)
      const late = yield* shell(`${detached}; sleep ${mark}`, { timeout: "700ms" })
      yield* untilGone(mark)

      assert.isTrue(good.available, good.message)
      assert.include(late.message, "timed out")
    }))

  it.live("says that the arguments are too long for the system", () =>
    Effect.gen(function*() {
      const result = yield* run({ program: "/bin/echo", args: ["x".repeat(200_000)], memoryBytesMax: 0 })

      assert.isFalse(result.available)
      assert.include(result.message, "E2BIG")
      assert.notInclude(result.message, "broke")
    }))

  it.live("does not wait for what a program leaves behind, and ends it", () =>
    Effect.gen(function*() {
      const mark = `86401.${process.pid}`

      const result = yield* shell(`sleep ${mark} & echo fine`, { contract: "exitCode" })
      yield* untilGone(mark)

      assert.isTrue(result.available, result.message)
      assert.strictEqual(result.document["output"], "fine")
    }))

  it.live("ends a program that floods, and lets one have no more memory than it may", () =>
    Effect.gen(function*() {
      const flood = yield* shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", {
        outputBytesMax: 1_000
      })
      const hungry = yield* run({
        program: process.execPath,
        args: ["-e", "Buffer.alloc(400_000_000, 1); console.log('fed')"],
        contract: "exitCode",
        memoryBytesMax: 300_000_000
      })
      const fed = yield* run({
        program: process.execPath,
        args: ["-e", "Buffer.alloc(400_000_000, 1); console.log('fed')"],
        contract: "exitCode",
        memoryBytesMax: 0
      })

      assert.include(flood.message, "it printed more than 1000 bytes and was ended")
      assert.isFalse(hungry.available, hungry.message)
      assert.strictEqual(fed.document["output"], "fed")
    }))

  it.live("says that a program died or cannot be run", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const killed = yield* shell("kill -SEGV $$")
      const absent = yield* run({ program: path.join(folder, "none") })
      const odd = yield* shell("exit 42")

      assert.include(killed.message, "killed by SIGSEGV")
      assert.include(absent.message, "none is no program that this user may run")
      assert.include(odd.message, "exit code 42 is none of a Nagios plugin")
    }).pipe(Effect.scoped))

  it.live("runs nothing that does not stand in the agent's own files", () =>
    Effect.gen(function*() {
      const program = JSON.stringify({ program: "/usr/bin/touch", args: ["/tmp/never"] })

      const inline = yield* Effect.flip(probe("exec", program, { config: withProgram({ program: "/bin/true" }) }))
      const other = yield* Effect.flip(probe("exec", "other", { config: withProgram({ program: "/bin/true" }) }))
      const wrong = yield* Effect.flip(run({ program: "touch", password: "secret" }))

      assert.include(
        inline.message,
        "expected the name of a file of type exec in the agent's checkers_dir (there are 1)"
      )
      assert.notInclude(inline.message, "touch")
      assert.include(other.message, "\"other\"")
      assert.include(wrong.message, "program: expected an absolute path")
      assert.notInclude(wrong.message, "secret")
    }))
})

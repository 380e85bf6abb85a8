import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, FileSystem, Option, Schedule, Scope } from "effect"
import * as path from "node:path"
import * as OrphanProcess from "../../../src/layers/process/OrphanProcess.ts"
import * as ProcessTable from "../../../src/layers/process/ProcessTable.ts"
import * as ServerProcess from "../../../src/layers/process/ServerProcess.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const shell = (script: string, cwd = "/") => ({
  command: "/bin/sh",
  args: ["-c", script],
  cwd,
  account: Option.none()
})

const stop: ServerProcess.ProcessOptions["stop"] = [
  ["SIGTERM", Duration.millis(300)],
  ["SIGKILL", Duration.seconds(5)]
]

const lineSeen = (server: ServerProcess.ServerProcess, line: string) =>
  Effect.sync(() => server.lastLines(10).includes(line)).pipe(
    Effect.repeat({ until: (seen) => seen, schedule: Schedule.spaced("5 millis") }),
    Effect.timeout("5 seconds")
  )

describe("ServerProcess", () => {
  it.live("ends a server that does not heed the first signal by the next", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* ServerProcess.spawn({ ...shell("trap '' TERM; echo up; while :; do sleep 1; done"), stop })
        .pipe(Scope.provide(scope))
      yield* lineSeen(server, "up")

      yield* Scope.close(scope, Exit.void)

      assert.deepStrictEqual(yield* server.exit, { code: null, signal: "SIGKILL" })
    }))

  it.live("keeps a server's last lines, in memory and in a file", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const logFile = path.join(yield* temporaryFolder, "server.log")
      const server = yield* ServerProcess.spawn({ ...shell("echo one; echo two; exit 7"), logFile, stop })
      yield* lineSeen(server, "two")

      assert.deepStrictEqual(server.lastLines(10), ["one", "two"])
      assert.strictEqual(yield* fileSystem.readFileString(logFile), "one\ntwo\n")
      assert.deepStrictEqual(yield* server.exit, { code: 7, signal: null })
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("gives a tool the variables it is named, and none of ours but PATH", () =>
    Effect.gen(function*() {
      const output = yield* ServerProcess.run(
        "listing variables",
        { ...shell("env | cut -d= -f1 | sort"), env: { http_proxy: "http://proxy.example:3128", no_proxy: undefined } },
        Duration.seconds(5)
      )

      const names = output.split("\n").filter((name) => !["_", "PWD", "SHLVL", "OLDPWD"].includes(name))
      assert.deepStrictEqual(names, ["LC_ALL", "PATH", "TZ", "http_proxy"])
    }))

  it.live("fails with what a tool said, or when it takes too long", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(
        ServerProcess.run("failing", shell("echo no luck; exit 3"), Duration.seconds(5))
      )
      const slow = yield* Effect.flip(ServerProcess.run("waiting", shell("exec sleep 60"), Duration.millis(200)))

      assert.strictEqual(failed.message, "failing: /bin/sh ended with 3: no luck")
      assert.strictEqual(slow.message, "waiting: /bin/sh took longer than 200ms")
    }))

  // The end of one is noticed when another ends, and then before its output is read.
  it.live("has all that a tool said, although many end at once", () =>
    Effect.gen(function*() {
      const outputs = yield* Effect.forEach(
        Array.from({ length: 300 }, (_, index) => `tool ${index}`),
        (text) => ServerProcess.run("speaking", shell(`echo ${text}`), Duration.seconds(20)),
        { concurrency: 30 }
      )

      assert.deepStrictEqual(outputs, outputs.map((_, index) => `tool ${index}`))
    }))

  it.live("does not wait for what a tool has left running with its output open", () =>
    Effect.gen(function*() {
      const output = yield* ServerProcess.run("leaving", shell("sleep 30 & echo left"), Duration.seconds(10))

      assert.strictEqual(output, "left")
    }))
})

describe("OrphanProcess", () => {
  it.live("knows a server by its folder and stops it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const server = yield* ServerProcess.spawn({ ...shell("echo up; exec sleep 60", folder), stop })
      yield* lineSeen(server, "up")

      assert.isTrue(yield* OrphanProcess.worksIn(server.pid, folder))
      assert.isFalse(yield* OrphanProcess.worksIn(server.pid, path.dirname(folder)))
      yield* OrphanProcess.stop(server.pid, ["SIGTERM", "SIGKILL"])

      assert.isFalse(yield* ProcessTable.isRunning(server.pid))
      assert.strictEqual((yield* server.exit).signal, "SIGTERM")
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

/** Checkers in Python (Debian's python3-grpcio) that an agent runs itself, and what is configured anew while they run. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as OwnHouse from "../support/ownHouse.ts"
import { withPeer } from "../support/peers.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const python = "/usr/bin/python3"
const missing = spawnSync(python, ["-c", "import grpc"]).status === 0 ? undefined : "python3-grpcio"
const script = path.resolve(import.meta.dirname, "../fixtures/checkers/checker.py")

const world = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const checkers = path.join(folder, "checkers")
  const port = yield* Program.freePort
  const httpPort = yield* Program.freePort
  const file = path.join(folder, "agent.json")
  // As an editor or a deployment does: whole, under a new inode.
  const write = (name: string, value: object) =>
    Effect.promise(async () => {
      await fs.writeFile(path.join(folder, "fresh"), JSON.stringify(value))
      await fs.rename(path.join(folder, "fresh"), path.join(checkers, `${name}.json`))
    })
  const remove = (name: string) => Effect.promise(() => fs.rm(path.join(checkers, `${name}.json`)))
  const writeAgent = (more: object = {}) =>
    Effect.promise(async () => {
      const value = { agent_id: "edge-1", listen_addr: `127.0.0.1:${port}`, checkers_dir: checkers, ...more }
      await fs.writeFile(`${file}.fresh`, JSON.stringify(value))
      await fs.rename(`${file}.fresh`, file)
    })
  yield* Effect.promise(() => fs.mkdir(checkers))
  yield* writeAgent()
  const start = Effect.gen(function*() {
    const agent = yield* Program.start(["agent", "--config", file, "--http", `127.0.0.1:${httpPort}`])
    const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
    const request = { serviceType: "grpc", details: "", port: 0, agentId: "", pollerId: "poller-1" }
    const ask = (serviceName: string) =>
      client.getStatus({ ...request, serviceName }).pipe(
        Effect.map(({ available, message }) => ({ available, ...JSON.parse(message.toString()) }))
      )
    const results = { ...request, lastSequence: "", completionStatus: undefined }
    const until = <A>(what: string, effect: Effect.Effect<A, unknown>, holds: (value: A) => boolean) =>
      Program.eventually(what, Effect.map(effect, Option.liftPredicate(holds)), {
        within: "60 seconds",
        programs: [agent]
      })
    const logged = (what: RegExp) =>
      until(`the log has ${what}`, Effect.sync(() => agent.output()), (all) => what.test(all))
    return { agent, client, ask, results, until, logged }
  })
  return { write, remove, writeAgent, start, httpPort }
})

const checker = (name: string, port: number, label: string, ...more: ReadonlyArray<string>) => ({
  name,
  type: "grpc",
  listen_addr: `127.0.0.1:${port}`,
  program: { command: python, args: [script, String(port), label, ...more], memory_mb: 2_048 }
})

/** Processes that sleep for so long. */
const sleepers = (seconds: number) =>
  Effect.promise(async () => {
    const pids = (await fs.readdir("/proc")).filter((name) => /^\d+$/.test(name))
    const lines = await Promise.all(pids.map((pid) => fs.readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")))
    return lines.filter((line) => line === `sleep\0${seconds}\0`).length
  })

describe("Checkers that an agent runs", () => {
  it.live("leave nobody behind who has a session of his own", () =>
    Effect.gen(function*() {
      const { start, write } = yield* world
      const port = yield* Program.freePort
      // Nobody else sleeps for as long.
      const seconds = 1_000_000 + port
      const command = `setsid sleep ${seconds} & sleep ${seconds}`
      yield* write("d", {
        name: "sysmon-d",
        type: "grpc",
        listen_addr: `127.0.0.1:${port}`,
        program: { command: "/bin/sh", args: ["-c", command] }
      })
      const { agent, until } = yield* start
      yield* until("both sleep", sleepers(seconds), (count) => count === 2)
      yield* agent.kill("SIGTERM")
      yield* agent.exited
      assert.strictEqual(yield* sleepers(seconds), 0)
    }).pipe(Effect.scoped), 120_000)

  withPeer(
    missing,
    "answer by its mouth, are started again when they are killed, and end with it",
    () =>
      Effect.gen(function*() {
        const { httpPort, start, write } = yield* world
        const ports = [yield* Program.freePort, yield* Program.freePort, yield* Program.freePort] as const
        yield* write("a", checker("sysmon-a", ports[0], "a"))
        yield* write("b", checker("sysmon-b", ports[1], "b"))
        yield* write("c", checker("sysmon-c", ports[2], "c", "78"))
        const { agent, ask, client, logged, results, until } = yield* start

        yield* logged(/program sysmon-a is healthy/)
        yield* logged(/program sysmon-b is healthy/)
        yield* logged(/program sysmon-a \(stdout\): checker a serves/)
        yield* logged(/program sysmon-c \(stderr\): no such option/)
        yield* logged(/program sysmon-c ended with 78: it does not take its configuration; it is started again when/)
        const first = yield* ask("sysmon-a")
        const second = yield* ask("sysmon-b")
        const passed = yield* client.getResults({ ...results, serviceName: "sysmon-a" })
        const chunks = yield* Stream.runCollect(client.streamResults({ ...results, serviceName: "sysmon-a" }))
        const refused = yield* Effect.flip(
          Stream.runCollect(client.streamResults({ ...results, serviceName: "sysmon-c" }))
        )
        const failed = yield* client.getResults({ ...results, serviceName: "sysmon-c" })

        assert.deepInclude(first, { available: true, label: "a" })
        if (process.platform === "linux") {
          assert.strictEqual(os.getPriority(first.pid), Math.min(19, os.getPriority(agent.pid) + 10))
        }
        assert.deepInclude(passed, { available: true, currentSequence: "s1", hasNewData: true })
        assert.deepStrictEqual(chunks.map(({ data, isFinal }) => [data.toString(), isFinal]), [
          ["[0]", false],
          ["[1]", false],
          ["[2]", true]
        ])
        assert.strictEqual(refused._tag, "Internal")
        assert.isFalse(failed.available)
        process.kill(first.pid, "SIGKILL")
        yield* logged(/program sysmon-a was killed \(SIGKILL\)/)
        const again = yield* until("the program's return", ask("sysmon-a"), ({ available }) => available)
        assert.notStrictEqual(again.pid, first.pid)
        assert.strictEqual((yield* ask("sysmon-b")).pid, second.pid)
        const tree = JSON.stringify(yield* Program.fetchJson(`http://127.0.0.1:${httpPort}/api/tree`))
        assert.match(tree, /"path":"Agent\/Programs\/sysmon-a\/Process"/)
        yield* agent.kill("SIGTERM")
        assert.strictEqual(yield* agent.exited, 0)
        for (const pid of [again.pid, second.pid]) assert.throws(() => process.kill(pid, 0))
      }).pipe(Effect.scoped)
  )

  withPeer(
    missing,
    "end with an agent that is killed, too",
    () =>
      Effect.gen(function*() {
        const { start, write } = yield* world
        yield* write("a", checker("sysmon-a", yield* Program.freePort, "a"))
        const { agent, ask, until } = yield* start
        const { pid } = yield* until("a", ask("sysmon-a"), ({ available }) => available)
        yield* agent.kill("SIGKILL")
        yield* agent.exited
        yield* OwnHouse.untilGone(pid)
      }).pipe(Effect.scoped)
  )

  withPeer(
    missing,
    "are begun anew one by one when their files change, by themselves and on SIGHUP, again and again",
    () =>
      Effect.gen(function*() {
        const { remove, start, write, writeAgent } = yield* world
        const ports = [yield* Program.freePort, yield* Program.freePort] as const
        yield* write("a", checker("sysmon-a", ports[0], "one"))
        yield* write("b", checker("sysmon-b", ports[1], "other"))
        const { agent, ask, logged, until } = yield* start
        yield* until("a", ask("sysmon-a"), ({ available }) => available)
        const other = yield* until("b", ask("sysmon-b"), ({ available }) => available)

        for (const label of ["two", "three"]) {
          yield* write("a", checker("sysmon-a", ports[0], label))
          yield* until(label, ask("sysmon-a"), (one) => one.label === label)
        }
        yield* write("a", checker("sysmon-a", ports[0], "four"))
        yield* agent.kill("SIGHUP")
        yield* until("four", ask("sysmon-a"), (one) => one.label === "four")
        assert.match(agent.output(), /checker sysmon-a is another one: it is begun anew, and nobody else/)
        yield* writeAgent({ availability: "go", host_ip: "192.0.2.1" })
        yield* logged(/availability is go, was truthful/)
        yield* logged(/host_ip is another one: that holds from the next start of the agent on/)
        yield* writeAgent({ availability: "never" })
        yield* logged(/The configuration as it was stays, what is there now cannot be used: .*availability/)
        yield* writeAgent({ availability: "go" })
        yield* remove("a")
        yield* logged(/checker sysmon-a is gone/)
        yield* write("c", checker("sysmon-c", ports[0], "five"))
        yield* until("five", ask("sysmon-c"), (one) => one.label === "five")
        // Nobody asked it to begin anew.
        assert.strictEqual((yield* ask("sysmon-b")).pid, other.pid)
        assert.strictEqual(agent.output().match(/program sysmon-b was started/g)?.length, 1)
      }).pipe(Effect.scoped)
  )
})

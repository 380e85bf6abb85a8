import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as DirectoryLock from "../../src/layers/process/DirectoryLock.ts"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

/** Long enough for a busy machine to keep to it. */
const intervalMillis = 5_000
const agentsCount = 20
const checksOfAgent = 5
const agentNames = Array.from({ length: agentsCount }, (_, index) => `agent-${index}`)
const checkNames = Array.from({ length: checksOfAgent }, (_, index) => `check-${index}`)

interface Poll {
  readonly serial: number
  readonly atMillis: number
}

/** Agents that number their answers, check by check, and remember when they gave them. */
const fleet = Effect.fnUntraced(function*() {
  const polls = new Map<string, Array<Poll>>()
  const addresses = yield* Effect.forEach(agentNames, (agentName) =>
    Effect.map(
      FakeAgent.serve({
        getStatus: (name) =>
          Effect.map(Clock.currentTimeMillis, (atMillis) => {
            const key = `${agentName} ${name}`
            const own = polls.get(key) ?? []
            polls.set(key, own)
            own.push({ serial: own.length, atMillis })
            return FakeAgent.available(Buffer.from(JSON.stringify({ serial: own.length - 1 })))
          })
      }),
      (address) => [agentName, address] as const
    ))
  return { polls, addresses }
})

const setUp = Effect.fnUntraced(function*(extra: ReadonlyArray<readonly [string, string]> = []) {
  const folder = yield* temporaryFolder
  const { addresses, polls } = yield* fleet()
  const { port, received } = yield* FakeCore.serve({ takesParts: true })
  const [grpcPort, httpPort] = [yield* Program.freePort, yield* Program.freePort]
  const file = path.join(folder, "poller.json")
  const checks = checkNames.map((name) => ({ service_type: "port", service_name: name, details: "127.0.0.1:1" }))
  const write = (interval: number) =>
    Effect.promise(() =>
      fs.writeFile(
        file,
        JSON.stringify({
          poller_id: "poller-1",
          source_ip: "127.0.0.1",
          core_address: `127.0.0.1:${port}`,
          listen_addr: `127.0.0.1:${grpcPort}`,
          poll_interval: `${interval}ms`,
          buffer: { dir: path.join(folder, "buffer") },
          agents: Object.fromEntries([...addresses, ...extra].map(([name, address]) => [name, { address, checks }]))
        })
      )
    )
  yield* write(intervalMillis)
  const start = (...args: ReadonlyArray<string>) =>
    Program.start(["poller", "--config", file, "--http", `127.0.0.1:${httpPort}`, ...args])
  return { start, polls, received, httpPort, buffer: path.join(folder, "buffer") }
})

const polledAtLeast = (
  polls: ReadonlyMap<string, ReadonlyArray<Poll>>,
  more: number,
  programs: Array<Program.Program>
) =>
  Effect.suspend(() => {
    const before = new Map([...polls].map(([key, own]) => [key, own.length]))
    return Program.eventually(
      `${more} more polls of each check`,
      Effect.sync(() => {
        const isAll = polls.size === agentsCount * checksOfAgent &&
          [...polls].every(([key, own]) => own.length >= (before.get(key) ?? 0) + more)
        return isAll ? Option.some(true) : Option.none()
      }),
      { within: "60 seconds", programs }
    )
  })

/** Of one check from its second poll on: how many were missed, and how many were too many. */
const judged = (own: ReadonlyArray<Poll>) => {
  const gaps = own.slice(1).map(({ atMillis }, index) => atMillis - (own[index]?.atMillis ?? 0))
  return {
    missed: gaps.slice(1).filter((gap) => gap >= 2 * intervalMillis - 50).length,
    doubled: gaps.slice(1).filter((gap) => gap < intervalMillis / 2).length,
    longest: Math.max(...gaps.slice(1))
  }
}

const serialsAtCore = (received: ReadonlyArray<FakeCore.Received>) => {
  const ids = new Set<string>()
  const serials = new Map<string, Array<number>>()
  for (const { reportId, services } of received) {
    if (services.length === 0 || ids.has(reportId)) continue
    ids.add(reportId)
    for (const { agentId, message, serviceName } of services) {
      const { data } = JSON.parse(message.toString())
      const key = `${agentId} ${serviceName}`
      if (typeof data.serial === "number") serials.set(key, [...serials.get(key) ?? [], data.serial])
    }
  }
  return serials
}

const assertWhole = (
  polls: ReadonlyMap<string, ReadonlyArray<Poll>>,
  received: ReadonlyArray<FakeCore.Received>
) => {
  const atCore = serialsAtCore(received)
  for (const [key, own] of polls) {
    const serials = atCore.get(key) ?? []
    const last = serials.at(-1) ?? 0
    assert.deepStrictEqual(serials, own.slice(0, last + 1).map(({ serial }) => serial), key)
  }
}

// Twenty polls a second each: they mostly wait, so they do it side by side.
describe.concurrent("The replacement of a poller under load", () => {
  it.live(
    "misses no poll, makes none twice, and core gets all of them once and in order",
    () =>
      Effect.gen(function*() {
        const { httpPort, polls, received, start } = yield* setUp()
        const first = yield* start()
        yield* polledAtLeast(polls, 2, [first])
        const unanswered: Array<string> = []
        const ask = Effect.result(
          // A connection that the old one had, or that was on its way to it, is made anew.
          Effect.retry(Program.fetchJson(`http://127.0.0.1:${httpPort}/health/live`), {
            schedule: Schedule.spaced("20 millis"),
            times: 3
          })
        ).pipe(
          Effect.map((answer) => {
            if (answer._tag === "Failure") unanswered.push(answer.failure.reason)
          }),
          Effect.andThen(Effect.sleep("20 millis"))
        )
        const replaced = Effect.gen(function*() {
          const second = yield* start("--replace")
          const firstExit = yield* Effect.timeoutOption(first.exited, "60 seconds")
          yield* polledAtLeast(polls, 2, [first, second])
          const third = yield* start("--replace")
          const secondExit = yield* Effect.timeoutOption(second.exited, "60 seconds")
          yield* polledAtLeast(polls, 2, [second, third])
          return { second, third, exits: [firstExit, secondExit] }
        })
        const { exits, second, third } = yield* Effect.raceFirst(replaced, Effect.forever(ask))

        assert.deepStrictEqual(exits, [Option.some(0), Option.some(0)], `${first.output()}\n---\n${second.output()}`)
        const all = [...polls.values()].map(judged)
        const missed = all.reduce((sum, one) => sum + one.missed, 0)
        const doubled = all.reduce((sum, one) => sum + one.doubled, 0)
        const longest = Math.max(...all.map((one) => one.longest))
        const count = [...polls.values()].reduce((sum, own) => sum + own.length, 0)
        yield* Effect.logInfo(`${count} polls, ${missed} missed, ${doubled} twice, longest pause ${longest} ms`)
        assert.deepStrictEqual({ missed, doubled, unanswered }, { missed: 0, doubled: 0, unanswered: [] })
        yield* Effect.sleep("1 second")
        assertWhole(polls, received)
        assert.match(third.output(), /this one has taken over/)
      }),
    120_000
  )

  it.live("that dies in the middle leaves the old poller polling", () =>
    Effect.gen(function*() {
      // It is waited for, so there is a middle.
      const silent = yield* FakeAgent.hang
      const { polls, received, start } = yield* setUp([["silent", silent]])
      const first = yield* start()
      yield* polledAtLeast(polls, 2, [first])
      const second = yield* start("--replace")
      yield* Program.eventually(
        "the beginning of the replacement",
        Effect.sync(() => /taking over 21 agents/.test(second.output()) ? Option.some(true) : Option.none()),
        { within: "30 seconds", programs: [first, second] }
      )
      yield* second.kill("SIGKILL")
      yield* second.exited
      yield* polledAtLeast(polls, 2, [first])

      assert.isTrue(first.isRunning())
      assert.match(first.output(), /did not take over to the end/)
      const third = yield* start("--replace")
      assert.deepStrictEqual(yield* Effect.timeoutOption(first.exited, "60 seconds"), Option.some(0), third.output())
      yield* polledAtLeast(polls, 2, [third])
      const missed = [...polls.values()].map(judged).reduce((sum, one) => sum + one.missed, 0)
      assert.strictEqual(missed, 0)
      assert.isAbove(received.length, 0)
    }), { retry: 2, timeout: 120_000 })

  it.live(
    "whose old poller dies in the middle goes on with all agents, and with what it left",
    () =>
      Effect.gen(function*() {
        const silent = yield* FakeAgent.hang
        const { polls, received, start } = yield* setUp([["silent", silent]])
        const first = yield* start()
        yield* polledAtLeast(polls, 2, [first])
        const second = yield* start("--replace")
        yield* Program.eventually(
          "the beginning of the replacement",
          Effect.sync(() => /taking over 21 agents/.test(second.output()) ? Option.some(true) : Option.none()),
          { within: "30 seconds", programs: [first, second] }
        )
        yield* first.kill("SIGKILL")
        yield* polledAtLeast(polls, 2, [second])
        const before = received.length
        yield* Program.eventually(
          "reports of the new one",
          Effect.sync(() => received.length > before ? Option.some(true) : Option.none()),
          { within: "30 seconds", programs: [second] }
        )
        assert.match(second.output(), /this one has taken over/)
      }),
    120_000
  )

  it.live("is refused with a reason to a poller of another name, and without a folder", () =>
    Effect.gen(function*() {
      const { buffer, polls, start } = yield* setUp()
      const first = yield* start()
      yield* polledAtLeast(polls, 1, [first])
      const folder = yield* temporaryFolder
      const file = path.join(folder, "poller.json")
      const config = (pollerId: string, block: object) =>
        Effect.promise(() =>
          fs.writeFile(
            file,
            JSON.stringify({
              poller_id: pollerId,
              core_address: "127.0.0.1:1",
              buffer: block,
              agents: { a: { address: "127.0.0.1:1" } }
            })
          )
        )
      yield* config("poller-2", { dir: buffer })
      const other = yield* Program.start(["poller", "--config", file, "--http", "off", "--replace"])
      assert.strictEqual(yield* other.exited, 2)
      assert.match(other.output(), /cannot be replaced: it is poller poller-2, this one is poller-1; it polls on/)
      const owned = path.join(folder, "owned")
      yield* Effect.promise(() => fs.mkdir(owned, { mode: 0o700 }))
      yield* DirectoryLock.acquire(owned)
      yield* config("poller-1", { dir: owned })
      const early = yield* Program.start(["poller", "--config", file, "--http", "off", "--replace"])
      assert.strictEqual(yield* early.exited, 2)
      assert.match(early.output(), new RegExp(`process ${process.pid} lets nobody take over`))
      yield* config("poller-1", { type: "memory" })
      const forgetful = yield* Program.start(["poller", "--config", file, "--http", "off", "--replace"])
      assert.strictEqual(yield* forgetful.exited, 2)
      assert.match(forgetful.output(), /--replace: there is no buffer folder/)
      assert.isTrue(first.isRunning())
    }).pipe(Effect.provide(NodeFileSystem.layer)), 60_000)
})

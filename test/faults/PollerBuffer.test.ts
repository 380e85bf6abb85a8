import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as Program from "../support/Program.ts"
import { restartable } from "../support/restartable.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const checks = Array.from({ length: 20 }, (_, index) => `check-${index}`)
/** What is measured is handed to the operating system within it, with room for a busy machine. */
const writtenMillis = 1_000

interface Answer {
  readonly name: string
  readonly serial: number
  readonly atMillis: number
}

/** An agent that numbers its answers, and remembers when it gave them. */
const numberingAgent = Effect.gen(function*() {
  const answers: Array<Answer> = []
  const address = yield* FakeAgent.serve({
    getStatus: (name) =>
      Effect.map(Clock.currentTimeMillis, (atMillis) => {
        answers.push({ name, serial: answers.length, atMillis })
        return FakeAgent.available(Buffer.from(JSON.stringify({ serial: answers.length - 1 })))
      })
  })
  return { address, answers }
})

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { address, answers } = yield* numberingAgent
  const port = yield* Program.freePort
  const received: Array<FakeCore.Received> = []
  const onReport = { next: () => {} }
  const isTaking = () => {
    onReport.next()
    return true
  }
  const core = yield* restartable(FakeCore.serve({ port, received, takesParts: true, isTaking }))
  const file = path.join(folder, "poller.json")
  const buffer = path.join(folder, "buffer")
  yield* Effect.promise(() =>
    fs.writeFile(
      file,
      JSON.stringify({
        poller_id: "poller-1",
        source_ip: "127.0.0.1",
        core_address: `127.0.0.1:${port}`,
        // Ten times a second in place of each five minutes: a second stands for almost an hour.
        poll_interval: "100ms",
        buffer: { dir: buffer, drain_rate: 1 },
        agents: {
          "agent-1": {
            address,
            checks: checks.map((name) => ({ service_type: "port", service_name: name, details: "127.0.0.1:1" }))
          }
        }
      })
    )
  )
  const start = Program.start(["poller", "--config", file, "--http", "off"])
  return { start, core, received, answers, buffer, onReport }
})

/** Waits until there are more. */
const grown = (what: string, count: () => number, by: number, programs: ReadonlyArray<Program.Program>) =>
  Effect.suspend(() => {
    const before = count()
    return Program.eventually(what, Effect.sync(() => count() >= before + by ? Option.some(count()) : Option.none()), {
      within: "30 seconds",
      programs
    })
  })

/** As a core that takes each report once keeps them: its checks' serial numbers in the order of their coming. */
const kept = (received: ReadonlyArray<FakeCore.Received>) => {
  const ids = new Set<string>()
  const serials = new Map<string, Array<number>>(checks.map((name) => [name, []]))
  for (const { reportId, services } of received) {
    if (services.length === 0 || ids.has(reportId)) continue
    ids.add(reportId)
    for (const { message, serviceName } of services) {
      const { data } = JSON.parse(message.toString())
      if (typeof data.serial === "number") serials.get(serviceName)?.push(data.serial)
    }
  }
  return { ids, serials }
}

describe("A poller whose core is away", () => {
  it.live("loses nothing that it accepted when it is killed, twice, and brings it once and in order", () =>
    Effect.gen(function*() {
      const { answers, buffer, core, onReport, received, start } = yield* setUp
      yield* core.start
      const first = yield* start
      yield* grown("reports", () => received.length, 3, [first])
      yield* core.stop
      const accepted: Array<Answer> = []
      const kill = Effect.fnUntraced(function*(poller: Program.Program, since: number) {
        const now = yield* Clock.currentTimeMillis
        yield* poller.kill("SIGKILL")
        yield* poller.exited
        accepted.push(...answers.filter(({ atMillis }) => atMillis >= since && atMillis < now - writtenMillis))
      })

      yield* grown("what is measured meanwhile", () => answers.length, 1_500, [first])
      yield* kill(first, 0)
      const files = yield* Effect.promise(() => fs.readdir(buffer))
      const modes = yield* Effect.promise(() =>
        Promise.all([buffer, ...files.map((name) => path.join(buffer, name))].map((name) => fs.stat(name)))
      )
      const secondAt = yield* Clock.currentTimeMillis
      const second = yield* start
      yield* grown("what is measured after the restart", () => answers.length, 500, [second])
      // In the middle of what waited, when core has a report and the poller does not know it yet.
      let reports = 0
      onReport.next = () => {
        reports += 1
        if (reports === 5) process.kill(second.pid, "SIGKILL")
      }
      yield* core.start
      yield* Program.eventually(
        "the second kill",
        Effect.sync(() => reports >= 5 ? Option.some(true) : Option.none()),
        {
          within: "30 seconds",
          programs: [second]
        }
      )
      yield* kill(second, secondAt)
      const third = yield* start
      const thirdAt = answers.length
      yield* Program.eventually(
        "the newest status",
        Effect.sync(() => {
          const { serials } = kept(received)
          return [...serials.values()].every((own) => (own.at(-1) ?? 0) > thirdAt) ? Option.some(true) : Option.none()
        }),
        { within: "30 seconds", programs: [third] }
      )

      const { ids, serials } = kept(received)
      for (const name of checks) {
        const own = serials.get(name) ?? []
        assert.deepStrictEqual(own, [...new Set(own)].toSorted((a, b) => a - b), name)
        const missing = accepted.filter((one) => one.name === name && !own.includes(one.serial))
        assert.deepStrictEqual(missing, [], name)
      }
      assert.isAbove(accepted.length, 1_500)
      assert.isFalse(ids.has(""))
      assert.isAbove(received.length, ids.size)
      assert.deepStrictEqual(modes.map(({ mode }) => (mode & 0o777).toString(8)), [
        "700",
        ...files.map(() => "600")
      ])
      assert.match(second.output(), /\d+ statuses of before the start wait in/)
      yield* Effect.logInfo(
        `${accepted.length} accepted, ${received.length} reports received, ${ids.size} of them different`
      )
    }))
})

import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as ProcessList from "../../../../src/layers/probes/process/ProcessList.ts"
import * as ProcessTable from "../../../../src/layers/process/ProcessTable.ts"

describe("ProcessList", () => {
  it.live("reads the table once for all who ask at the same time, and again for those who ask later", () =>
    Effect.gen(function*() {
      let reads = 0
      const fs = yield* FileSystem.FileSystem
      const processes = yield* ProcessList.make(
        fs,
        Effect.suspend(() => {
          reads += 1
          return ProcessTable.read()
        })
      )

      const lists = yield* Effect.all(Array.from({ length: 50 }, () => processes), { concurrency: "unbounded" })
      const readsTogether = reads
      yield* processes

      assert.isTrue(lists.every((list) => list.some((one) => one.commandLine.includes("node"))))
      assert.strictEqual(readsTogether, 1)
      assert.strictEqual(reads, 2)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("goes on for the others when one does not wait any more, and ends at its limit", () =>
    Effect.gen(function*() {
      const processes = yield* ProcessList.make(FileSystem.makeNoop({}), Effect.never)
      const first = yield* Effect.forkChild(processes, { startImmediately: true })
      const second = yield* Effect.forkChild(Effect.flip(processes), { startImmediately: true })

      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual((yield* Fiber.join(second)).message, "/proc: not read within 5s")
    }).pipe(Effect.scoped))

  it.effect("reads a command line again after half a minute, or when the name changes", () =>
    Effect.gen(function*() {
      let reads = 0
      let name = "sh"
      const stat = { pid: 7, parentPid: 1, state: "S", cpuTicks: 0, startTicks: 5, residentPages: 1 }
      const fs = FileSystem.makeNoop({ readFileString: () => Effect.sync(() => `reading ${++reads}`) })
      const processes = yield* ProcessList.make(fs, Effect.sync(() => [{ ...stat, name }]))

      yield* processes
      yield* processes
      const early = reads
      name = "server"
      const [renamed] = yield* processes
      yield* TestClock.adjust("31 seconds")
      const [late] = yield* processes

      assert.strictEqual(early, 1)
      assert.deepStrictEqual(renamed, { ...stat, name: "server", commandLine: "reading 2" })
      assert.strictEqual(late?.commandLine, "reading 3")
    }).pipe(Effect.scoped))
})

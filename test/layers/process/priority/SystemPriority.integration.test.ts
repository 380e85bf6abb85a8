/** What Linux says of a process whose priority was lowered. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as SystemPriority from "../../../../src/layers/process/priority/SystemPriority.ts"

/** The 41st field, behind a name that may hold anything; 0 is what everybody has, 5 is SCHED_IDLE. */
const policyOf = (pid: number): number => {
  const text = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[38])
}

const sleeper = Effect.acquireRelease(
  Effect.sync(() => spawn("/bin/sleep", ["60"], { stdio: "ignore" })),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

describe("SystemPriority", () => {
  it.live("leaves a process what nobody else wants", () =>
    Effect.gen(function*() {
      const { pid = 0 } = yield* sleeper
      assert.strictEqual(policyOf(pid), 0)
      yield* SystemPriority.idle(pid)
      assert.strictEqual(policyOf(pid), 5)
    }).pipe(Effect.scoped))

  it.live("does without chrt where there is none, and says so once; who has ended is no trouble", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const { pid = 0 } = yield* sleeper
      const withoutChrt = Effect.acquireUseRelease(
        Effect.sync(() => {
          const { PATH } = process.env
          process.env["PATH"] = "/nowhere"
          return PATH
        }),
        () => Effect.andThen(SystemPriority.idle(pid), SystemPriority.idle(pid)),
        (path) =>
          Effect.sync(() => {
            process.env["PATH"] = path ?? ""
          })
      )
      yield* Effect.provide(withoutChrt, Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]))
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0] ?? "", /there is no chrt \(util-linux\)/)
      assert.strictEqual(policyOf(pid), 0)
      yield* SystemPriority.idle(2 ** 22 + 1)
    }).pipe(Effect.scoped))
})

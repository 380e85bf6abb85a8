/** What Linux says of a process whose priority was lowered. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as SystemPriority from "../../../../src/layers/process/priority/SystemPriority.ts"
import { eventually } from "../../../support/Program.ts"

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
  it.live("leaves a process what nobody else wants; who has ended is no trouble", () =>
    Effect.gen(function*() {
      const { pid = 0 } = yield* sleeper
      assert.strictEqual(policyOf(pid), 0)
      SystemPriority.idle(2 ** 22 + 1)
      SystemPriority.idle(pid)
      yield* eventually(
        "SCHED_IDLE",
        Effect.sync(() => policyOf(pid) === 5 ? Option.some(undefined) : Option.none()),
        { within: "20 seconds" }
      )
    }).pipe(Effect.scoped))
})

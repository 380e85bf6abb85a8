import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as AgentProgram from "../support/agentProgram.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const opened = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.openSync(file, fs.constants.O_WRONLY)),
    (descriptor) => Effect.sync(() => fs.closeSync(descriptor))
  )

/** There is never any room. */
const full = { code: "ENOSPC", device: opened("/dev/full") }
/** Every write is an I/O error: nothing is mapped at the beginning of our memory. */
const broken = { code: "EIO", device: opened("/proc/self/mem") }

describe("A log that cannot be written", () => {
  it.live.each([full, broken])("ends nobody when its device says $code", ({ device }) =>
    Effect.gen(function*() {
      const { isLive, program } = yield* AgentProgram.start({ stdoutTo: yield* device })

      assert.isTrue(Option.isSome(yield* isLive))
      yield* program.kill("SIGTERM")
      assert.strictEqual(yield* Effect.timeout(program.exited, "10 seconds"), 0)
    }).pipe(Effect.scoped))

  it.live("ends nobody when its reader is gone, and says nothing of it", () =>
    Effect.gen(function*() {
      const { isLive, program } = yield* AgentProgram.start()
      yield* program.closeStdout
      // The drain is logged, so something is written where nobody reads.
      yield* isLive
      yield* program.kill("SIGTERM")

      assert.strictEqual(yield* Effect.timeout(program.exited, "10 seconds"), 0)
      assert.notMatch(program.output(), /EPIPE/)
    }))
})

/** On a terminal of its own that is closed with `script`; the id of ours and its exit code stand in the folder. */
const onTerminal = (folder: string) => `
  {
    for word in "$@"; do printf "'%s' " "$word"; done
    echo "& echo \\$! > ${folder}/pid; wait \\$!; echo \\$? > ${folder}/code"
  } > ${folder}/run.sh
  exec script -qec "setsid -w sh ${folder}/run.sh" /dev/null`

describe("A terminal that is closed", () => {
  it.live("ends nobody whom its hang-up does not reach, and who then ends as always", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const word = (name: string) =>
        Effect.sync(() => {
          const file = path.join(folder, name)
          return Option.filter(Option.some(fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : ""), Boolean)
        })
      const { isLive, program } = yield* AgentProgram.start({ within: onTerminal(folder) })
      const pid = Number(Option.getOrThrow(yield* word("pid")))
      yield* program.kill("SIGKILL")
      yield* program.exited

      assert.isTrue(Option.isSome(yield* isLive))
      process.kill(pid, "SIGTERM")
      const code = yield* Program.eventually("the agent has ended", word("code"), {
        within: "15 seconds",
        programs: []
      })
      assert.strictEqual(code, "0")
    }))
})

describe("An answer that cannot be written", () => {
  it.live.each([
    ...["--help", "--version", "up --help", "check port --help"].map((line) => ({ ...full, line })),
    { ...broken, line: "--help" }
  ])("is no success: $line, $code", ({ code, device, line }) =>
    Effect.gen(function*() {
      const program = yield* Program.start(line.split(" "), { stdoutTo: yield* device })

      assert.strictEqual(yield* Effect.timeout(program.exited, "20 seconds"), 2)
      assert.include(program.output(), `could not be written to stdout: ${code}`)
    }).pipe(Effect.scoped))
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as fs from "node:fs/promises"
import { fileURLToPath } from "node:url"
import * as Program from "../support/Program.ts"

const Seen = Schema.fromJsonString(Schema.Struct({
  timer: Schema.Finite,
  socket: Schema.Finite,
  ended: Schema.Array(Schema.String)
}))

const fixture = fileURLToPath(new URL("../fixtures/pausedHeartbeats.ts", import.meta.url))

/** Two periods without a beat are 600 ms. */
const pause = "2 seconds"

const lastSeen = (program: Program.Program) => {
  const lines = program.stdout().split("\n")
  return Schema.decodeUnknownOption(Seen)(lines.at(-2))
}

const seenSuch = (
  what: string,
  program: Program.Program,
  isSuch: (seen: typeof Seen.Type) => boolean
) =>
  Program.eventually(what, Effect.sync(() => Option.filter(lastSeen(program), isSuch)), {
    within: "30 seconds",
    programs: [program]
  })

/** The kernel's own word for it: `T` is stopped. */
const stopped = (program: Program.Program) =>
  Program.eventually(
    "a process that stands still",
    Effect.promise(async () => {
      const stat = await fs.readFile(`/proc/${program.pid}/stat`, "utf8")
      return Option.liftPredicate(stat.slice(stat.lastIndexOf(")") + 2), (rest) => rest.startsWith("T"))
    }),
    { within: "5 seconds", programs: [program] }
  )

describe("A process that is stopped and goes on", () => {
  it.live("keeps the children that could not beat meanwhile (06-heartbeat-after-a-pause.ts)", () =>
    Effect.gen(function*() {
      const program = yield* Program.start([], { within: `exec "${process.execPath}" "${fixture}"` })
      // The watchdog is at work: the one that never beats is gone.
      let seen = yield* seenSuch("the end of the silent child", program, ({ ended }) => ended.length > 0)

      for (let round = 1; round <= 3; round++) {
        yield* program.kill("SIGSTOP")
        yield* stopped(program)
        yield* Effect.sleep(pause)
        yield* program.kill("SIGCONT")
        const { socket, timer } = seen
        seen = yield* seenSuch(
          "beats of both after the pause",
          program,
          (now) => now.timer >= timer + 30 && now.socket >= socket + 20
        )
      }

      assert.deepStrictEqual(seen.ended, ["silent"])
    }))
})

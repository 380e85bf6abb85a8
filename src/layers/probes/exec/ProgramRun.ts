/**
 * Runs an operator's program within limits, a bounded number at once.
 *
 * No shell: the arguments reach the program as they are. It leads a process group of its own, so that all it has started
 * ends with it, asked first (SIGTERM) and a second later not any more (SIGKILL); what has left the group is found by its
 * environment (`LeftBehind`). Memory is limited by the kernel, for
 * each process, by way of `prlimit` of util-linux. Of this process's environment it gets PATH and nothing else: there may
 * be secrets in it.
 */
import { Deferred, Duration, Effect, Semaphore } from "effect"
import * as Printed from "../../process/spawn/Printed.ts"
import type * as Program from "../../process/spawn/Program.ts"
import { Spawner } from "../../process/spawn/Spawner.ts"
import { StepFailed } from "../CheckSteps.ts"
import * as LeftBehind from "./LeftBehind.ts"
import * as LimitedCommand from "./LimitedCommand.ts"

export interface ProgramSpec extends LimitedCommand.Limited {
  readonly env: Readonly<Record<string, string>>
  readonly folder: string | undefined
  /** Of stdout and stderr together. */
  readonly outputBytesMax: number
}

export interface Finished {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramRun {
  /** Waits without a limit of its own; interruption ends the program and all it has started. */
  readonly run: (spec: ProgramSpec) => Effect.Effect<Finished, StepFailed>
}

const atOnceMax = 16
/** Between being asked to end and being ended. */
const grace = Duration.seconds(1)
/** What ending a program that does not end by itself may take. */
export const endMax = Duration.seconds(2)
/** How long the output may stay open when the program has ended. */
const drain = Duration.millis(500)

interface Running {
  readonly program: Program.Program
  readonly pid: () => number | undefined
  /** In the environment of all that it starts. */
  readonly mark: string
  readonly ended: Deferred.Deferred<Finished, StepFailed>
  readonly exited: Deferred.Deferred<void>
}

/** So that each has a mark of its own. */
let runs = 0

const start = (
  begin: Program.Begin,
  [file, args]: LimitedCommand.CommandLine,
  spec: ProgramSpec,
  path: string
): Running => {
  runs += 1
  const mark = `${process.pid}.${runs}`
  const ended = Deferred.makeUnsafe<Finished, StepFailed>()
  const exited = Deferred.makeUnsafe<void>()
  const fail = (reason: string) => Deferred.doneUnsafe(ended, Effect.fail(new StepFailed({ reason })))
  const printed = Printed.make(spec.outputBytesMax)
  let pid: number | undefined
  let status: { readonly code: number | null; readonly signal: string | null } | undefined
  const order: Program.Order = {
    file,
    args,
    folder: spec.folder ?? "/",
    env: { PATH: path, LC_ALL: "C", ...spec.env, [LeftBehind.variable]: mark },
    givesWayBy: 0
  }
  const program = begin(order, {
    started: (id) => {
      pid = id
    },
    printed: (stream, part) => {
      if (printed.add(stream, part)) return
      program.deafen()
      fail(`it printed more than ${spec.outputBytesMax} bytes and was ended`)
    },
    failed: (message) => {
      fail(message)
      Deferred.doneUnsafe(exited, Effect.void)
    },
    exited: (code, signal) => {
      status = { code, signal }
      Deferred.doneUnsafe(exited, Effect.void)
    },
    closed: () => {
      const { code = null, signal = null } = status ?? {}
      if (code === null) return void fail(`killed by ${signal ?? "a signal"}`)
      const said = { stdout: printed.text("stdout"), stderr: printed.text("stderr") }
      Deferred.doneUnsafe(ended, Effect.succeed({ exitCode: code, ...said }))
    }
  })
  return { program, pid: () => pid, mark, ended, exited }
}

/** What it has started ends with it, however it ended. */
const stop = ({ exited, mark, pid, program }: Running): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (!(yield* Deferred.isDone(exited))) {
      program.signal("SIGTERM")
      yield* Effect.timeoutOption(Deferred.await(exited), grace)
    }
    program.signal("SIGKILL")
    const started = pid()
    if (started !== undefined) yield* LeftBehind.end(mark, started)
    program.deafen()
  })

export const make = (path: string | undefined): Effect.Effect<ProgramRun> =>
  Effect.map(Effect.all([Semaphore.make(atOnceMax), Spawner]), ([places, begin]) => {
    const commandOf = LimitedCommand.make(path)
    return {
      run: (spec) =>
        places.withPermit(Effect.gen(function*() {
          const commandLine = yield* commandOf(spec)
          const running = yield* Effect.acquireRelease(
            Effect.sync(() => start(begin, commandLine, spec, path ?? "")),
            stop
          )
          const ended = Deferred.await(running.ended)
          yield* Effect.raceFirst(Deferred.await(running.exited), Effect.exit(ended))
          // What it left behind may keep the output open for ever.
          return yield* Effect.timeoutOrElse(ended, {
            duration: drain,
            orElse: () => Effect.andThen(stop(running), ended)
          })
        })).pipe(Effect.scoped)
    }
  })
